"""Documents of others add to what was found, each package saying by whom, and take nothing away."""

import json

import pytest

from deadlight.model.package import InstalledPackage, Package
from deadlight.sbom import merging
from deadlight.sbom.merging import SbomDocument, merge_stated

BASH = Package("Debian:12", "bash", "5.2-1", "pkg:deb/debian/bash@5.2-1?distro=debian-12", "bash", "5.2-1")
YAML = Package("PyPI", "pyyaml", "6.0", "pkg:pypi/pyyaml@6.0", "pyyaml", "6.0")
FOUND = (
    InstalledPackage(BASH, "var/lib/dpkg/status", "sha256:1", ("/usr/bin/bash",)),
    InstalledPackage(
        YAML, "usr/lib/python3/dist-packages/yaml/METADATA", "sha256:1", owner_purl="pkg:deb/python3-yaml"
    ),
)


def document(digest: str, *purls: str) -> SbomDocument:
    components = [{"name": "x", "purl": purl} for purl in purls]
    content = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}
    return SbomDocument(digest, json.dumps(content).encode())


def test_what_both_say_keeps_who_owns_it_and_what_only_one_says_is_marked() -> None:
    sbom = document("sha256:a", f"{BASH.purl}&arch=amd64", YAML.purl, "pkg:pypi/flask@3.0.0")
    merged = merge_stated(FOUND, [sbom], "Debian:12")
    assert merged.packages[:2] == FOUND
    stated = [(item.package.name, item.location, item.owner_purl, item.files) for item in merged.packages[2:]]
    assert stated == [
        ("bash", "sbom:sha256:a", "", ()),
        ("pyyaml", "sbom:sha256:a", "pkg:deb/python3-yaml", ()),
        ("flask", "sbom:sha256:a", "", ()),
    ]
    assert [item.package for item in merged.packages[2:4]] == [BASH, YAML]
    assert merged.problems == ()


def test_a_package_is_matched_by_itself_where_it_lies_somewhere_nobody_owns() -> None:
    own = InstalledPackage(YAML, "app/yaml/METADATA", "sha256:2")
    (*_, stated) = merge_stated((*FOUND, own), [document("sha256:a", YAML.purl)]).packages
    assert (stated.location, stated.owner_purl) == ("sbom:sha256:a", "")


def test_another_version_is_another_package() -> None:
    (*_, stated) = merge_stated(FOUND, [document("sha256:a", "pkg:pypi/pyyaml@5.4")]).packages
    assert (stated.package.version, stated.owner_purl, stated.layer_digest) == ("5.4", "", "")


def test_documents_that_say_the_same_are_each_named() -> None:
    merged = merge_stated((), [document("sha256:a", YAML.purl), document("sha256:b", YAML.purl, YAML.purl)])
    assert [item.location for item in merged.packages] == ["sbom:sha256:a", "sbom:sha256:b"]


def test_no_more_is_taken_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MAX_STATED", 2)
    merged = merge_stated((), [document("sha256:a", *(f"pkg:pypi/p{number}@1" for number in range(4)))])
    assert [item.package.name for item in merged.packages] == ["p0", "p1"]
    assert merged.problems == ("of 4 packages that SBOMs state the first 2 are taken",)


def test_a_document_that_cannot_be_read_is_a_problem_and_the_others_count() -> None:
    broken = SbomDocument("sha256:a", b"no json")
    merged = merge_stated(FOUND, [broken, document("sha256:b", "pkg:pypi/flask@3.0.0", "pkg:generic/x@1")])
    assert merged.packages[-1].package.name == "flask"
    first, second = merged.problems
    assert first.startswith("sbom:sha256:a: it cannot be read")
    assert second == "sbom:sha256:b: 1 of its package URLs name no version or nothing of a kind that is matched"
