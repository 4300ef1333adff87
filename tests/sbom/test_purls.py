"""A package URL leads back to the package that advisories are matched with: ours, and those of other programs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from deadlight.ecosystems import ECOSYSTEMS, Ecosystem, identify_distribution
from deadlight.ecosystems.language_package import language_package
from deadlight.ecosystems.purl import distribution_purl
from deadlight.model.package import Package
from deadlight.sbom.purls import MAX_PACKAGE_BYTES, MAX_PURL_LENGTH, package_from_purl

RELEASES: list[dict[str, str]] = [
    {"ID": "debian", "VERSION_ID": "12"},
    {"ID": "debian"},
    {"ID": "ubuntu", "VERSION_ID": "22.04", "VERSION": "22.04.3 LTS (Jammy Jellyfish)"},
    {"ID": "ubuntu", "VERSION_ID": "23.10", "VERSION": "23.10 (Mantic Minotaur)"},
    {"ID": "ubuntu", "VERSION_ID": "23.04", "VERSION": "23.04 (Lunar Lobster)"},
    {"ID": "alpine", "VERSION_ID": "3.19.1"},
    {"ID": "alpine", "VERSION_ID": "3.20_alpha20240329"},
    {"ID": "almalinux", "VERSION_ID": "9.4"},
    {"ID": "rocky", "VERSION_ID": "8.10"},
    {"ID": "rhel", "VERSION_ID": "9.4"},
    {"ID": "sles", "VERSION_ID": "15.5", "PRETTY_NAME": "SUSE Linux Enterprise Server 15 SP5"},
    {"ID": "sles_sap", "VERSION_ID": "15.5", "PRETTY_NAME": "SUSE Linux Enterprise Server for SAP Applications 15 SP5"},
    {"ID": "sled", "VERSION_ID": "15.5", "PRETTY_NAME": "SUSE Linux Enterprise Desktop 15 SP5"},
    {"ID": "sle-micro", "VERSION_ID": "5.5", "PRETTY_NAME": "SUSE Linux Enterprise Micro 5.5"},
    {"ID": "sl-micro", "VERSION_ID": "6.0", "PRETTY_NAME": "SUSE Linux Micro 6.0"},
    {"ID": "opensuse-leap", "VERSION_ID": "15.5", "PRETTY_NAME": "openSUSE Leap 15.5"},
    {"ID": "opensuse-leap-micro", "VERSION_ID": "5.5", "PRETTY_NAME": "openSUSE Leap Micro 5.5"},
    {"ID": "opensuse-tumbleweed", "VERSION_ID": "20240101", "PRETTY_NAME": "openSUSE Tumbleweed"},
    {"ID": "azurelinux", "VERSION_ID": "3.0"},
    {"ID": "mariner", "VERSION_ID": "2.0"},
    {"ID": "photon", "VERSION_ID": "5.0"},
    {"ID": "wolfi", "VERSION_ID": "20230201"},
]

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789+.-", min_size=1, max_size=12).filter(
    lambda name: name.strip(".-+")
)
versions = st.text("0123456789abcdef.+~-_^", min_size=1, max_size=12)
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda item: f"{item['ID']} {item.get('VERSION_ID')}")
LANGUAGES = [row for row in ECOSYSTEMS if not row.os_ids]


def test_every_ecosystem_is_among_those_tried() -> None:
    tried = {identify_distribution(release, ECOSYSTEMS).ecosystem.partition(":")[0] for release in RELEASES}
    assert tried >= {row.name for row in ECOSYSTEMS if row.os_ids}


@each_release
@settings(max_examples=8)
@given(name=names, version=versions, architecture=st.sampled_from(["", "amd64", "x86_64"]), epoch=st.integers(0, 3))
def test_the_purl_of_a_distribution_s_package_leads_back(
    release: dict[str, str], name: str, version: str, architecture: str, epoch: int
) -> None:
    system = identify_distribution(release, ECOSYSTEMS)
    row = next((row for row in ECOSYSTEMS if release["ID"] in row.os_ids), None)
    kind = row.purl_type if row else "apk"
    whole = f"{epoch}:{version}" if epoch and kind != "apk" else version
    in_rpm = {"epoch": str(epoch or "")} if kind == "rpm" else {}
    purl = distribution_purl(kind, name, version if kind == "rpm" else whole, architecture, system, **in_rpm)
    assert package_from_purl(purl) == Package(system.ecosystem, name, whole, purl, name, whole, architecture)


@pytest.mark.parametrize("row", LANGUAGES, ids=lambda row: row.name)
@settings(max_examples=15)
@given(data=st.data(), version=versions, capital=st.booleans())
def test_the_purl_of_a_language_s_package_leads_back(
    row: Ecosystem, data: st.DataObject, version: str, capital: bool
) -> None:
    parts = data.draw(
        st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True), min_size=1, max_size=3)
    )
    if capital:
        parts[-1] = parts[-1].capitalize()
    depth = {"Maven": 2, "Packagist": 2, "Go": 3, "npm": 2}.get(row.name, 1)
    spelled = (":" if row.name == "Maven" else "/").join(parts[:depth])
    name = row.normalise_name(f"@{spelled}" if row.name == "npm" and "/" in spelled else spelled)
    expected = language_package(row.name, row.purl_type, name, version)
    assert package_from_purl(expected.purl, name=name) == expected


@pytest.mark.parametrize(
    ("purl", "ecosystem", "source"),
    [
        ("pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc", "Debian:12", "glibc 2.36-9"),
        ("pkg:deb/debian/bash@5.2-2%2Bb7?distro=debian-12.5&upstream=bash%405.2-2", "Debian:12", "bash 5.2-2"),
        ("pkg:deb/debian/adduser@3.118?os_distro=bullseye&os_name=debian&os_version=11", "Debian:11", "adduser 3.118"),
        ("pkg:deb/debian/x@1?distro=debian-bookworm", "Debian:12", "x 1"),
        ("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "bash 5.1"),
        (
            "pkg:apk/alpine/ssl_client@1.36-r1?arch=x86_64&distro=alpine-3.19.1&upstream=busybox",
            "Alpine:v3.19",
            "busybox 1.36-r1",
        ),
        ("pkg:apk/alpine/musl@1.2.4-r2?distro=3.19.1", "Alpine:v3.19", "musl 1.2.4-r2"),
        ("pkg:rpm/redhat/bash@5.1.8-9.el9?distro=redhat-9.4", "Red Hat:enterprise_linux:9", "bash 5.1.8-9.el9"),
        (
            "pkg:rpm/alma/openssl-libs@3.0.7-24.el9?distro=alma-9.3&epoch=1&upstream=openssl-3.0.7-24.el9.src.rpm",
            "AlmaLinux:9",
            "openssl 1:3.0.7-24.el9",
        ),
        ("pkg:rpm/opensuse/zlib@1.2.13-1?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5", "zlib 1.2.13-1"),
        ("pkg:deb/debian/tar@1.34?epoch=1&distro=debian-12", "Debian:12", "tar 1:1.34"),
        ("pkg:apk/wolfi/glibc@2.38-r5?distro=wolfi-20230201", "", "glibc 2.38-r5"),
        ("pkg:rpm/centos/bash@4.4?distro=centos-7", "", "bash 4.4"),
    ],
)
def test_what_syft_trivy_and_docker_write_is_understood(purl: str, ecosystem: str, source: str) -> None:
    package = package_from_purl(purl)
    assert package is not None
    assert (package.ecosystem, f"{package.source_name} {package.source_version}") == (ecosystem, source)


@pytest.mark.parametrize(
    ("purl", "name", "expected"),
    [
        ("pkg:golang/github.com/burntsushi/toml@v1.3.2", "github.com/BurntSushi/toml", "github.com/BurntSushi/toml"),
        ("pkg:golang/github.com/burntsushi/toml@v1.3.2", "something-else", "github.com/burntsushi/toml"),
        ("pkg:pypi/Flask_Login@0.6.3", "", "flask-login"),
        ("pkg:npm/%40babel/core@7.24.0", "core", "@babel/core"),
        ("pkg:maven/org.slf4j/slf4j-api@2.0.9?type=jar", "slf4j-api", "org.slf4j:slf4j-api"),
        ("pkg:nuget/Newtonsoft.Json@13.0.3", "", "newtonsoft.json"),
    ],
)
def test_names_are_those_of_advisories(purl: str, name: str, expected: str) -> None:
    package = package_from_purl(purl, name=name)
    assert package is not None
    assert package.name == expected


def test_a_purl_that_leaves_the_distribution_out_is_about_the_image_s() -> None:
    said = package_from_purl("pkg:deb/debian/bash@5.2-1", distribution="Debian:12")
    assert said is not None
    assert (said.ecosystem, said.purl) == ("Debian:12", "pkg:deb/debian/bash@5.2-1?distro=debian-12")
    other = package_from_purl("pkg:rpm/rocky/bash@5.2-1", distribution="Debian:12")
    assert other is not None
    assert other.ecosystem == "Rocky Linux"
    older = package_from_purl("pkg:deb/debian/bash@5.2-1?distro=debian-11", distribution="Debian:12")
    assert older is not None
    assert older.ecosystem == "Debian:11"


@pytest.mark.parametrize(
    "purl",
    [
        "",
        "bash",
        "pkg:",
        "pkg:deb",
        "pkg:deb/debian/bash",
        "pkg:generic/openssl@3",
        "pkg:github/acme/shop@v1",
        "pkg:oci/web@sha256:1",
        "pkg:deb/debian/bash@" + "1" * 600,
        "pkg:deb/debian/bash@1%00",
        "pkg:deb/debian/a%00b@1",
        "pkg:npm/a%3A@1",
        "pkg:maven/x/y:@1",
        "pkg:composer/%2F%20%2F%2F@1",
        "pkg:deb/debian/%20@1",
        f"pkg:pypi/{'a' * MAX_PURL_LENGTH}@1",
        f"pkg:pypi/{'%C3%A9' * (MAX_PACKAGE_BYTES // 6)}@1",
    ],
)
def test_what_names_no_version_of_a_known_kind_is_none(purl: str) -> None:
    assert package_from_purl(purl) is None


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["deb", "rpm", "apk", "pypi", "golang", "maven", "npm", "x"]),
    texts=st.lists(st.text(max_size=20), min_size=7, max_size=7),
    raw=st.booleans(),
)
def test_whatever_is_in_a_purl_it_is_a_bounded_printable_package_or_none(
    kind: str, texts: list[str], raw: bool
) -> None:
    namespace, name, version, distro, upstream, epoch, spelled = texts
    qualifiers = {"distro": distro, "upstream": upstream, "epoch": epoch, "arch": distro}
    if raw:
        purl = f"pkg:{kind}/{namespace}/{name}@{version}?distro={distro}&upstream={upstream}&epoch={epoch}"
    else:
        try:
            purl = PackageURL(kind, namespace, name, version, qualifiers).to_string()
        except (ValueError, TypeError):
            return
    package = package_from_purl(purl, name=spelled, source_name=upstream, source_version=distro)
    if package is not None:
        assert all(text.isprintable() for text in (package.name, package.version, package.ecosystem, package.purl))
        assert package.source_name.isprintable()
        assert len(package.purl) <= MAX_PACKAGE_BYTES
