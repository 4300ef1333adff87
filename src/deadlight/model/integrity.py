"""The words of image integrity: statuses, kinds of violation and how grave each is. Exact spellings are contracts."""

from enum import StrEnum

from deadlight.model.vulnerability import Severity


class IntegrityStatus(StrEnum):
    """What comparing a running image with its registry gave."""

    NO_ISSUES = "No Issues"
    UNTRUSTED_REGISTRY = "Untrusted Registry"
    INVALID_IMAGE_SOURCE = "Invalid Image Source"
    INVALID_IMAGE_INTEGRITY = "Invalid Image Integrity"

    @property
    def is_violation(self) -> bool:
        """An untrusted registry is a risk of its own, never a violation."""
        return self in {IntegrityStatus.INVALID_IMAGE_SOURCE, IntegrityStatus.INVALID_IMAGE_INTEGRITY}


class ViolationType(StrEnum):
    """What exactly is wrong with the image's source or content."""

    MISSING_SOURCE = "Missing Source"
    DIGEST_MISMATCH = "Digest Mismatch"
    POST_DEPLOYMENT_TAG_UPDATE = "Post-Deployment Tag Update"

    @property
    def severity(self) -> Severity:
        """Critical for a changed immutable tag, High for a vanished source, Medium for a moved mutable tag."""
        return _VIOLATION_SEVERITY[self]


_VIOLATION_SEVERITY = {
    ViolationType.DIGEST_MISMATCH: Severity.CRITICAL,
    ViolationType.MISSING_SOURCE: Severity.HIGH,
    ViolationType.POST_DEPLOYMENT_TAG_UPDATE: Severity.MEDIUM,
}


class MutabilitySource(StrEnum):
    """What answered the question whether a tag may move, in the order they are asked."""

    REGISTRY_POLICY = "registry policy"
    TAG_HISTORY = "tag history"
    USER_PATTERN = "user pattern"
    DOCUMENTED_NAME = "documented name"
    SHAPE = "shape of the tag"
