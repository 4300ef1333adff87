"""A service that is behind asks sensors to hold back, for a while that is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import Fleet

from deadlight.server.runtime.pressure import (
    BUSY,
    BUSY_SECONDS,
    FINE_LAG_SECONDS,
    MAX_SECONDS,
    measure_pressure,
    seconds_to_wait,
)


@pytest.mark.parametrize(
    ("lag", "busy", "expected"),
    [
        (0, 0, 0),
        (FINE_LAG_SECONDS, BUSY - 0.01, 0),
        (FINE_LAG_SECONDS + 1, 0, FINE_LAG_SECONDS + 1),
        (0, BUSY, BUSY_SECONDS),
        (30, 1, 30),
        (1e9, 1, MAX_SECONDS),
    ],
)
def test_sensors_wait_for_as_long_as_what_is_there_has_waited(lag: float, busy: float, expected: float) -> None:
    assert seconds_to_wait(lag, busy) == expected


@given(lag=st.floats(0, 1e12), more=st.floats(0, 1e12), busy=st.floats(0, 1))
def test_more_pressure_never_means_less_waiting(lag: float, more: float, busy: float) -> None:
    assert 0 <= seconds_to_wait(lag, busy) <= seconds_to_wait(lag + more, busy) <= MAX_SECONDS


async def test_the_oldest_event_that_nobody_has_tried_says_how_far_behind_the_service_is(fleet: Fleet) -> None:
    add = "INSERT INTO event (type, key, attempts, status, recorded_at) VALUES ('PackagesUsed', 'x', :n, :s, now() - "

    async def pressure() -> float:
        async with fleet.engine.connect() as connection:
            return await measure_pressure(connection)

    assert await pressure() == 0
    await fleet.rows(f"{add} interval '1 hour')", n=3, s="pending")  # fails: that is no pressure
    await fleet.rows(f"{add} interval '1 hour')", n=0, s="handled")
    await fleet.rows(f"{add} interval '1 second')", n=0, s="pending")
    assert await pressure() == 0
    await fleet.rows("UPDATE event SET recorded_at = now() - interval '20 seconds' WHERE attempts = 0")
    assert 20 <= await pressure() < 30
