"""Who is behind something: a name, where it is known from and how much that is worth. Pure.

Candidates come from many places and all are kept. One of them is chosen: never a machine while anything else is known,
because nobody can ask it; then what is proven before what is recorded before what is stated; then a person before an
application; then the place that comes first in the documented order of its sources.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MAX_VALUE_LENGTH = 512
"""Characters of a name, as of what else comes from foreign labels."""


class Confidence(StrEnum):
    """What an attribution rests on, the strongest first."""

    PROVEN = "proven"
    """Signed by whoever did it, or authenticated by the API server when it was done."""
    RECORDED = "recorded"
    """A system's own record of what it did: a registry's or the API server's."""
    STATED = "stated"
    """A label or an annotation, which whoever could write it could write differently."""


class Party(StrEnum):
    """What a name stands for, those who can be asked first."""

    PERSON = "person"
    APPLICATION = "application"
    """What a person set up to do it: an Argo CD application, a build."""
    MACHINE = "machine"
    """An account or a tool that does it for whoever made it."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who, where that is known from, and where to look further. Empty texts are unknown."""

    value: str
    source: str
    confidence: Confidence = Confidence.STATED
    party: Party = Party.PERSON
    link: str = ""
    revision: str = ""
    detail: str = ""
    """What they did, in their words or ours."""
    at: datetime | None = None
    """When they did it."""
    others: tuple["Attribution", ...] = ()
    """What other sources say, in the order of their precedence."""


_PARTIES = list(Party)
_CONFIDENCES = list(Confidence)


def choose(candidates: Iterable[Attribution]) -> Attribution | None:
    """The candidate that takes precedence, with the others; None where there is none.

    `candidates` come in the order of their sources.
    """
    ranked = sorted(candidates, key=_rank)
    return replace(ranked[0], others=tuple(ranked[1:])) if ranked else None


def _rank(item: Attribution) -> tuple[bool, int, int]:
    return item.party is Party.MACHINE, _CONFIDENCES.index(item.confidence), _PARTIES.index(item.party)
