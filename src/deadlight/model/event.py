"""The domain events of the product: facts in the past tense, recorded in the transaction that made them true."""

from enum import StrEnum


class EventType(StrEnum):
    """Every event there is. Those in `ALERTABLE` can start a worker."""

    WORKLOAD_CHANGED = "WorkloadChanged"
    IMAGE_OBSERVED = "ImageObserved"
    IMAGE_SCANNED = "ImageScanned"
    INTEGRITY_VIOLATION_DETECTED = "IntegrityViolationDetected"
    INTEGRITY_VIOLATION_CLOSED = "IntegrityViolationClosed"
    UNTRUSTED_REGISTRY_DETECTED = "UntrustedRegistryDetected"
    UNTRUSTED_REGISTRY_CLOSED = "UntrustedRegistryClosed"
    VULNERABILITIES_CHANGED = "VulnerabilitiesChanged"
    PACKAGES_USED = "PackagesUsed"
    PROGRAMS_USED_PACKAGES = "ProgramsUsedPackages"
    """Packages known to be in use are used by programs that were not known to use them."""
    BINARY_MISMATCH_OBSERVED = "BinaryMismatchObserved"
    """A container executed a file whose hash is not that of the image's file of the same path."""
    ADVISORIES_CHANGED = "AdvisoriesChanged"
    REGISTRY_CHANGED = "RegistryChanged"
    CLUSTER_CONFIGURED = "ClusterConfigured"
    THREAT_DETECTED = "ThreatDetected"
    """A threat rule matched where nobody had been told of it yet."""
    DETECTION_CHANGED = "DetectionChanged"
    """A workload's detection began or ceased to be live, or to be counted, or somebody acknowledged it."""


ALERTABLE = (
    EventType.WORKLOAD_CHANGED,
    EventType.INTEGRITY_VIOLATION_DETECTED,
    EventType.INTEGRITY_VIOLATION_CLOSED,
    EventType.UNTRUSTED_REGISTRY_DETECTED,
    EventType.VULNERABILITIES_CHANGED,
    EventType.THREAT_DETECTED,
)
"""What a worker can listen to, in the order shown to people."""

URGENT = (
    EventType.IMAGE_OBSERVED,
    EventType.INTEGRITY_VIOLATION_DETECTED,
    EventType.UNTRUSTED_REGISTRY_DETECTED,
    EventType.VULNERABILITIES_CHANGED,
    EventType.BINARY_MISMATCH_OBSERVED,
    EventType.THREAT_DETECTED,
)
"""What stands between a risk and the person who is told of it. When events come faster than they are handled these
overtake those that merely follow what runs where."""
