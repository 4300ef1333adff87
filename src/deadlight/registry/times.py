"""Times as registries write them."""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 time; None for what is not one, and for year 1, which Go and Docker write for "never"."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo and time.year > 1 else None
    except (ValueError, OverflowError):
        return None
