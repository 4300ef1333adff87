"""An image's packages in CycloneDX."""

import json
from datetime import UTC, datetime

from tests.server.assessment.details import image

from deadlight.sbom.cyclonedx_writer import write_cyclonedx
from deadlight.server.assessment.image_schemas import PackageRow
from deadlight.server.assessment.sbom import bill_of


def row(number: int, location: str, **more: str) -> PackageRow:
    values = {"ecosystem": "Debian:12", "name": "openssl", "version": "3.0.1-1", "purl": "pkg:deb/debian/openssl@3.0.1"}
    return PackageRow(
        **values,
        id=number,
        source_name="openssl",
        source_version="3.0.1-1",
        location=location,
        stated_by=[],
        layer_digest="sha256:c",
        owned_by=more.get("owned_by", ""),
        vulnerabilities=0,
        grade=more.get("grade"),
        evidence_path="",
        evidence_process="",
        evidence_program="",
        evidence_pid=None,
        evidence_user=None,
        evidence_count=None,
        first_seen_running_at=None,
        last_seen_running_at=None,
        read_by_tool="",
    )


def test_a_package_found_in_two_places_is_one_component_with_both() -> None:
    rows = [row(1, "a", grade="opened"), row(1, "b"), row(2, "a", owned_by="pkg:deb/debian/python3@3")]
    document = write_cyclonedx(bill_of(image(), rows, ["sha256:c"]), "1.2.3")
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    system, first, second = document["components"]
    assert (system["type"], system["name"], system["version"]) == ("operating-system", "Debian", "12")
    assert (first["name"], first["version"], first["purl"]) == ("openssl", "3.0.1-1", "pkg:deb/debian/openssl@3.0.1")
    assert first["evidence"]["occurrences"] == [{"location": "a"}, {"location": "b"}]
    assert {"name": "deadlight:seen-in-use", "value": "opened"} in first["properties"]
    assert {"name": "deadlight:owned-by", "value": "pkg:deb/debian/python3@3"} in second["properties"]
    assert document["dependencies"] == [{"ref": "image", "dependsOn": ["operating-system", "package-1", "package-2"]}]
    assert document["metadata"]["component"]["name"] == "registry.example/shop/web"
    assert {"name": "deadlight:layer", "value": "sha256:c"} in document["metadata"]["component"]["properties"]


def test_the_same_scan_gives_the_same_document_and_another_one_another_number() -> None:
    once, again = (write_cyclonedx(bill_of(image(), [row(1, "a")]), "1.2.3") for _ in range(2))
    assert json.dumps(once) == json.dumps(again)
    later = write_cyclonedx(bill_of(image(scanned_at=datetime(2027, 1, 1, tzinfo=UTC)), [row(1, "a")]), "1.2.3")
    assert later["serialNumber"] != once["serialNumber"]
    assert once["serialNumber"].startswith("urn:uuid:")
