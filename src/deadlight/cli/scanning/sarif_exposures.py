"""Exposures in SARIF: a rule for each kind, a result for each place. Pure."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.sbom.bill import BilledImage

_NAMES = {
    ExposureCategory.SECRETS: "ExposedSecret",
    ExposureCategory.APPLICATIONS: "InsecureApplication",
    ExposureCategory.SERVICES: "InsecureService",
    ExposureCategory.IAC: "InsecureInfrastructure",
}
_LINE = re.compile(r"line (\d{1,9})")


def exposure_rule(item: Exposure, level: str, score: float) -> dict[str, Any]:
    """The rule that found an exposure."""
    return {
        "id": item.rule_id,
        "name": _NAMES[item.category],
        "shortDescription": {"text": item.title[:1000]},
        "fullDescription": {"text": item.description or item.title},
        "help": {"text": f"{item.description or item.title}\n{item.recommendation}"},
        "defaultConfiguration": {"level": level},
        "properties": {
            "security-severity": f"{score:.1f}",
            "severity": item.severity.value,
            "tags": ["security", item.category.value, *_cwe_tags(item.cwe)],
        },
    }


def exposure_result(item: Exposure, rule: int, level: str, image: BilledImage) -> dict[str, Any]:
    """An exposure at its place."""
    identity = f"{item.rule_id}|{item.path}|{item.location}"
    return {
        "ruleId": item.rule_id,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": _message(item)},
        "locations": [_location(item, image)],
        "partialFingerprints": {"deadlightFinding/v1": sha256(identity.encode()).hexdigest()},
        "properties": {
            "category": item.category.value,
            "severity": item.severity.value,
            "layer": item.layer_digest,
            "deleted": item.is_deleted,
        },
    }


def _location(item: Exposure, image: BilledImage) -> dict[str, Any]:
    """The file and line; what is in the image's configuration is at the image itself."""
    line = _LINE.fullmatch(item.location)
    place = ":".join(part for part in (item.path, item.location) if part)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(item.path.lstrip("/") or image.name)},
            "region": {"startLine": max(int(line[1]), 1) if line else 1},
        },
        "logicalLocations": [{"fullyQualifiedName": f"{image.name}@{image.digest}:{place}", "kind": "resource"}],
    }


def _message(item: Exposure) -> str:
    where = " in ".join(part for part in (item.location, item.path) if part)
    gone = "; a later layer removed the file, it can still be read" if item.is_deleted else ""
    shown = f": {item.evidence}" if item.evidence else ""
    return f"{item.title} ({where}){gone}{shown}"


def _cwe_tags(cwe: str) -> list[str]:
    """As GitHub's code scanning knows them: `external/cwe/cwe-798`."""
    return [f"external/cwe/{cwe.lower()}"] if cwe else []
