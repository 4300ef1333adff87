"""Exceptions: what they suppress is kept, counted and shown to whoever asks, until they end."""

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError
from tests.server.detections.conftest import SensorOf
from tests.support.detections import detected
from tests.support.fleet import Fleet

from deadlight.server.detections.exceptions import (
    LONGEST,
    add_exception,
    end_due,
    end_exception,
    list_exceptions,
    matches,
)
from deadlight.server.detections.schemas import ExceptionIn
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError

SOON = datetime.now(UTC) + timedelta(days=7)


async def accept(fleet: Fleet, **fields: Any) -> int:
    async with fleet.engine.begin() as connection:
        body = ExceptionIn(**{"reason": "our own tool", "until": SOON} | fields)
        return await add_exception(connection, body, "ada")


PATTERNS: list[tuple[dict[str, str], bool]] = [
    ({"rule": "reverse-shell"}, True),
    ({"rule": "reverse-*", "cluster": "test", "namespace": "sh?p", "workload": "w*"}, True),
    ({"repository": "registry.example/shop/*", "program": "/bin/*"}, True),
    ({"program": "/bin/bash"}, True),
    ({"program": "/bin/bas"}, False),
    ({"program": "/BIN/bash"}, False),
    ({"rule": "reverse_shell"}, False),
    ({"rule": "reverse%"}, False),
    ({"rule": "reverse-shell", "namespace": "bank"}, False),
    ({"rule": "reverse-shell", "cluster": "other"}, False),
    ({"workload": "\\w*"}, False),
]


@pytest.mark.req("R20")
async def test_all_patterns_of_an_exception_have_to_match(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    for patterns, suppressed in PATTERNS:
        await fleet.rows("DELETE FROM detection")
        await fleet.rows("DELETE FROM detection_exception")
        await fleet.forget_events()
        await accept(fleet, **patterns)
        await sensor.send(detected(container), detected(container, count=2))
        (row,) = await sensor.detections()
        assert (patterns, row.exception_id is not None, row.times) == (patterns, suppressed, 3)
        assert len(await sensor.told()) == (0 if suppressed else 1)


async def test_an_exception_suppresses_what_was_detected_before_and_shows_how_much(
    fleet: Fleet, sensor: SensorOf
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await sensor.send(detected(container, count=5), detected(container, "miner"))
    id_ = await accept(fleet, rule="reverse-shell")
    async with fleet.engine.connect() as connection:
        (shown,) = await list_exceptions(connection)
    assert (shown.id, shown.detections, shown.times, shown.active, shown.created_by) == (id_, 1, 5, True, "ada")


async def test_what_an_exception_suppressed_alerts_when_it_happens_after_its_end(
    fleet: Fleet, sensor: SensorOf
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await accept(fleet, rule="reverse-shell")
    await sensor.send(detected(container))
    await fleet.rows("UPDATE detection_exception SET until = now() - interval '1 minute'")
    await sensor.send(detected(container))
    (row,) = await sensor.detections()
    assert (row.exception_id, len(await sensor.told())) == (None, 1)


async def test_what_an_exception_suppressed_shows_again_when_its_time_is_over(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await accept(fleet, rule="reverse-shell")
    await sensor.send(detected(container))
    await fleet.rows("UPDATE detection_exception SET until = now() - interval '1 minute'")
    async with fleet.engine.begin() as connection:
        await end_due(connection)
        assert not await list_exceptions(connection)
        (ended,) = await list_exceptions(connection, ended=True)
    assert (ended.active, ended.ended_by) == (False, "")
    (row,) = await sensor.detections()
    assert row.exception_id is None
    changes = [tuple(row) for row in await fleet.rows("SELECT actor, subject, action FROM threat_change ORDER BY id")]
    assert changes == [("ada", "exception", "added"), ("", "exception", "expired")]


async def test_an_exception_that_is_ended_works_no_more(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    id_ = await accept(fleet, rule="*-shell")
    await sensor.send(detected(container))
    async with fleet.engine.begin() as connection:
        await end_exception(connection, id_, "grace")
        with pytest.raises(ConflictError, match="ended already"):
            await end_exception(connection, id_, "grace")
        with pytest.raises(NotFoundError):
            await end_exception(connection, id_ + 1, "grace")
    assert [row.exception_id for row in await sensor.detections()] == [None]


@pytest.mark.parametrize("until", [timedelta(0), LONGEST + timedelta(days=1)])
async def test_an_exception_ends_within_a_year(fleet: Fleet, until: timedelta) -> None:
    with pytest.raises(BadRequestError, match="in the future"):
        await accept(fleet, rule="x", until=datetime.now(UTC) + until)


@pytest.mark.parametrize("fields", [{}, {"rule": "?*"}, {"rule": "x", "reason": " "}, {"rule": "x", "surprise": 1}])
def test_an_exception_from_everything_or_without_a_reason_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExceptionIn(**{"reason": "why", "until": SOON} | fields)


def words(alphabet: str, longest: int) -> list[str]:
    return ["".join(word) for length in range(longest + 1) for word in product(alphabet, repeat=length)]


async def test_patterns_match_in_sql_as_they_do_in_the_owners_map(fleet: Fleet) -> None:
    matching = matches("pattern", "value")
    found = await fleet.rows(
        f"""
        SELECT pattern, value, {matching} AS matches
        FROM unnest(CAST(:patterns AS text[])) AS pattern, unnest(CAST(:texts AS text[])) AS value
        """,
        patterns=words("a*?%_\\", 3),
        texts=words("ab%_\\", 3),
    )
    wrong = [row for row in found if row.matches != (not row.pattern or fnmatchcase(row.value, row.pattern))]
    assert (len(found) > 10_000, wrong) == (True, [])


async def test_an_exception_that_says_the_same_is_refused_with_the_id_of_the_one_that_holds(fleet: Fleet) -> None:
    first = await accept(fleet, rule="reverse-*", workload="web")
    for until in (SOON, SOON - timedelta(days=1)):
        with pytest.raises(ConflictError, match=f"exception {first} says the same already, until"):
            await accept(fleet, rule="reverse-*", workload="web", until=until, reason="another")
    await accept(fleet, rule="reverse-*")
    longer = await accept(fleet, rule="reverse-*", workload="web", until=SOON + timedelta(days=1))
    for exception_id in (first, longer):
        async with fleet.engine.begin() as connection:
            await end_exception(connection, exception_id, "ada")
    await accept(fleet, rule="reverse-*", workload="web")
