"""Attributions as they are shown to people."""

from datetime import datetime

from pydantic import BaseModel

from deadlight.model.attribution import Attribution, Confidence, Party


class ClaimOut(BaseModel):
    """What one source says of who did something."""

    value: str
    source: str
    confidence: Confidence
    party: Party
    link: str
    revision: str
    detail: str
    at: datetime | None


class AttributionOut(ClaimOut):
    """Who did something, where that is known from and what other sources say, by precedence."""

    others: list[ClaimOut]


def attribution(value: Attribution | None) -> AttributionOut | None:
    """An attribution for people; None where nobody is known."""
    return AttributionOut.model_validate(value, from_attributes=True) if value else None
