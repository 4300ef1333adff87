"""What a bill of materials says of an image."""

from dataclasses import dataclass
from datetime import datetime

from deadlight.model.vulnerability import Applicability, Severity

LOCATION_PREFIX = "sbom:"
"""Begins the location of a package that somebody's document states; the document's digest follows."""


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

    @property
    def is_only_stated(self) -> bool:
        """Whether nothing but documents of others says that it is there."""
        return all(location.startswith(LOCATION_PREFIX) for location in self.locations)


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
    evidence: tuple[str, ...] = ()
    """Places in the image's own code that reach it."""
    malicious: bool = False
    """Whether the package itself is."""
    advisories: tuple[str, ...] = ()
    """Those that say so of this package and version."""
    known_exploited: bool | None = None
    """Whether CISA's catalogue has it; None where nobody looked."""
    epss_probability: float | None = None
    """FIRST's, of exploitation within 30 days; None where there is none."""


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
