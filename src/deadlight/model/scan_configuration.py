"""What is scanned for in the images of a cluster, and for how long a result is good."""

from dataclasses import dataclass
from enum import StrEnum


class Scanner(StrEnum):
    """A kind of scan that is switched on or off for each cluster, in the order shown to people."""

    SCA = "sca"
    CONTEXTUAL_ANALYSIS = "contextual_analysis"
    SECRETS = "secrets"
    APPLICATIONS = "applications"
    SERVICES = "services"
    IAC = "iac"

    @property
    def label(self) -> str:
        """Its documented name."""
        return _LABELS[self]

    @property
    def finds(self) -> str:
        """What it says about an image."""
        return _FINDS[self]


CORE = (Scanner.SCA, Scanner.CONTEXTUAL_ANALYSIS)
"""Without these the dashboard's figures are incomplete."""

EXPOSURES = (Scanner.SECRETS, Scanner.APPLICATIONS, Scanner.SERVICES, Scanner.IAC)
"""The group of scanners that is offered as one choice, Exposures."""

_LABELS = {
    Scanner.SCA: "SCA",
    Scanner.CONTEXTUAL_ANALYSIS: "Vulnerabilities Contextual Analysis",
    Scanner.SECRETS: "Secrets",
    Scanner.APPLICATIONS: "Applications",
    Scanner.SERVICES: "Services",
    Scanner.IAC: "IaC",
}

_FINDS = {
    Scanner.SCA: "Packages and their known vulnerabilities",
    Scanner.CONTEXTUAL_ANALYSIS: "Which vulnerabilities the image's own code can reach",
    Scanner.SECRETS: "Tokens, keys and passwords left in the image",
    Scanner.APPLICATIONS: "Insecure use of libraries in the image's own code",
    Scanner.SERVICES: "Insecure configuration of servers in the image",
    Scanner.IAC: "Insecure infrastructure as code in the image",
}

DEFAULT_RETENTION_DAYS = 90
MAX_RETENTION_DAYS = 1000


@dataclass(frozen=True, slots=True)
class ScanConfiguration:
    """The scanners of a cluster, in their order, and after how many days a result has to be renewed."""

    scanners: tuple[Scanner, ...] = tuple(Scanner)
    retention_days: int = DEFAULT_RETENTION_DAYS

    @property
    def missing_core(self) -> tuple[Scanner, ...]:
        """What full coverage needs and this does not have."""
        return tuple(scanner for scanner in CORE if scanner not in self.scanners)
