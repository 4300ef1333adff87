"""What is written is CycloneDX 1.6 as its schema says, and reads back as what it was written from."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cyclonedx import assert_cyclonedx

from deadlight.model.vulnerability import Applicability, Severity
from deadlight.sbom.bill import Bill, BilledImage, BilledPackage, BilledVulnerability
from deadlight.sbom.cyclonedx_writer import write_cyclonedx
from deadlight.sbom.reading import read_sbom

DIGEST = f"sha256:{'a' * 64}"
IMAGE = BilledImage("registry.example/shop/web", "1.0.0", DIGEST, "linux/amd64", "Debian:12", ("sha256:1", "sha256:2"))
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIBC = BilledPackage(
    ecosystem="Debian:12",
    name="libc6",
    version="2.36-9",
    purl="pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
    locations=("var/lib/dpkg/status", f"sbom:{DIGEST}"),
    layer_digest="sha256:1",
    source_name="glibc",
    source_version="2.36-8",
)
FLASK = BilledPackage("PyPI", "flask", "3.0.0", "pkg:pypi/flask@3.0.0", ("app/METADATA",), owner_purl=LIBC.purl)
FINDING = BilledVulnerability(
    id="CVE-2026-1",
    package=LIBC,
    severity=Severity.HIGH,
    aliases=("GHSA-1", "DSA-1"),
    cvss_score=7.5,
    cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    summary="A flaw",
    fix_version="2.36-10",
    applicability=Applicability.APPLICABLE,
    applicability_reason="app.py line 3 calls it.",
)


def written(bill: Bill) -> dict[str, Any]:
    document = write_cyclonedx(bill, "1.2.3")
    assert_cyclonedx(json.dumps(document))
    return document


def test_everything_that_is_known_is_said() -> None:
    document = written(Bill(IMAGE, (LIBC, FLASK), AT, (FINDING,), (("matched-by", "a service"),)))
    component = document["metadata"]["component"]
    assert component["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert component["purl"].startswith(
        f"pkg:oci/web@sha256:{'a' * 64}?repository_url=registry.example/shop/web&tag=1.0.0"
    )
    layers = [item["value"] for item in component["properties"] if item["name"] == "deadlight:layer"]
    assert layers == ["sha256:1", "sha256:2"]
    assert document["components"][0] == {
        "type": "operating-system",
        "bom-ref": "operating-system",
        "name": "Debian",
        "version": "12",
    }
    assert document["dependencies"] == [
        {"ref": "image", "dependsOn": ["operating-system", "package-1"]},
        {"ref": "package-1", "dependsOn": ["package-2"]},
    ]
    (vulnerability,) = document["vulnerabilities"]
    assert vulnerability["ratings"] == [
        {"severity": "high", "score": 7.5, "method": "CVSSv31", "vector": FINDING.cvss_vector}
    ]
    assert vulnerability["affects"][0]["ref"] == "package-1"
    assert vulnerability["analysis"] == {"state": "exploitable", "detail": "app.py line 3 calls it."}
    assert vulnerability["recommendation"] == "Update libc6 to 2.36-10"


def test_whether_anybody_looked_for_vulnerabilities_can_be_told() -> None:
    assert "vulnerabilities" not in written(Bill(IMAGE, (LIBC,), AT))
    assert written(Bill(IMAGE, (LIBC,), AT, ()))["vulnerabilities"] == []


def test_what_is_written_reads_back() -> None:
    said = read_sbom(json.dumps(write_cyclonedx(Bill(IMAGE, (LIBC, FLASK), AT), "1")).encode())
    assert [(item.ecosystem, item.name, item.version, item.purl, item.source_name) for item in said.packages] == [
        (item.ecosystem, item.name, item.version, item.purl, item.source_name or item.name) for item in (LIBC, FLASK)
    ]
    assert said.packages[0].source_version == "2.36-8"


@pytest.mark.parametrize(
    "image", [BilledImage("web.tar", DIGEST, DIGEST, "linux/amd64", ""), BilledImage("/", "", "", "", "")]
)
def test_an_image_of_which_little_is_known_is_valid_too(image: BilledImage) -> None:
    assert written(Bill(image, (), AT))["components"] == []


texts = st.text(max_size=12)


@settings(max_examples=25)
@given(
    text=texts,
    severity=st.sampled_from(Severity),
    applicability=st.sampled_from(Applicability),
    score=st.none() | st.floats(0, 10),
    vector=st.sampled_from(["", "CVSS:4.0/AV:N", "CVSS:3.0/AV:N", "AV:N/AC:L", "nonsense"]),
    distribution=st.sampled_from(["", "Alpine:v3.19", "Red Hat:enterprise_linux:9"]),
)
def test_whatever_is_found_the_document_is_valid(
    text: str,
    severity: Severity,
    applicability: Applicability,
    score: float | None,
    vector: str,
    distribution: str,
) -> None:
    package = BilledPackage("npm", text or "x", "1", "pkg:npm/x@1", (text,), text, text, text, text, text)
    finding = BilledVulnerability(
        text or "X", package, severity, (text or "y",), score, vector, text, text, applicability, text
    )
    image = BilledImage(text or "x", text, DIGEST, text, distribution, (text,))
    written(Bill(image, (package, LIBC), AT, (finding,), (("note", text),)))
