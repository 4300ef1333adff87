"""Packages that own a folder: what they get of it, and what others inside it do."""

import json

import pytest
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import FileIndex, ImageContents, squash

MODULES = "app/node_modules"


def node(layer: LayerBuilder, folder: str, name: str, *files: str, version: str = "1.0.0") -> LayerBuilder:
    layer.file(f"{folder}/package.json", json.dumps({"name": name, "version": version}))
    for file in files:
        layer.file(f"{folder}/{file}")
    return layer


def files(contents: ImageContents) -> dict[str, set[str]]:
    return {package.package.name: set(package.files) for package in contents.packages}


@pytest.mark.req("A8")
def test_a_package_owns_what_is_below_its_folder_but_not_the_packages_inside():
    layer = node(LayerBuilder(), f"{MODULES}/a", "a", "index.js", "lib/x/y.js", "node_modules/.bin/z")
    node(layer, f"{MODULES}/a/node_modules/b", "b", "index.js").symlink(f"{MODULES}/a/link", "lib")
    layer.file("app/server.js")
    contents = squash([layer.scan()])
    a, b = f"/{MODULES}/a", f"/{MODULES}/a/node_modules/b"
    assert files(contents) == {
        "a": {f"{a}/package.json", f"{a}/index.js", f"{a}/lib/x/y.js", f"{a}/node_modules/.bin/z"},
        "b": {f"{b}/package.json", f"{b}/index.js"},
    }
    index = FileIndex.of(contents)
    assert [index.find(path) for path in (f"{a}/lib/x/y.js", f"{b}/index.js", "/app/server.js")] == [
        ("pkg:npm/a@1.0.0",),
        ("pkg:npm/b@1.0.0",),
        (),
    ]


def test_a_folder_reached_through_a_link_is_owned_by_its_real_path():
    layer = node(LayerBuilder(), f"{MODULES}/.pnpm/a@1.0.0/node_modules/a", "a", "index.js")
    layer.symlink(f"{MODULES}/a", ".pnpm/a@1.0.0/node_modules/a")
    assert files(squash([layer.scan()]))["a"] == {
        f"/{MODULES}/.pnpm/a@1.0.0/node_modules/a/{name}" for name in ("index.js", "package.json")
    }


def test_files_of_all_layers_count_and_removed_ones_do_not():
    lower = node(LayerBuilder(), f"{MODULES}/a", "a", "old.js", "index.js").scan()
    upper = LayerBuilder().file(f"{MODULES}/a/new.js").whiteout(f"{MODULES}/a/old.js").scan()
    assert files(squash([lower, upper]))["a"] == {
        f"/{MODULES}/a/{name}" for name in ("package.json", "index.js", "new.js")
    }


def test_a_folder_that_two_packages_name_is_the_first_ones():
    packages = [{"name": f"a/{letter}", "version": "1", "install-path": "../a/x"} for letter in "bc"]
    layer = LayerBuilder().file("v/composer/installed.json", json.dumps({"packages": packages})).file("v/a/x/i.php")
    assert files(squash([layer.scan()])) == {"a/b": {"/v/a/x/i.php"}, "a/c": set()}


def test_no_package_owns_the_root():
    layer = (
        LayerBuilder().file("etc/os-release", OS_RELEASE).file("lib/apk/db/installed", "P:a\nV:1\nA:x86\nF:\nR:\n\n")
    )
    assert files(squash([layer.scan()])) == {"a": set()}


def test_a_node_package_shipped_by_the_distribution_has_it_as_owner():
    layer = (
        LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status(("node-semver", "7.3.5")))
    )
    node(layer, "usr/share/nodejs/semver", "semver", "index.js", version="7.3.5")
    listed = "".join(f"/usr/share/nodejs/semver/{name}\n" for name in ("package.json", "index.js"))
    layer.file("var/lib/dpkg/info/node-semver.list", listed)
    node(layer, "app/node_modules/semver", "semver", "index.js", version="7.5.0")
    contents = squash([layer.scan()])
    owners = {(p.package.ecosystem, p.package.version): p.owner_purl for p in contents.packages}
    debian = "pkg:deb/debian/node-semver@7.3.5?arch=amd64&distro=debian-12"
    assert owners == {("Debian:12", "7.3.5"): "", ("npm", "7.3.5"): debian, ("npm", "7.5.0"): ""}
    assert FileIndex.of(contents).find("/usr/share/nodejs/semver/index.js") == (debian,)


def test_two_thousand_node_packages_own_every_file_in_their_folders():
    layer = LayerBuilder()
    for number in range(2_000):
        node(layer, f"{MODULES}/package-{number}", f"package-{number}", *(f"lib/{n}.js" for n in range(2)))
    facts = layer.scan()
    contents = squash([facts])
    assert len(contents.packages) == 2_000
    assert len(FileIndex.of(contents).owners) == 6_000
