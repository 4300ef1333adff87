"""What a scan says of exposures, whoever scanned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.scan_configuration import Scanner
from deadlight.model.vulnerability import Severity

DONE, FAILED, NOT_SUPPORTED = "DONE", "FAILED", "NOT_SUPPORTED"
"""How far a scanner came, as the service says it; it has more words, which only a service needs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far the scanner of a category came, and why it has no result."""

    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Exposed:
    """The exposures of an image."""

    exposures: tuple[Exposure, ...] = ()
    """The gravest first."""
    outcomes: Mapping[ExposureCategory, Outcome] = field(default_factory=dict)
    """Of the categories that were looked for."""

    @property
    def is_known(self) -> bool:
        """Whether any scanner came to a result: without one, no exposure means nothing."""
        return any(outcome.status == DONE for outcome in self.outcomes.values())

    @property
    def has_failed(self) -> bool:
        """Whether a scanner failed: there may be more."""
        return any(outcome.status == FAILED for outcome in self.outcomes.values())

    def iter_problems(self) -> Iterator[str]:
        """A line for each category that has no result."""
        for category, outcome in self.outcomes.items():
            if outcome.status != DONE:
                reason = f": {outcome.reason}" if outcome.reason else ""
                words = outcome.status.lower().replace("_", " ")
                yield f"{Scanner(category.value).label} {words}{reason}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON, documented in docs/user/scanning.md."""
        return {
            "exposures": [_exposure(item) for item in self.exposures] if self.exposures or self.is_known else None,
            "exposure_scanners": {category.value: asdict(outcome) for category, outcome in self.outcomes.items()},
        }


def worst_first(exposures: Sequence[Exposure]) -> tuple[Exposure, ...]:
    """As the service lists them."""

    def gravity(item: Exposure) -> tuple[int, bool, str, str, str]:
        return (-item.severity.rank, item.is_deleted, item.category, item.rule_id, item.path)

    return tuple(sorted(exposures, key=gravity))


def exposed_by_service(answer: Mapping[str, Any]) -> Exposed:
    """What a service answers of an image's exposures."""
    outcomes = {
        ExposureCategory(name): Outcome(part["status"], part["reason"])
        for name, part in answer["status"]["categories"].items()
    }
    return Exposed(tuple(map(_service_exposure, answer["exposures"])), outcomes)


def _service_exposure(row: Mapping[str, Any]) -> Exposure:
    return Exposure(
        category=ExposureCategory(row["category"]),
        rule_id=row["rule_id"],
        severity=Severity(row["severity"]),
        title=row["title"],
        description=row["description"],
        recommendation=row["recommendation"],
        path=row["path"],
        location=row["location"],
        evidence=row["evidence"],
        cwe=row["cwe"],
        layer_digest=row["layer_digest"],
        is_deleted=row["is_deleted"],
    )


def _exposure(item: Exposure) -> dict[str, Any]:
    """Without the fingerprint: made here, it is made with a salt that everybody has."""
    return {
        "category": item.category.value,
        "rule_id": item.rule_id,
        "severity": item.severity.value,
        "title": item.title,
        "description": item.description,
        "recommendation": item.recommendation,
        "path": item.path,
        "location": item.location,
        "evidence": item.evidence,
        "cwe": item.cwe,
        "layer": item.layer_digest,
        "deleted": item.is_deleted,
    }
