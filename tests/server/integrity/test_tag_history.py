"""When a tag came to be what it is."""

from datetime import UTC, datetime, timedelta

import pytest

from deadlight.server.integrity.sources import Push, TagHistory

NOW, EARLIER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SEEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("pushed_at", "other_last_seen_at", "updated_at"),
    [
        (SEEN - MINUTE, SEEN - 2 * MINUTE, SEEN - MINUTE),
        (SEEN - 2 * MINUTE, SEEN - MINUTE, SEEN),  # pushed before, under another tag perhaps, and moved to later
        (SEEN - MINUTE, None, SEEN - MINUTE),
        (SEEN + MINUTE, SEEN - MINUTE, SEEN),  # clocks differ: what was seen was there
        (None, SEEN - MINUTE, SEEN),
        (SEEN + MINUTE, None, None),
        (None, None, None),  # at the first look: nobody saw it move
    ],
)
@pytest.mark.req("I15")
def test_a_tag_is_updated_at_its_push_unless_it_was_something_else_since(
    pushed_at: datetime | None, other_last_seen_at: datetime | None, updated_at: datetime | None
) -> None:
    seen = {NOW: SEEN} | ({EARLIER: other_last_seen_at} if other_last_seen_at else {})
    first_seen = (SEEN, SEEN - 10 * MINUTE) if other_last_seen_at else (SEEN,)
    history = TagHistory(first_seen, seen, {NOW: Push("ada", pushed_at)})
    assert history.updated_at(NOW, SEEN) == updated_at


def test_a_tag_that_was_never_seen_to_change_has_no_update() -> None:
    assert TagHistory(()).updated_at(NOW, None) is None
