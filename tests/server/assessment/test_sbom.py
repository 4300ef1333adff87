"""An image's packages in CycloneDX."""

import json
from datetime import UTC, datetime

from tests.server.assessment.details import image

from deadlight.server.assessment.image_schemas import PackageRow
from deadlight.server.assessment.sbom import build_sbom


def row(number: int, location: str, **more: str) -> PackageRow:
    values = {"ecosystem": "Debian:12", "name": "openssl", "version": "3.0.1-1", "purl": "pkg:deb/debian/openssl@3.0.1"}
    return PackageRow(
        **values,
        id=number,
        location=location,
        layer_digest="sha256:c",
        owned_by=more.get("owned_by", ""),
        vulnerabilities=0,
        grade=more.get("grade"),
        evidence_path="",
        evidence_process="",
        first_seen_running_at=None,
    )


def test_a_package_found_in_two_places_is_one_component_with_both() -> None:
    rows = [row(1, "a", grade="opened"), row(1, "b"), row(2, "a", owned_by="pkg:deb/debian/python3@3")]
    document = build_sbom(image(), rows, "1.2.3")
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    first, second = document["components"]
    assert (first["name"], first["version"], first["purl"]) == ("openssl", "3.0.1-1", "pkg:deb/debian/openssl@3.0.1")
    assert first["evidence"]["occurrences"] == [{"location": "a"}, {"location": "b"}]
    assert {"name": "deadlight:seen-in-use", "value": "opened"} in first["properties"]
    assert {"name": "deadlight:owned-by", "value": "pkg:deb/debian/python3@3"} in second["properties"]
    assert document["dependencies"] == [{"ref": "image", "dependsOn": ["package-1", "package-2"]}]
    assert document["metadata"]["component"]["name"] == "registry.example/shop/web"


def test_the_same_scan_gives_the_same_document_and_another_one_another_number() -> None:
    once, again = (build_sbom(image(), [row(1, "a")], "1.2.3") for _ in range(2))
    assert json.dumps(once) == json.dumps(again)
    later = build_sbom(image(scanned_at=datetime(2027, 1, 1, tzinfo=UTC)), [row(1, "a")], "1.2.3")
    assert later["serialNumber"] != once["serialNumber"]
    assert once["serialNumber"].startswith("urn:uuid:")
