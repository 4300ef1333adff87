"""The bill of materials of an image in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packageurl import PackageURL

from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.sbom.bill import Bill, BilledImage, BilledPackage, BilledVulnerability

MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"

_IMAGE = "image"
_SYSTEM = "operating-system"

_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "high",
    Severity.MEDIUM: "medium",
    Severity.LOW: "low",
    Severity.UNKNOWN: "unknown",
}
_METHODS = {"CVSS:4.0/": "CVSSv4", "CVSS:3.1/": "CVSSv31", "CVSS:3.0/": "CVSSv3", "AV:": "CVSSv2"}
"""How a vector begins, and what CycloneDX calls its standard."""

_ANALYSES = {
    Applicability.APPLICABLE: {"state": "exploitable"},
    Applicability.NOT_APPLICABLE: {"state": "not_affected", "justification": "code_not_reachable"},
    Applicability.UNDETERMINED: {"state": "in_triage"},
}
"""What contextual analysis found; the rest says nothing."""


def write_cyclonedx(bill: Bill, version: str) -> dict[str, Any]:
    """The document, JSON-able. The same bill and program give the same document, serial number included.

    `version` is ours.
    """
    references = {item: f"package-{number}" for number, item in enumerate(bill.packages, 1)}
    moment = bill.made_at.isoformat(timespec="seconds")
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, f"{bill.image.digest} {bill.made_at.isoformat()} {version}").urn,
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "tools": {"components": [{"type": "application", "name": "Deadlight", "version": version}]},
            "component": _image(bill.image),
            **({"properties": _properties(bill.notes)} if bill.notes else {}),
        },
        "components": [*_system(bill.image), *(_component(item, references[item]) for item in bill.packages)],
        "dependencies": _dependencies(bill, references),
    }
    if bill.vulnerabilities is not None:
        document["vulnerabilities"] = [_vulnerability(item, references[item.package]) for item in bill.vulnerabilities]
    return document


def _image(image: BilledImage) -> dict[str, Any]:
    algorithm, _, value = image.digest.partition(":")
    hashes = {"sha256": "SHA-256", "sha512": "SHA-512"}
    component = {
        "type": "container",
        "bom-ref": _IMAGE,
        "name": image.name,
        "version": image.version,
        "purl": _image_purl(image),
        "hashes": [{"alg": hashes[algorithm], "content": value}] if algorithm in hashes else [],
        "properties": _properties(
            [
                ("digest", image.digest),
                ("platform", image.platform),
                ("distribution", image.distribution),
                *(("layer", digest) for digest in image.layers),
            ]
        ),
    }
    return {name: value for name, value in component.items() if value}


def _image_purl(image: BilledImage) -> str:
    """`pkg:oci/web@sha256:...?repository_url=registry.example.com/shop/web&tag=1.2.3`; empty for one in a file."""
    try:
        is_in_registry = ImageReference.parse(image.name).name == image.name
    except InvalidReferenceError:
        is_in_registry = False
    if not is_in_registry:
        return ""
    last = image.name.rpartition("/")[2]
    tag = image.version if image.version != image.digest else ""
    qualifiers = {"repository_url": image.name, "tag": tag}
    return PackageURL("oci", None, last, image.digest, {k: v for k, v in qualifiers.items() if v}).to_string()


def _system(image: BilledImage) -> list[dict[str, Any]]:
    name, _, release = image.distribution.partition(":")
    if not name:
        return []
    component = {"type": "operating-system", "bom-ref": _SYSTEM, "name": name, "version": release}
    return [{key: value for key, value in component.items() if value}]


def _component(item: BilledPackage, reference: str) -> dict[str, Any]:
    others = (item.source_name, item.source_version) != (item.name, item.version)
    said = [
        ("ecosystem", item.ecosystem),
        ("layer", item.layer_digest),
        ("source-name", item.source_name if others else ""),
        ("source-version", item.source_version if others else ""),
        ("owned-by", item.owner_purl),
        ("seen-in-use", item.seen_in_use),
    ]
    return {
        "type": "library",
        "bom-ref": reference,
        "name": item.name,
        "version": item.version,
        "purl": item.purl,
        "properties": _properties(said),
        "evidence": {"occurrences": [{"location": location} for location in item.locations]},
    }


def _properties(said: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": f"deadlight:{name}", "value": value} for name, value in said if value]


def _dependencies(bill: Bill, references: Mapping[BilledPackage, str]) -> list[dict[str, Any]]:
    """The image holds everything; what a package of the distribution ships comes with that package."""
    by_purl = {item.purl: reference for item, reference in references.items()}
    shipped: dict[str, list[str]] = {}
    for item, reference in references.items():
        owner = by_purl.get(item.owner_purl, _IMAGE)
        shipped.setdefault(_IMAGE if owner == reference else owner, []).append(reference)
    system = [_SYSTEM] if bill.image.distribution else []
    top = {"ref": _IMAGE, "dependsOn": [*system, *shipped.pop(_IMAGE, [])]}
    return [top, *({"ref": owner, "dependsOn": items} for owner, items in shipped.items())]


def _vulnerability(item: BilledVulnerability, reference: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": item.id,
        "references": _references(item.aliases),
        "ratings": [_rating(item)],
        "description": item.summary,
        "recommendation": f"Update {item.package.name} to {item.fix_version}" if item.fix_version else "",
        "affects": [{"ref": reference, "versions": [{"version": item.package.version, "status": "affected"}]}],
    }
    if item.applicability in _ANALYSES:
        entry["analysis"] = {**_ANALYSES[item.applicability], "detail": item.applicability_reason}
    return {name: value for name, value in entry.items() if value}


def _references(aliases: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": alias, "source": {"name": alias.partition("-")[0]}} for alias in aliases]


def _rating(item: BilledVulnerability) -> dict[str, Any]:
    method = next((name for start, name in _METHODS.items() if item.cvss_vector.startswith(start)), "")
    rating = {"severity": _SEVERITIES[item.severity], "score": item.cvss_score, "method": method}
    rating["vector"] = item.cvss_vector
    return {name: value for name, value in rating.items() if value not in {None, ""}}
