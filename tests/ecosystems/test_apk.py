import pytest

from deadlight.ecosystems import Distribution, Document
from deadlight.ecosystems.apk import APK

DATABASE = """\
C:Q1yyMWoYnr7lKCxKm9mHlMwkd6dMY=
P:libcrypto3
V:3.1.4-r5
A:x86_64
T:Crypto library from openssl
o:openssl
F:
F:lib
R:libcrypto.so.3
a:0:0:755
Z:Q17yJ3JFNypA4mxhJJr0ou6CzsJVI=
F:usr/lib
R:libcrypto.so.3

P:busybox
V:1.36.1-r15
A:x86_64
F:
R:linuxrc
F:bin
R:busybox

"""


def catalogue(text: str, location: str = "lib/apk/db/installed"):
    assert APK.wants(location)
    document = Document(text.encode(), "sha256:1")
    return APK.catalogue({location: document}, Distribution("Alpine:v3.19", "alpine", "alpine-3.19"))


@pytest.mark.parametrize("location", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_packages_are_listed_with_their_origin_and_files(location):
    crypto, busybox = catalogue(DATABASE, location).packages
    assert crypto.package.purl == "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19"
    assert (crypto.package.source_name, crypto.package.source_version) == ("openssl", "3.1.4-r5")
    assert crypto.files == ("/lib/libcrypto.so.3", "/usr/lib/libcrypto.so.3")
    assert busybox.package.source_name == "busybox"
    assert busybox.files == ("/linuxrc", "/bin/busybox")
    assert busybox.location == location


@pytest.mark.parametrize("cut", range(60, len(DATABASE) - 2, 37))
def test_a_database_cut_short_keeps_whole_entries_and_says_so(cut):
    found = catalogue(DATABASE[:cut])
    versions = {p.package.name: p.package.version for p in catalogue(DATABASE).packages}
    assert all(versions[p.package.name] == p.package.version for p in found.packages)
    assert "lib/apk/db/installed in layer sha256:1" in found.problems[-1]


def test_an_entry_without_a_version_is_named():
    found = catalogue("P:odd\n\n" + DATABASE)
    assert (len(found.packages), len(found.problems)) == (2, 1)
    assert "P:odd" in found.problems[0]
