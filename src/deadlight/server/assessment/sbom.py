"""The packages of an image as a bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from deadlight.server.assessment.image_schemas import PackageRow
from deadlight.server.assessment.schemas import ImageTagDetail

MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"
_IMAGE = "image"


def build_sbom(image: ImageTagDetail, packages: Sequence[PackageRow], version: str) -> dict[str, Any]:
    """The document, JSON-able. The same image, scan and program give the same document, serial number included.

    `packages` have a row for each place a package was found in; `version` is ours.
    """
    components: dict[int, dict[str, Any]] = {}
    for row in packages:
        component = components.setdefault(row.id, _component(row))
        component["evidence"]["occurrences"].append({"location": row.location})
    scanned_at = image.scanned_at or image.first_seen_at
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, f"{image.digest} {scanned_at.isoformat()} {version}").urn,
        "version": 1,
        "metadata": {
            "timestamp": _moment(scanned_at),
            "tools": {"components": [{"type": "application", "name": "Deadlight", "version": version}]},
            "component": _image(image),
        },
        "components": list(components.values()),
        "dependencies": [{"ref": _IMAGE, "dependsOn": [item["bom-ref"] for item in components.values()]}],
    }


def _image(image: ImageTagDetail) -> dict[str, Any]:
    return {
        "type": "container",
        "bom-ref": _IMAGE,
        "name": f"{image.registry}/{image.repository}",
        "version": image.tag or image.digest,
        "properties": [
            {"name": "deadlight:digest", "value": image.digest},
            {"name": "deadlight:platform", "value": image.platform},
            {"name": "deadlight:distribution", "value": image.distribution},
        ],
    }


def _component(row: PackageRow) -> dict[str, Any]:
    properties = [
        {"name": "deadlight:ecosystem", "value": row.ecosystem},
        {"name": "deadlight:layer", "value": row.layer_digest},
    ]
    if row.owned_by:
        properties.append({"name": "deadlight:owned-by", "value": row.owned_by})
    if row.grade:
        properties.append({"name": "deadlight:seen-in-use", "value": row.grade})
    return {
        "type": "library",
        "bom-ref": f"package-{row.id}",
        "name": row.name,
        "version": row.version,
        "purl": row.purl,
        "properties": properties,
        "evidence": {"occurrences": []},
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
