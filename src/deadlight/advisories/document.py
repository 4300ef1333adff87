"""One record's bytes on the way in, or why there are none."""

from dataclasses import dataclass, field
from enum import StrEnum

MAX_LABEL_LENGTH = 200
"""Enough to recognise a member by; its name comes from outside."""


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one record; `origin` names the collection and the member or line for people."""

    origin: str
    content: bytes = field(repr=False)


class RejectionCause(StrEnum):
    """Why a document became no advisory."""

    INVALID = "invalid"
    NOT_SECURITY = "not_security"
    DAMAGED = "damaged"
    """Its bytes could not be had from the collection, which was cut or changed on its way."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that became no advisory. `reason` is for people and names the origin; `cause` is for counting."""

    origin: str
    reason: str
    cause: RejectionCause = RejectionCause.INVALID


def origin_label(collection: str, member: str) -> str:
    """A label such as `all.zip:GHSA-1.json`, of printable characters and bounded. A label only, never opened."""
    text = f"{collection}:{member[:MAX_LABEL_LENGTH]}"
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
