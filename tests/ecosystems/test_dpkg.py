import shutil
import subprocess
from pathlib import Path

import pytest

from deadlight.ecosystems import Distribution, Document
from deadlight.ecosystems.dpkg import DPKG

BOOKWORM = Distribution("Debian:12", "debian", "debian-12")

STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer toolkit
 Package: not-a-field
 .

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash (5.2.15-2)
Version: 5.2.15-2+b2

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1.0

"""


def catalogue(**documents: str):
    named = {path.replace("__", "/"): content for path, content in documents.items()}
    return catalogue_of({f"var/lib/dpkg/{path}": content.encode() for path, content in named.items()})


def catalogue_of(documents: dict[str, bytes]):
    assert all(DPKG.wants(path) for path in documents)
    return DPKG.catalogue({path: Document(content, "sha256:1") for path, content in documents.items()}, BOOKWORM)


def test_installed_packages_are_listed_with_their_source_package():
    packages = catalogue(status=STATUS).packages
    assert [(p.package.name, p.package.source_name, p.package.source_version) for p in packages] == [
        ("libssl3", "openssl", "3.0.11-1~deb12u2"),
        ("bash", "bash", "5.2.15-2"),
    ]
    assert packages[0].package.ecosystem == "Debian:12"
    assert packages[0].package.purl == "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"
    assert (packages[0].location, packages[0].layer_digest) == ("var/lib/dpkg/status", "sha256:1")


def test_a_package_owns_what_its_list_names():
    lists = {
        "var/lib/dpkg/status": STATUS.encode(),
        "var/lib/dpkg/info/bash.list": b"/.\n/bin\n/bin/bash\n/usr/share/doc/bash/README\n",
        "var/lib/dpkg/info/libssl3:amd64.list": b"/usr/lib/x86_64-linux-gnu/libssl.so.3\n",
    }
    libssl, bash = catalogue_of(lists).packages
    assert libssl.files == ("/usr/lib/x86_64-linux-gnu/libssl.so.3",)
    assert "/bin/bash" in bash.files


def test_a_diverted_file_is_found_where_it_was_moved():
    documents = {
        "var/lib/dpkg/status": STATUS.encode(),
        "var/lib/dpkg/info/bash.list": b"/bin/sh\n/bin/bash\n",
        "var/lib/dpkg/diversions": b"/bin/sh\n/bin/sh.distrib\ndash\n/bin/bash\n/bin/bash.x\nbash\n",
    }
    assert catalogue_of(documents).packages[1].files == ("/bin/sh.distrib", "/bin/bash")


def test_distroless_images_have_one_status_file_a_package():
    documents = {
        "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all",
        "var/lib/dpkg/status.d/tzdata.md5sums": b"0123  usr/share/zoneinfo/UTC\nbroken line\n",
    }
    (tzdata,) = catalogue_of(documents).packages
    assert (tzdata.package.version, tzdata.files) == ("2024a-0+deb12u1", ("/usr/share/zoneinfo/UTC",))
    assert catalogue_of(documents).problems == ()


@pytest.mark.parametrize("cut", [40, 75, 150, 300, 340])
def test_a_database_cut_short_keeps_its_whole_entries_and_says_where_it_broke(cut):
    found = catalogue(status=STATUS[:cut])
    whole = {(p.package.name, p.package.version) for p in catalogue(status=STATUS).packages}
    assert {(p.package.name, p.package.version) for p in found.packages} <= whole
    assert "var/lib/dpkg/status in layer sha256:1" in found.problems[-1]


def test_an_entry_without_a_version_is_named():
    found = catalogue(status="Package: odd\nStatus: install ok installed\n\n" + STATUS)
    assert len(found.packages) == 2
    assert "'Package: odd" in found.problems[0]


def test_a_name_that_is_none_is_refused():
    found = catalogue(status="Package: ../../x\nVersion: 1\n\n")
    assert (found.packages, len(found.problems)) == ((), 1)


@pytest.mark.req("A8")
@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="dpkg is not installed: it cannot be asked what it has")
def test_this_machines_packages_are_those_dpkg_query_lists():
    root = Path("/var/lib/dpkg")
    paths = [root / "status", *(root / "info").glob("*.list"), *root.glob("diversions")]
    found = catalogue_of({str(path.relative_to("/")): path.read_bytes() for path in paths})
    form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n"
    answer = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True)
    listed = [line.split("\t") for line in answer.stdout.splitlines()]
    expected = sorted(tuple(row[1:]) for row in listed if row[0] == "installed")
    packages = [p.package for p in found.packages]
    assert found.problems == ()
    assert sorted((p.name, p.version, p.architecture, p.source_name, p.source_version) for p in packages) == expected
    dpkg = next(p for p in found.packages if p.package.name == "dpkg")
    owned = subprocess.run(["dpkg", "-L", "dpkg"], capture_output=True, text=True, check=True)
    assert list(dpkg.files) == owned.stdout.splitlines()
