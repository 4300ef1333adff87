"""What a scanner beside a registry says of an image, whichever product it is: components, issues, and how sure it is.

A registry's product may bring a scanner of its own. What that says is a statement about components and versions; who
asked for it keeps whose statement it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from deadlight.model.image import ImageReference
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.registry.errors import RegistryError


@dataclass(frozen=True, slots=True)
class Component:
    """A package as a scanner names it. `ecosystem` is OSV's name without release, empty where it is not told.

    `name` is spelt as the ecosystem's advisories spell it; an empty `version` stands for whichever is installed.
    """

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class AffectedComponent:
    """A component that an issue concerns, and the versions without it, on any branch."""

    component: Component
    fixed_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """A flaw, or a malicious package, as a scanner tells it. `cvss_score` is from 0 to 10."""

    id: str
    """As the scanner numbers it: `XRAY-189376`."""
    severity: Severity
    affected: tuple[AffectedComponent, ...]
    cves: tuple[str, ...] = ()
    cvss_vector: str = ""
    cvss_score: float | None = None
    summary: str = ""
    malicious: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything a scanner says of one image. Times are as it writes them, and only compared for being the same."""

    components: tuple[Component, ...] = ()
    issues: tuple[Issue, ...] = ()
    applicability: Mapping[str, Applicability] = field(default_factory=dict)
    """By the id of an issue; only where it was asked and answered."""
    scanned_at: str = ""
    analyzed_at: str = ""
    """When it last found out what is applicable."""
    decision: str = ""
    """Why it was asked as it was, for people."""
    problems: tuple[str, ...] = ()
    """What is not complete, for people."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """There is no result yet, and why; `requested` where a scan was asked for just now."""

    reason: str
    requested: bool = False


Answer: TypeAlias = Statement | NotYet


class UnscannableError(RegistryError):
    """The scanner will not have a result until somebody changes something; the text says what."""


class ImageScanner(Protocol):
    """The scanner of one registry's product."""

    name: str
    """As people know it: `Xray`."""

    async def list_problems(self) -> tuple[str, ...]:
        """What keeps it from being of use, for people; the heart of a connection test.

        Raises:
            UnavailableError: it cannot be asked now.
        """

    async def ask(
        self, reference: ImageReference, digest: str, known: Statement | None, *, may_request: bool
    ) -> Answer:
        """What it says of a platform's manifest; a scan is asked for where there is none and `may_request`.

        `known` is what it said last: what cannot have changed since is not asked again.

        Raises:
            UnscannableError: see there.
            UnavailableError: it cannot be asked now.
        """


@runtime_checkable
class WithScanner(Protocol):
    """A registry's API whose product can have a scanner beside it."""

    scanner: ImageScanner
