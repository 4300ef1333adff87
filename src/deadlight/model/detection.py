"""What the sensor holds to be an attack or a misuse: a threat rule that matched what a container did."""

from enum import StrEnum


class Response(StrEnum):
    """What was done about it on the node."""

    REPORTED = "reported"
    """Nothing but telling."""
    WOULD_BLOCK = "would_block"
    """A blocking policy in audit: enforced, it would have been denied or killed."""
    KILLED = "killed"
    """The process was killed as its program started."""
    DENIED = "denied"
    """The kernel refused the program; it never ran."""


class DetectionStatus(StrEnum):
    """What became of it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody takes care of it."""
    RESOLVED = "resolved"
    """It is dealt with: when it happens again, that is a new one."""


class BlockingMode(StrEnum):
    """What a sensor does with programs that a blocking policy is about."""

    OFF = "off"
    AUDIT = "audit"
    """It reports what it would have stopped."""
    ENFORCE = "enforce"


BINARY_INTEGRITY = "binary-integrity"
"""The rule of the service's own: the hash of an executed file is not that of the file in the image."""

BLOCKED_EXECUTION = "blocked-execution"
"""The rule of what a blocking policy stopped, or would have, and no other rule speaks of."""

MORE_DETECTIONS = "more-detections"
"""The rule that says how many detections of a container were not told, because there were too many at once."""

NO_FILES = frozenset({BINARY_INTEGRITY, BLOCKED_EXECUTION, MORE_DETECTIONS})
"""Rules that are not read from files, and whose ids no file may take."""
