"""What registries answered is kept, and decides when they are asked again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row
from tests.server.integrity.conftest import AWAY, INTERVAL, LATER, MISSING, PUSHED, RUNNING, found
from tests.support.fleet import REGISTRY, Fleet

from deadlight.server.integrity.sources import (
    LONGEST_RETRY,
    Reply,
    SourceKey,
    ensure_source,
    load_tag_history,
    store_reply,
)
from deadlight.server.integrity.verdict import Unavailable


class Source:
    """A tag in a registry, of which the registry says what a test wants."""

    def __init__(self, fleet: Fleet, id_: int) -> None:
        self.fleet = fleet
        self.id = id_

    async def hear(self, *replies: Reply) -> Row[Any]:
        """The registry answers; the source's row afterwards, with the pause until it is asked again."""
        for reply in replies:
            async with self.fleet.engine.begin() as connection:
                await store_reply(connection, self.id, reply, INTERVAL)
        query = "SELECT *, next_check_at - now() AS pause FROM source_record WHERE id = :id"
        (row,) = await self.fleet.rows(query, id=self.id)
        return row


@pytest.fixture
async def source(fleet: Fleet) -> Source:
    async with fleet.engine.begin() as connection:
        return Source(fleet, await ensure_source(connection, SourceKey(REGISTRY, "shop/web", "1.0.0")))


def about(pause: timedelta, expected: timedelta) -> bool:
    """Pauses carry a tenth of chance, and the test itself takes a moment."""
    return expected * 0.9 - timedelta(seconds=2) <= pause <= expected * 1.1


async def test_a_source_has_one_row_however_often_it_is_named(fleet: Fleet, source: Source) -> None:
    async with fleet.engine.begin() as connection:
        assert await ensure_source(connection, SourceKey(REGISTRY, "shop/web", "1.0.0")) == source.id
        assert await ensure_source(connection, SourceKey(REGISTRY, "shop/web", "2.0.0")) != source.id


async def test_what_was_answered_is_asked_for_again_after_the_interval(source: Source) -> None:
    assert about((await source.hear(found(RUNNING))).pause, INTERVAL)
    assert about((await source.hear(MISSING)).pause, INTERVAL)


async def test_a_registry_in_trouble_is_asked_again_soon_and_then_more_and_more_rarely(source: Source) -> None:
    for seconds in (5, 10, 20, 40):
        assert about((await source.hear(AWAY)).pause, timedelta(seconds=seconds))
    assert about((await source.hear(*[AWAY] * 20)).pause, INTERVAL)


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(minutes=30), timedelta(minutes=30)),
        (timedelta(days=11_574), LONGEST_RETRY),
    ],
)
async def test_a_registry_is_left_alone_for_as_long_as_it_asks_but_not_for_ever(
    source: Source, asked: timedelta, pause: timedelta
) -> None:
    row = await source.hear(Reply(Unavailable("it limits our requests"), retry_after=asked))
    assert about(row.pause, pause)


async def test_trouble_takes_nothing_away_from_what_was_known(source: Source) -> None:
    known = await source.hear(found(RUNNING))
    troubled = await source.hear(AWAY, AWAY)
    assert (troubled.state, troubled.record, troubled.answered_at, troubled.changed_at) == (
        known.state,
        known.record,
        known.answered_at,
        known.changed_at,
    )
    assert (troubled.problem, troubled.failures) == ("it refuses connections", 2)
    recovered = await source.hear(found(RUNNING))
    assert (recovered.problem, recovered.problem_since, recovered.failures) == ("", None, 0)


async def test_trouble_began_when_it_began(source: Source) -> None:
    first = await source.hear(AWAY)
    assert (await source.hear(AWAY, AWAY)).problem_since == first.problem_since


async def test_a_tag_changes_when_its_digest_does(source: Source) -> None:
    first = await source.hear(found(RUNNING))
    assert (await source.hear(found(RUNNING), MISSING, found(RUNNING))).changed_at == first.changed_at
    assert (await source.hear(found(PUSHED))).changed_at > first.changed_at


async def test_every_digest_a_tag_has_had_is_remembered_once(fleet: Fleet, source: Source) -> None:
    for reply in (found(RUNNING), found(PUSHED), MISSING, AWAY, found(RUNNING), found(LATER)):
        await source.hear(reply)
    rows = await fleet.rows("SELECT digest FROM tag_history ORDER BY id")
    assert {row.digest for row in rows} == {RUNNING, PUSHED, LATER}
    async with fleet.engine.connect() as connection:
        history = await load_tag_history(connection, source.id)
    assert len(history.first_seen_at) == 3
    assert history.last_present_at is not None
    assert history.last_present_at > min(history.first_seen_at)
