"""Bodies of the endpoints about an image's exposures and about how far its scans are."""

from datetime import datetime

from pydantic import BaseModel

from deadlight.model.exposure import ExposureCategory
from deadlight.model.vulnerability import Severity
from deadlight.server.scans.status import ScannerState


class ScannerStatusOut(BaseModel):
    """Where a scanner stands with an image, since when, and why where it has no result."""

    status: ScannerState
    time: datetime | None
    reason: str


class ExposuresStatusOut(ScannerStatusOut):
    """All exposures together, and each category."""

    categories: dict[ExposureCategory, ScannerStatusOut]


class ScanDetailsOut(BaseModel):
    """Each scanner by itself."""

    sca: ScannerStatusOut
    contextual_analysis: ScannerStatusOut
    exposures: ExposuresStatusOut


class ScanStatusOut(BaseModel):
    """How far the scans of an image are."""

    overall: ScannerStatusOut
    details: ScanDetailsOut


class ExposureRow(BaseModel):
    """A secret or an insecure setting in an image. What is secret in `evidence` is masked."""

    id: int
    category: ExposureCategory
    rule_id: str
    severity: Severity
    title: str
    description: str
    recommendation: str
    path: str
    """Empty for what is in the image's configuration."""
    location: str
    evidence: str
    cwe: str
    layer_digest: str
    is_deleted: bool
    """A later layer removed or replaced the file, which can still be read from the image."""
    first_found_at: datetime


class ImageExposures(BaseModel):
    """Its exposures, the gravest first, two thousand at most; what could not be read; how far the scanners are."""

    exposures: list[ExposureRow]
    total: int
    problems: list[str]
    status: ExposuresStatusOut
