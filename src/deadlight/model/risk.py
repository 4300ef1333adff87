"""The risks shown as badges, with the spelling of each surface (the public Runtime API and Worker payload)."""

from enum import StrEnum


class Risk(StrEnum):
    """A risk in the spelling of REST responses."""

    MALICIOUS = "malicious"
    INTEGRITY_VIOLATION = "integrity_violation"
    CRITICAL_APPLICABLE_CVES = "critical_applicable_cves"
    UNTRUSTED_REGISTRY = "untrusted_registry"

    @property
    def label(self) -> str:
        """The badge's text in the console."""
        return _LABELS[self]

    @classmethod
    def parse(cls, text: str) -> "Risk":
        """Accept every documented spelling of a risk; raises ValueError naming the known ones."""
        try:
            return cls(_ALIASES.get(text, text))
        except ValueError:
            raise ValueError(f"unknown risk {text!r} (known: {', '.join(cls)})") from None


class WindowRisk(StrEnum):
    """What an exposure window is of: a risk of an image, or a threat that was detected in its container."""

    MALICIOUS = Risk.MALICIOUS.value
    INTEGRITY_VIOLATION = Risk.INTEGRITY_VIOLATION.value
    CRITICAL_APPLICABLE_CVES = Risk.CRITICAL_APPLICABLE_CVES.value
    UNTRUSTED_REGISTRY = Risk.UNTRUSTED_REGISTRY.value
    THREAT = "threat"

    @property
    def label(self) -> str:
        """Its text in the console."""
        return "Threat Detected" if self is WindowRisk.THREAT else Risk(self.value).label


_LABELS = {
    Risk.MALICIOUS: "Malicious Packages",
    Risk.INTEGRITY_VIOLATION: "Integrity Violation",
    Risk.CRITICAL_APPLICABLE_CVES: "Applicable + Critical CVEs",
    Risk.UNTRUSTED_REGISTRY: "Untrusted Registry",
}

_ALIASES = {
    "critical_applicable": "critical_applicable_cves",
    "critical_applicable_cve": "critical_applicable_cves",
    "critical_and_applicable_cves": "critical_applicable_cves",
    "untrusted_registry_images": "untrusted_registry",
}
