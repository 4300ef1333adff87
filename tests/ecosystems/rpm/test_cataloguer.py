import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.native_orders import SYSTEM_PYTHON
from tests.support.rpm_databases import (
    berkeley_database,
    header,
    ndb_database,
    sqlite_database,
    sqlite_database_with_log,
)

from deadlight.ecosystems import Catalogue, Distribution, Document
from deadlight.ecosystems.rpm.cataloguer import RPM

REAL = Path(__file__).parents[3] / "../shared/data/rpmdb"
ALMA = Distribution("AlmaLinux:9", "almalinux", "almalinux-9")

BASH = header(source="bash-5.1.8-9.el9.src.rpm", files=["/usr/bin/bash", "/usr/bin/sh"])
SSL = header(
    "openssl-libs", "3.0.7-24.el9", epoch=1, source="openssl-3.0.7-24.el9.src.rpm", files=["/lib64/libssl.so.3"]
)
NODE = header(
    "nodejs", "14.17.5-1.module_el8.4.0+2522+3bd42762", epoch=1, module="nodejs:14:8040020210817133458:522a0ee4"
)
KEY = header("gpg-pubkey", "b86b3716-61e69f29", architecture="")
WRITERS: dict[str, Callable[[Sequence[bytes]], bytes]] = {
    "rpmdb.sqlite": sqlite_database,
    "Packages.db": ndb_database,
    "Packages": berkeley_database,
}


def catalogue(documents: dict[str, bytes], distribution: Distribution = ALMA) -> Catalogue:
    assert all(RPM.wants(path) for path in documents)
    return RPM.catalogue({path: Document(content, "sha256:1") for path, content in documents.items()}, distribution)


@pytest.mark.req("A8")
@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"])
@pytest.mark.parametrize("name", WRITERS)
def test_packages_of_every_kind_of_database_are_listed_with_source_and_files(folder, name):
    found = catalogue({f"{folder}/{name}": WRITERS[name]([BASH, SSL, KEY])})
    bash, ssl = found.packages
    assert found.problems == ()
    assert bash.package.purl == "pkg:rpm/almalinux/bash@5.1.8-9.el9?arch=x86_64&distro=almalinux-9"
    assert bash.files == ("/usr/bin/bash", "/usr/bin/sh")
    assert (bash.location, bash.layer_digest) == (f"{folder}/{name}", "sha256:1")
    assert ssl.package.purl == "pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=almalinux-9&epoch=1"
    assert (ssl.package.version, ssl.package.source_name) == ("1:3.0.7-24.el9", "openssl")
    assert ssl.package.source_version == "1:3.0.7-24.el9"


def test_the_module_a_package_came_from_is_in_its_purl():
    (node,) = catalogue({"var/lib/rpm/Packages": berkeley_database([NODE])}).packages
    assert "rpmmod=nodejs:14:8040020210817133458:522a0ee4" in node.package.purl


def test_a_package_without_a_source_is_its_own():
    (package,) = catalogue({"var/lib/rpm/Packages": berkeley_database([header("local", "1-2")])}).packages
    assert (package.package.source_name, package.package.source_version) == ("local", "1-2")


def test_packages_that_are_only_in_the_log_are_listed(tmp_path):
    content, log = sqlite_database_with_log(tmp_path, [BASH], [SSL])
    found = catalogue({"var/lib/rpm/rpmdb.sqlite": content, "var/lib/rpm/rpmdb.sqlite-wal": log})
    assert [item.package.name for item in found.packages] == ["bash", "openssl-libs"]
    assert found.problems == ()


def test_a_package_in_two_databases_is_one_and_that_there_are_two_is_said():
    found = catalogue(
        {
            "var/lib/rpm/Packages": berkeley_database([BASH, NODE]),
            "usr/lib/sysimage/rpm/rpmdb.sqlite": sqlite_database([BASH, SSL]),
        }
    )
    assert sorted(item.package.name for item in found.packages) == ["bash", "nodejs", "openssl-libs"]
    assert len(found.problems) == 1
    assert "beside" in found.problems[0]


@pytest.mark.parametrize("broken", [b"junk", header(""), header(version="5.1"), header("a b"), header(version="1 -2")])
def test_a_header_without_name_or_version_is_named_and_the_others_kept(broken):
    found = catalogue({"var/lib/rpm/Packages.db": ndb_database([BASH, broken, SSL])})
    assert [item.package.name for item in found.packages] == ["bash", "openssl-libs"]
    assert len(found.problems) == 1
    assert "var/lib/rpm/Packages.db in layer sha256:1" in found.problems[0]


def test_a_package_whose_files_cannot_be_read_is_listed_without_them():
    spoiled = header("bash", files=["/usr/bin/bash"], extra=[]).replace(b"/usr/bin/\0", b"/usr/bin/x")
    found = catalogue({"var/lib/rpm/Packages.db": ndb_database([spoiled, SSL])})
    assert [(item.package.name, len(item.files)) for item in found.packages] == [("bash", 0), ("openssl-libs", 1)]
    assert "files after the first 0 are unknown" in found.problems[0]


@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_database_is_said_to_have_more(name):
    content = WRITERS[name]([BASH, SSL, header(files=[f"/{number}" * 9 for number in range(900)])])
    found = catalogue({f"var/lib/rpm/{name}": content[:-5000]})
    assert "packages after the first" in found.problems[-1]


def test_packages_before_the_damage_are_listed():
    content = ndb_database([BASH, SSL, header(files=["/a/file"] * 900)])
    found = catalogue({"var/lib/rpm/Packages.db": content[:-5000]})
    assert [item.package.name for item in found.packages] == ["bash", "openssl-libs"]
    assert "packages after the first 2 are unknown" in found.problems[0]


def test_azure_linuxs_distroless_images_have_a_list_instead():
    line = "bash\t5.1.8-1.cm2\t1\t1\tMicrosoft\t(none)\t1\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n"
    distribution = Distribution("Azure Linux:2", "mariner", "mariner-2.0")
    found = catalogue({"var/lib/rpmmanifest/container-manifest-2": line.encode()}, distribution)
    (bash,) = found.packages
    assert bash.package.purl == "pkg:rpm/mariner/bash@5.1.8-1.cm2?arch=x86_64&distro=mariner-2.0"
    assert (bash.files, found.problems) == ((), ())


def real(path: str) -> bytes:
    if not (REAL / path).exists():
        pytest.skip(f"{REAL / path} is not there: this test needs the real database")
    return (REAL / path).read_bytes()


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    ("path", "count", "files", "sample"),
    [
        ("cbl-mariner-2.0/rpmdb.sqlite", 129, 7269, ("xz-libs", "5.2.5-1.cm2", "xz")),
        ("sle15-bci/Packages.db", 35, 2837, ("libgcc_s1", "11.2.1+git610-1.3.9", "gcc11")),
        ("libuuid/Packages", 1, 7, ("libuuid", "2.32.1-42.el8_8", "util-linux")),
    ],
)
def test_a_real_database_is_read_whole(path, count, files, sample):
    found = catalogue({f"var/lib/rpm/{Path(path).name}": real(path)})
    assert found.problems == ()
    assert (len(found.packages), sum(len(item.files) for item in found.packages)) == (count, files)
    assert sample in {(item.package.name, item.package.version, item.package.source_name) for item in found.packages}


def test_a_real_database_holds_what_rpm_says(tmp_path):
    """Names, versions, sources and files of all packages, asked of librpm."""
    content = real("cbl-mariner-2.0/rpmdb.sqlite")
    if subprocess.run([SYSTEM_PYTHON, "-c", "import rpm"], capture_output=True, check=False).returncode:
        pytest.skip(f"{SYSTEM_PYTHON} cannot import rpm: librpm cannot be asked")
    (tmp_path / "rpmdb.sqlite").write_bytes(content)
    program = """
import json, rpm, sys
rpm.addMacro("_dbpath", sys.argv[1])
rpm.addMacro("_db_backend", "sqlite")
print(json.dumps(sorted([h["name"], h["evr"], h["arch"], h["sourcerpm"], sorted(h["filenames"])]
                        for h in rpm.TransactionSet().dbMatch())))
"""
    done = subprocess.run([SYSTEM_PYTHON, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    found = catalogue({"var/lib/rpm/rpmdb.sqlite": content})
    ours = sorted(
        [
            item.package.name,
            item.package.version,
            item.package.architecture,
            f"{item.package.source_name}-{item.package.source_version.rpartition(':')[2]}.src.rpm",
            sorted(item.files),
        ]
        for item in found.packages
    )
    assert ours == json.loads(done.stdout)
