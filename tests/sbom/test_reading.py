"""Bills of materials of others are read as far as they name packages, and fail in one way only."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.sbom import reading
from deadlight.sbom.errors import InvalidSbomError
from deadlight.sbom.reading import CYCLONEDX_VERSIONS, MAX_DEPTH, SPDX_VERSIONS, read_sbom

BASH = "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"
FLASK = "pkg:pypi/flask@3.0.0"


def cyclonedx(*components: dict[str, Any], version: str = "1.6", **more: Any) -> bytes:
    document = {"bomFormat": "CycloneDX", "specVersion": version, "components": components}
    return json.dumps(document | more).encode()


def component(purl: str, **more: Any) -> dict[str, Any]:
    return {"type": "library", "name": "x", "purl": purl, **more}


def spdx(*purls: str, version: str = "SPDX-2.3") -> bytes:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl"}
    packages = [{"name": "x", "externalRefs": [reference | {"referenceLocator": purl}]} for purl in purls]
    return json.dumps({"spdxVersion": version, "packages": packages}).encode()


def names(content: bytes) -> list[str]:
    return [package.name for package in read_sbom(content).packages]


@pytest.mark.parametrize("version", CYCLONEDX_VERSIONS)
def test_every_version_of_cyclonedx_is_read(version: str) -> None:
    said = read_sbom(cyclonedx(component(BASH), component(FLASK), component(FLASK), version=version))
    assert said.format == f"CycloneDX {version}"
    assert [(item.ecosystem, item.name) for item in said.packages] == [("Debian:12", "bash"), ("PyPI", "flask")]


@pytest.mark.parametrize("version", SPDX_VERSIONS)
def test_every_version_of_spdx_is_read(version: str) -> None:
    said = read_sbom(spdx(BASH, FLASK, version=version))
    assert (said.format, [item.name for item in said.packages]) == (version, ["bash", "flask"])


def test_components_within_components_are_found_and_what_is_excluded_is_not() -> None:
    inner = component(FLASK, components=[component(BASH, components=None)])
    assert names(cyclonedx({"name": "app", "components": [inner]}, component(BASH, scope="excluded"))) == [
        "flask",
        "bash",
    ]


@pytest.mark.parametrize(
    "properties",
    [
        {"deadlight:source-name": "glibc", "deadlight:source-version": "2.36-8"},
        {"syft:metadata:source": "glibc", "syft:metadata:sourceVersion": "2.36-8"},
        {
            "aquasecurity:trivy:SrcName": "glibc",
            "aquasecurity:trivy:SrcVersion": "2.36",
            "aquasecurity:trivy:SrcRelease": "8",
        },
    ],
)
def test_source_packages_are_taken_from_where_programs_write_them(properties: dict[str, str]) -> None:
    said = [{"name": name, "value": value} for name, value in properties.items()]
    (package,) = read_sbom(
        cyclonedx(component("pkg:deb/debian/libc6@2.36-9?distro=debian-12", properties=said))
    ).packages
    assert (package.name, package.source_name, package.source_version) == ("libc6", "glibc", "2.36-8")


def test_what_is_of_no_kind_that_is_matched_is_counted() -> None:
    said = read_sbom(cyclonedx(component("pkg:generic/curl@8"), component(FLASK), {"type": "file", "name": "/bin/sh"}))
    assert (len(said.packages), said.unknown) == (1, 1)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert names(b"\xef\xbb\xbf" + spdx(FLASK)) == ["flask"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"{}", "neither CycloneDX nor SPDX"),
        (b"SPDXVersion: SPDX-2.3", "cannot be read"),
        (b"<bom/>", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (cyclonedx(version="1.1"), "CycloneDX '1.1', which is not read: 1.2 to 1.6 are"),
        (cyclonedx(version="9"), "CycloneDX '9'"),
        (spdx(version="SPDX-2.1"), "SPDX 'SPDX-2.1', which is not read"),
        (b'{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}', "SPDX 3 .*attach SPDX 2.3"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}', "cannot be read"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"components":{}}]}', "cannot be read"),
        (b'{"bomFormat":' + b"[" * 100_000, "nested too deeply|cannot be read"),
    ],
)
def test_what_is_not_read_is_refused_with_what_is(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidSbomError, match=reason):
        read_sbom(content)


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = component(FLASK)
    for _ in range(MAX_DEPTH):
        nested = {"name": "x", "components": [nested]}
    with pytest.raises(InvalidSbomError, match=f"more than {MAX_DEPTH} deep"):
        read_sbom(cyclonedx(nested))
    monkeypatch.setattr(reading, "MAX_COMPONENTS", 2)
    for content in (
        cyclonedx(*[component(FLASK)] * 3),
        cyclonedx({"components": [component(FLASK)] * 2}),
        spdx(*[FLASK] * 3),
    ):
        with pytest.raises(InvalidSbomError, match="more than 2 "):
            read_sbom(content)
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(InvalidSbomError, match="more than the 10 that are read"):
        read_sbom(spdx())


keys = st.sampled_from(
    [
        "bomFormat",
        "specVersion",
        "components",
        "purl",
        "properties",
        "name",
        "value",
        "group",
        "scope",
        "spdxVersion",
        "packages",
        "externalRefs",
        "referenceType",
        "referenceLocator",
        "@context",
    ]
)
words = st.sampled_from(["CycloneDX", "1.6", "SPDX-2.3", "purl", BASH, FLASK, "pkg:npm/%40a/b@1", "excluded"])
documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=6) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150)
@given(
    document=documents,
    start=st.sampled_from([{"bomFormat": "CycloneDX", "specVersion": "1.6"}, {"spdxVersion": "SPDX-2.2"}, {}]),
)
def test_no_document_makes_reading_fail_otherwise(document: object, start: dict[str, str]) -> None:
    whole = {"components": document, "packages": document, **start}
    for content in (json.dumps(whole).encode(), json.dumps(document).encode()):
        try:
            said = read_sbom(content)
        except InvalidSbomError as error:
            assert str(error)  # noqa: PT017 - that it has a text is what is tested
        else:
            assert all(package.name and package.version for package in said.packages)


@settings(max_examples=100)
@given(content=st.binary(max_size=80))
def test_no_bytes_make_reading_fail_otherwise(content: bytes) -> None:
    for start in (b"", b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":'):
        try:
            read_sbom(start + content)
        except InvalidSbomError as error:
            assert str(error)  # noqa: PT017 - that it has a text is what is tested
