"""How far each scanner is with an image, and why where it has no result. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deadlight.model.exposure import ExposureCategory
from deadlight.model.scan_configuration import Scanner


class ScannerState(StrEnum):
    """Where a scanner stands; the first of them that any scanner has is that of several together."""

    SCANNING = "SCANNING"
    FAILED = "FAILED"
    DONE = "DONE"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    NOT_SCANNED = "NOT_SCANNED"


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    """Of one scanner, or of several together."""

    status: ScannerState
    time: datetime | None = None
    """Since when, where that is known."""
    reason: str = ""
    """Why it is not done."""


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What is stored of an image tag's scans."""

    scan_status: str = ""
    """As the table of scans has it; empty where there is none."""
    error: str = ""
    queued_at: datetime | None = None
    finished_at: datetime | None = None
    scanned_at: datetime | None = None
    """When its packages were found; None where they are not known."""
    is_assessed: bool = False
    """Whether its vulnerabilities have been found since."""
    wanted: frozenset[Scanner] = frozenset(Scanner)
    """What the clusters that run it want."""
    exposures: Mapping[ExposureCategory, ScannerStatus] | None = None
    """Of the categories that have been scanned for."""


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """How all scanners stand with an image tag."""

    overall: ScannerStatus
    sca: ScannerStatus
    contextual_analysis: ScannerStatus
    exposures: ScannerStatus
    categories: Mapping[ExposureCategory, ScannerStatus]


def rate_scan(facts: ScanFacts) -> ScanStatus:
    """The status of every scanner."""
    sca = _sca(facts)
    contextual_analysis = _contextual_analysis(facts, sca)
    categories = {category: _category(category, facts, sca) for category in ExposureCategory}
    exposures = combine(categories.values())
    overall = combine((sca, contextual_analysis, exposures))
    return ScanStatus(overall, sca, contextual_analysis, exposures, categories)


def combine(parts: Iterable[ScannerStatus]) -> ScannerStatus:
    """Several as one: what still runs or failed comes before what is done; the latest time of those that agree."""
    known = list(parts)
    status = min((part.status for part in known), key=list(ScannerState).index)
    agreeing = [part for part in known if part.status is status]
    times = [part.time for part in agreeing if part.time]
    reasons = dict.fromkeys(part.reason for part in agreeing if part.reason)
    return ScannerStatus(status, max(times, default=None), "; ".join(reasons))


def _sca(facts: ScanFacts) -> ScannerStatus:
    if Scanner.SCA not in facts.wanted and facts.scan_status != "done":
        return _switched_off(Scanner.SCA)
    match facts.scan_status:
        case "done":
            return ScannerStatus(ScannerState.DONE, facts.scanned_at or facts.finished_at)
        case "queued" | "running" | "waiting":
            return ScannerStatus(ScannerState.SCANNING, facts.queued_at, facts.error)
        case "failed":
            return ScannerStatus(ScannerState.FAILED, facts.finished_at, facts.error)
        case "":
            return ScannerStatus(ScannerState.NOT_SCANNED, None, "no scan of it has been asked for")
        case _:
            return ScannerStatus(ScannerState.NOT_SCANNED, facts.finished_at, facts.error)


def _contextual_analysis(facts: ScanFacts, sca: ScannerStatus) -> ScannerStatus:
    if Scanner.CONTEXTUAL_ANALYSIS not in facts.wanted:
        return _switched_off(Scanner.CONTEXTUAL_ANALYSIS)
    if sca.status is ScannerState.DONE and not facts.is_assessed:
        return ScannerStatus(ScannerState.SCANNING, sca.time)
    return sca


def _category(category: ExposureCategory, facts: ScanFacts, sca: ScannerStatus) -> ScannerStatus:
    scanner = Scanner(category.value)
    if found := (facts.exposures or {}).get(category):
        return found
    if scanner not in facts.wanted:
        return _switched_off(scanner)
    if sca.status is ScannerState.DONE:
        return ScannerStatus(ScannerState.SCANNING, None, "it is scanned for this within minutes")
    return sca


def _switched_off(scanner: Scanner) -> ScannerStatus:
    return ScannerStatus(
        ScannerState.NOT_SCANNED, None, f"{scanner.label} is switched off in every cluster that runs the image"
    )
