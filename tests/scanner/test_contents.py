import pytest
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import FileIndex, ImageContents, Limits, owners_by_path, squash

SITE = "usr/lib/python3/dist-packages"


def debian(*packages: tuple[str, str]) -> LayerBuilder:
    return LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status(*packages))


def python(layer: LayerBuilder, name: str, version: str, *files: str, site: str = SITE) -> LayerBuilder:
    layer.file(f"{site}/{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n")
    layer.file(f"{site}/{name}-{version}.dist-info/RECORD", "".join(f"{file},,\n" for file in files))
    for file in files:
        layer.file(f"{site}/{file}")
    return layer


def versions(contents: ImageContents) -> dict[str, str]:
    return {package.package.name: package.package.version for package in contents.packages}


@pytest.mark.req("A8")
def test_an_image_is_catalogued_with_the_files_of_each_package():
    layer = (
        debian(("bash", "5.2.15-2"))
        .file("bin/bash")
        .file("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n/gone\n")
    )
    contents = squash(
        [layer.scan("sha256:base"), python(LayerBuilder(), "flask", "3.0", "flask/app.py").scan("sha256:app")]
    )
    assert contents.distribution == "Debian:12"
    assert contents.problems == ()
    bash, flask = contents.packages
    assert (bash.package.purl, bash.files) == (
        "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
        ("/bin/bash",),
    )
    assert (bash.location, bash.layer_digest) == ("var/lib/dpkg/status", "sha256:base")
    assert (flask.package.purl, flask.files) == ("pkg:pypi/flask@3.0", (f"/{SITE}/flask/app.py",))
    assert flask.layer_digest == "sha256:app"


def test_the_topmost_package_database_wins_whole():
    lower = debian(("bash", "5.1"), ("curl", "7.0")).scan("sha256:low")
    upper = LayerBuilder().file("var/lib/dpkg/status", status(("bash", "5.2"))).scan("sha256:high")
    contents = squash([lower, upper])
    assert versions(contents) == {"bash": "5.2"}
    assert contents.packages[0].layer_digest == "sha256:high"


def test_file_lists_of_lower_layers_still_count():
    lower = debian(("bash", "5.1")).file("bin/bash").file("var/lib/dpkg/info/bash.list", "/bin/bash\n")
    upper = LayerBuilder().file("var/lib/dpkg/status", status(("bash", "5.1"), ("curl", "7.0")))
    assert squash([lower.scan(), upper.scan()]).packages[0].files == ("/bin/bash",)


def test_what_a_whiteout_removes_is_not_installed():
    lower = python(debian(("bash", "5.1")), "flask", "2.0", "flask/app.py").scan()
    upper = LayerBuilder().whiteout(f"{SITE}/flask-2.0.dist-info").opaque("var/lib/dpkg").scan()
    assert versions(squash([lower, upper])) == {}


def test_an_upgrade_leaves_only_the_new_version():
    lower = python(LayerBuilder(), "flask", "2.0", "flask/app.py").scan()
    upper = python(LayerBuilder().whiteout(f"{SITE}/flask-2.0.dist-info"), "flask", "3.0", "flask/app.py").scan()
    assert versions(squash([lower, upper])) == {"flask": "3.0"}


def test_on_a_merged_usr_owned_files_have_their_real_paths():
    layer = debian(("bash", "5.2")).directory("usr/bin").symlink("bin", "usr/bin").file("usr/bin/bash")
    layer.symlink("usr/bin/rbash", "bash").file("var/lib/dpkg/info/bash.list", "/bin/bash\n/bin/rbash\n")
    assert squash([layer.scan()]).packages[0].files == ("/usr/bin/bash",)


def test_a_python_package_shipped_by_the_distribution_has_it_as_owner():
    layer = python(debian(("python3-yaml", "6.0-3"), ("other", "1")), "PyYAML", "6.0", "yaml/__init__.py")
    python(layer, "flask", "3.0", "flask/app.py", site="usr/local/lib/python3.11/dist-packages")
    marker = f"/{SITE}/PyYAML-6.0.dist-info/METADATA"
    layer.file("var/lib/dpkg/info/python3-yaml.list", f"{marker}\n/{SITE}/yaml/__init__.py\n")
    contents = squash([layer.scan()])
    owners = {package.package.name: package.owner_purl for package in contents.packages}
    assert owners["pyyaml"] == "pkg:deb/debian/python3-yaml@6.0-3?arch=amd64&distro=debian-12"
    assert owners["flask"] == owners["python3-yaml"] == ""
    owner = owners_by_path(contents.packages)[f"/{SITE}/yaml/__init__.py"]
    assert contents.packages[owner].package.name == "python3-yaml"


def test_a_hard_link_no_package_lists_belongs_to_the_owner_of_its_file():
    layer = debian(("perl-base", "5.36")).file("usr/bin/perl").hard_link("usr/bin/perl5.36.0", "usr/bin/perl")
    layer.file("var/lib/dpkg/info/perl-base.list", "/usr/bin/perl\n").hard_link("opt/p", "usr/bin/perl")
    assert squash([layer.scan()]).packages[0].files == ("/usr/bin/perl", "/usr/bin/perl5.36.0", "/opt/p")


def test_metadata_under_a_hard_link_is_found_at_every_name():
    cache = "root/.cache/uv/archive-v0/x"
    layer = python(LayerBuilder(), "flask", "3.0", "flask/app.py", site=cache)
    for file in ("flask-3.0.dist-info/METADATA", "flask-3.0.dist-info/RECORD", "flask/app.py"):
        layer.hard_link(f"app/.venv/lib/python3.12/site-packages/{file}", f"{cache}/{file}")
    places = {package.location for package in squash([layer.scan()]).packages}
    assert places == {
        f"{folder}/flask-3.0.dist-info/METADATA" for folder in (cache, "app/.venv/lib/python3.12/site-packages")
    }


def test_metadata_hard_linked_to_a_file_that_was_not_read_is_a_problem():
    layer = LayerBuilder().file("cache/0123").hard_link("x/a-1.dist-info/METADATA", "cache/0123")
    (problem,) = squash([layer.scan("sha256:1")]).problems
    assert problem == "x/a-1.dist-info/METADATA in layer sha256:1: is a hard link to cache/0123, which was not read"


def test_a_package_database_cut_in_half_catalogues_what_is_whole_and_says_so():
    text = status(("bash", "5.2"), ("curl", "7.88"), ("zlib1g", "1.2"))
    layer = LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", text[: len(text) // 2])
    contents = squash([layer.scan("sha256:base"), python(LayerBuilder(), "flask", "3.0").scan("sha256:app")])
    assert versions(contents) == {"bash": "5.2", "flask": "3.0"}
    assert any(
        "var/lib/dpkg/status in layer sha256:base: ends without the blank line" in text for text in contents.problems
    )


def test_problems_of_files_that_an_upper_layer_replaced_are_not_mentioned():
    broken = LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", "Package: x")
    whole = LayerBuilder().file("var/lib/dpkg/status", status(("bash", "5.2")))
    assert squash([broken.scan(), whole.scan()]).problems == ()


@pytest.mark.parametrize(
    ("os_release", "distribution", "problem"),
    [
        (
            "ID=kali\nVERSION_ID=2024.1\n",
            "",
            "distribution kali-2024.1 is not supported: 1 of its packages were read, none can be matched",
        ),
        (None, "", "distribution unknown is not supported: 1 of its packages were read, none can be matched"),
    ],
)
def test_packages_of_a_distribution_without_advisories_are_listed_with_a_warning(os_release, distribution, problem):
    layer = LayerBuilder().file("var/lib/dpkg/status", status(("bash", "5.2")))
    if os_release:
        layer.file("etc/os-release", os_release)
    contents = squash([layer.scan()])
    assert (contents.distribution, contents.problems) == (distribution, (problem,))
    assert contents.packages[0].package.ecosystem == ""


@pytest.mark.parametrize(
    ("os_release", "problem"),
    [
        (
            "ID=ol\nVERSION_ID=9.3\n",
            "distribution ol-9.3 is not supported: 0 of its packages were read, none can be matched",
        ),
        (OS_RELEASE, "distribution debian-12: no package database was found, its packages are unknown"),
    ],
)
def test_an_operating_system_whose_packages_are_unknown_does_not_look_clean(os_release, problem):
    assert squash([LayerBuilder().file("etc/os-release", os_release).scan()]).problems == (problem,)


def test_problems_beyond_the_limit_are_counted():
    layer = LayerBuilder()
    for number in range(9):
        layer.file(f"s/{number}.dist-info/METADATA", "")
    problems = squash([layer.scan()], limits=Limits(max_problems=3)).problems
    assert (len(problems), problems[-1]) == (4, "and 6 more problems")


def test_os_release_is_found_through_its_usual_link():
    layer = LayerBuilder().symlink("etc/os-release", "../usr/lib/os-release").file("usr/lib/os-release", OS_RELEASE)
    assert squash([layer.scan()]).distribution == "Debian:12"


def test_an_image_without_layers_is_empty():
    assert squash([]) == ImageContents("", ())


def test_own_source_is_what_no_package_owns():
    layer = python(debian(("tool", "1")), "flask", "3.0", "flask/app.py", "../../../bin/flask")
    layer.file("usr/share/tool/run.py", "import yaml\n").file("var/lib/dpkg/info/tool.list", "/usr/share/tool/run.py\n")
    layer.file("app/main.py", "import yaml\n").file("app/bad.py", "(").file("app/lib.pyc").file("app/main.pyc")
    layer.file("store/0123").hard_link("app/linked.py", "store/0123")
    layer.file("app/fast.cpython-312-x86_64-linux-gnu.so").file("app/__pycache__/gone.cpython-312.pyc")
    code = squash([layer.scan()]).calls
    assert set(code.sources) == {"/app/main.py"}
    assert set(code.unread) == {
        "/app/bad.py cannot be parsed as Python (SyntaxError)",
        "/app/lib.pyc is not source",
        "/app/fast.cpython-312-x86_64-linux-gnu.so is not source",
        "/app/linked.py is a hard link to a file that was not read",
    }


def test_dependents_are_known_by_what_they_need():
    layer = LayerBuilder().file(
        "s/a-1.dist-info/METADATA", "Name: a\nVersion: 1\nRequires-Dist: B[x] (>=2)\nRequires-Dist: a\n"
    )
    layer.file("s/c-1.dist-info/METADATA", "Name: c\nVersion: 1\nRequires-Dist: b; extra == 'x'\n")
    assert squash([layer.scan()]).calls.dependents == {"b": ("a", "c")}


def test_squashing_twice_gives_the_same():
    layers = [python(debian(("bash", "5.2")), "flask", "3.0", "flask/app.py").scan()]
    assert squash(layers) == squash(layers)
    assert FileIndex.of(squash(layers)) == FileIndex.of(squash(layers))
