import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.registry import Limits, UnavailableError
from deadlight.registry.errors import TransientError
from deadlight.registry.pacing import MAX_QUIET_SECONDS, Pace, backoff_seconds

BUSY = TransientError("registry.test", "it limits our requests")


async def test_one_second_s_worth_of_requests_may_come_at_once_and_then_they_are_spaced(clock):
    pace = Pace(Limits(requests_per_second=8), clock.timing())
    for _ in range(8):
        await pace.turn("GET")
    assert clock.slept == []
    for _ in range(5):
        await pace.turn("GET")
    assert clock.slept == [0.125] * 5


async def test_no_more_questions_are_under_way_than_allowed(clock):
    pace = Pace(Limits(concurrency=2), clock.timing())
    inside, most = 0, 0

    async def ask() -> None:
        nonlocal inside, most
        async with pace.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(ask() for _ in range(10)))
    assert most == 2


async def test_quiet_is_kept_until_it_is_over_and_only_for_its_method(clock):
    pace = Pace(Limits(), clock.timing())
    pace.keep_quiet("GET", 100, BUSY)
    clock.now += 40
    with pytest.raises(UnavailableError) as caught:
        await pace.turn("GET")
    assert (caught.value.reason, caught.value.retry_after_seconds) == (BUSY.reason, 60)
    await pace.turn("HEAD")
    clock.now += 60
    await pace.turn("GET")


async def test_a_registry_cannot_silence_us_for_good(clock):
    pace = Pace(Limits(), clock.timing())
    pace.keep_quiet("GET", 1e9, BUSY)
    clock.now += MAX_QUIET_SECONDS
    await pace.turn("GET")


@pytest.mark.parametrize(
    ("attempt", "retry_after", "expected"),
    [(1, None, 0.25), (2, None, 0.5), (3, None, 1.0), (4, None, None), (1, 2.0, 2.0), (1, 5.0, 5.0), (1, 6.0, None)],
)
def test_the_wait_doubles_or_is_what_the_registry_asked_for(
    attempt: int, retry_after: float | None, expected: float | None
):
    error = TransientError("registry.test", "busy", retry_after_seconds=retry_after)
    assert backoff_seconds(attempt, error, Limits(attempts=4), chance=1.0) == expected


def test_waits_are_spread_out_down_to_half():
    assert backoff_seconds(1, BUSY, Limits(), chance=0.0) == 0.125


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_the_longest(attempt: int, chance: float):
    delay = backoff_seconds(attempt, BUSY, Limits(attempts=1001), chance)
    assert delay is not None
    assert 0 < delay <= Limits().longest_wait_seconds
