import json

import pytest
from tests.ecosystems.catalogued import catalogue, golden, purls

from deadlight.ecosystems.node_packages import NODE

APP = "app/node_modules"


def manifest(name: object, version: object = "1.0.0", **fields: object) -> bytes:
    return json.dumps({"name": name, "version": version, **fields}).encode()


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/a/package.json",
        "usr/lib/node_modules/npm/node_modules/@npmcli/arborist/package.json",
        "app/node_modules/.pnpm/a@1.0.0_b@2/node_modules/a/package.json",
        "usr/share/nodejs/a/package.json",
        "usr/share/nodejs/@types/a/package.json",
        "opt/yarn-v1.22.22/package.json",
        "app/package-lock.json",
        "yarn.lock",
    ],
)
def test_manifests_of_installed_packages_and_locks_of_applications_are_read(path):
    assert NODE.wants(path)


@pytest.mark.parametrize(
    "path",
    [
        "app/package.json",
        "app/node_modules/package.json",
        "app/node_modules/a/dist/esm/package.json",
        "app/node_modules/@b/package.json",
        "app/node_modules/.cache/package.json",
        "app/node_modules/a/test/yarn.lock",
        "app/node_modules/.package-lock.json",
        "app/my_node_modules/a/package.json",
        "usr/share/nodejs/a/test/package.json",
        "app/pnpm-lock.yaml",
    ],
)
def test_what_is_inside_a_package_or_the_application_itself_is_not(path):
    assert not NODE.wants(path)


def test_an_installed_package_owns_its_folder():
    found = catalogue(
        NODE,
        {
            f"{APP}/express/package.json": manifest("express", "4.18.2", dependencies={"debug": "2"}),
            f"{APP}/express/node_modules/debug/package.json": b"\xef\xbb\xbf" + manifest("debug", "2.6.9"),
            f"{APP}/@babel/core/package.json": manifest("@babel/core", "7.24.0"),
        },
    )
    assert [(p.package.name, p.package.version, p.package.ecosystem, p.files) for p in found.packages] == [
        ("express", "4.18.2", "npm", (f"/{APP}/express/",)),
        ("debug", "2.6.9", "npm", (f"/{APP}/express/node_modules/debug/",)),
        ("@babel/core", "7.24.0", "npm", (f"/{APP}/@babel/core/",)),
    ]
    assert purls(found) == ["pkg:npm/express@4.18.2", "pkg:npm/debug@2.6.9", "pkg:npm/%40babel/core@7.24.0"]
    assert found.problems == ()


def test_under_an_alias_a_package_has_its_own_name():
    assert purls(catalogue(NODE, {f"{APP}/old/package.json": manifest("left-pad", "1.3.0")})) == [
        "pkg:npm/left-pad@1.3.0"
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"name": "a"}',
        b'{"version": "1"}',
        manifest(["a"]),
        manifest("a", 1),
        manifest("../a"),
        manifest("a", "1 2"),
        manifest("a" * 300),
        b'{"name": "\xff", "version": "1"}',
    ],
)
def test_a_manifest_without_name_and_version_is_named_not_guessed(text):
    found = catalogue(NODE, {f"{APP}/a/package.json": text})
    assert found.packages == ()
    (problem,) = found.problems
    assert problem.startswith(f"{APP}/a/package.json in layer sha256:1: ")
    assert problem.endswith(", not catalogued")


@pytest.mark.parametrize("name", ["package-lock.json", "package-lock-1.json", "yarn-1.lock", "yarn-4.lock"])
def test_a_lock_counts_where_nothing_is_installed_beside_it(name):
    path = "srv/shop/" + ("yarn.lock" if name.startswith("yarn") else "package-lock.json")
    alone = catalogue(NODE, {path: golden(name), f"{APP}/a/package.json": manifest("a")})
    assert {"pkg:npm/%40babel/core@7.24.0", "pkg:npm/left-pad@1.3.0", "pkg:npm/a@1.0.0"} <= set(purls(alone))
    assert {p.files for p in alone.packages if p.location == path} == {()}
    beside = catalogue(NODE, {path: golden(name), "srv/shop/node_modules/a/package.json": manifest("a")})
    assert purls(beside) == ["pkg:npm/a@1.0.0"]


def test_what_a_lock_takes_from_elsewhere_is_no_package_of_npm():
    found = catalogue(NODE, {"package-lock.json": golden("package-lock-1.json")})
    assert sorted(purls(found)) == [
        "pkg:npm/%40a/b@2.0.0",
        "pkg:npm/%40babel/core@7.24.0",
        "pkg:npm/debug@2.6.9",
        "pkg:npm/express@4.18.2",
        "pkg:npm/left-pad@1.3.0",
    ]


def test_a_lock_that_is_none_is_a_problem():
    assert (
        catalogue(NODE, {"package-lock.json": b"<<<<<<< HEAD"})
        .problems[0]
        .startswith("package-lock.json in layer sha256:1: JSON")
    )
