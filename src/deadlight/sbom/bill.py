"""What a bill of materials says of an image."""

from dataclasses import dataclass
from datetime import datetime

from deadlight.model.vulnerability import Applicability, Severity


@dataclass(frozen=True, slots=True)
class BilledImage:
    """The image a bill is of."""

    name: str
    """Registry and repository, or the file that holds the image."""
    version: str
    """Its tag, or else its digest."""
    digest: str
    platform: str
    distribution: str
    """OSV's ecosystem (`Debian:12`); empty without one."""
    layers: tuple[str, ...] = ()
    """Digests, lowest first."""


@dataclass(frozen=True, slots=True)
class BilledPackage:
    """A package, at every place it was found in."""

    ecosystem: str
    name: str
    version: str
    purl: str
    locations: tuple[str, ...]
    """Files that prove it, and the bills of others (`sbom:<digest>`) that state it."""
    layer_digest: str = ""
    source_name: str = ""
    source_version: str = ""
    owner_purl: str = ""
    seen_in_use: str = ""
    """By what a sensor saw it in use; empty where none did."""


@dataclass(frozen=True, slots=True)
class BilledVulnerability:
    """A vulnerability of a package of the bill."""

    id: str
    package: BilledPackage
    severity: Severity
    aliases: tuple[str, ...] = ()
    cvss_score: float | None = None
    cvss_vector: str = ""
    summary: str = ""
    fix_version: str = ""
    applicability: Applicability = Applicability.NOT_COVERED
    applicability_reason: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything a document says."""

    image: BilledImage
    packages: tuple[BilledPackage, ...]
    made_at: datetime
    """When the image was looked into."""
    vulnerabilities: tuple[BilledVulnerability, ...] | None = None
    """None where nobody looked for them."""
    notes: tuple[tuple[str, str], ...] = ()
    """Further properties of the document, by their names after `deadlight:`."""
