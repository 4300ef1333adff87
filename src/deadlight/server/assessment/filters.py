"""What lists are narrowed by, in the vocabulary of the public Runtime API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity


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


@dataclass(frozen=True, slots=True)
class Component:
    """A package by name, and version where one is given."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Every condition that is given has to hold; of several values one."""

    search: str = ""
    clusters: Sequence[str] = ()
    """Names or ids."""
    namespaces: Sequence[str] = ()
    period: TimePeriod = TimePeriod.NOW
    cves: Sequence[str] = ()
    risks: Sequence[Risk] = ()
    severities: Sequence[Severity] = ()
    applicabilities: Sequence[Applicability] = ()
    components: Sequence[Component] = ()

    @property
    def is_about_images(self) -> bool:
        """Whether anything is asked of the image itself rather than of where it runs."""
        asked = (self.search, self.cves, self.risks, self.severities, self.applicabilities, self.components)
        return any(asked)

    def parameters(self) -> dict[str, Any]:
        """Values for the conditions of `assessment.image_tags`; None switches one off."""
        return {
            "search": f"%{_escape_like(self.search)}%" if self.search else None,
            "clusters": list(self.clusters) or None,
            "namespaces": list(self.namespaces) or None,
            "period": self.period.length,
            "cves": list(self.cves) or None,
            "risks": [risk.value for risk in self.risks] or None,
            "severities": [severity.value for severity in self.severities] or None,
            "applicabilities": [item.value for item in self.applicabilities] or None,
            "component_names": [item.name for item in self.components] or None,
            "component_versions": [item.version for item in self.components] or None,
        }


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
