"""Times that somebody else's clock gave."""

from datetime import datetime, timedelta

AHEAD = timedelta(minutes=5)
"""Clocks that are kept disagree by less."""

BEHIND = timedelta(days=365)
"""Nobody keeps for longer what could not be told; a clock that was never set says 1970."""


def plausible(at: datetime, now: datetime) -> datetime:
    """A time that was told now, or now where it cannot be right: it would be the first or the last of all for ever."""
    return at if now - BEHIND <= at <= now + AHEAD else now
