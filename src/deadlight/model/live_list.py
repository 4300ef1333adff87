"""What lists of Live Assessment reach back to and are ordered by, as the API and the command line take it."""

from datetime import timedelta
from enum import StrEnum


class TimePeriod(StrEnum):
    """What ran now or at some time within the period."""

    NOW = "now"
    ONE_HOUR = "1 hour"
    ONE_DAY = "24 hours"
    THREE_DAYS = "3 days"
    SEVEN_DAYS = "7 days"
    TEN_DAYS = "10 days"

    @property
    def length(self) -> timedelta:
        """How far back it reaches."""
        return _LENGTHS[self]


_LENGTHS = {
    TimePeriod.NOW: timedelta(0),
    TimePeriod.ONE_HOUR: timedelta(hours=1),
    TimePeriod.ONE_DAY: timedelta(hours=24),
    TimePeriod.THREE_DAYS: timedelta(days=3),
    TimePeriod.SEVEN_DAYS: timedelta(days=7),
    TimePeriod.TEN_DAYS: timedelta(days=10),
}


class ImageOrder(StrEnum):
    """What a list of image tags is ordered by."""

    RISKS = "risks"
    NAME = "name"
    REPOSITORY_PATH = "repository_path"
    REGISTRY = "registry"


class WorkloadOrder(StrEnum):
    """What a list of workloads is ordered by; workloads that are alike in it follow by name."""

    RISK = "risk"
    """Riskiest first."""
    VULNERABILITIES = "vulnerabilities"
    """Those with most first."""
    NAME = "name"
    CLUSTER = "cluster"
    STATUS = "status"
    """Running ones first."""
    REGISTRY = "registry"
    """By the first registry of its images."""


class ProcessOrder(StrEnum):
    """What a list of processes is ordered by; processes that are alike in it follow by name."""

    RISK = "risk"
    """Riskiest first."""
    VULNERABILITIES = "vulnerabilities"
    """Those with most first."""
    WORKLOADS = "workloads"
    """Those in most workloads first."""
    SEEN = "seen"
    """Those executed last first."""
    NAME = "name"
