"""What "not seen" rests on is said, and it is never more than was watched."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.inventory import STARTED

from deadlight.server.runtime.coverage import MIN_WATCHED, Coverage, CoverageLevel, Watched, describe_length, roll_up

NOW = STARTED + timedelta(hours=5)
SILENCE = timedelta(seconds=90)
WELL = Watched(NOW - timedelta(hours=3), from_start=True, lost=0, unseen=(), seen_at=NOW, refused=0)


def rolled(*containers: Watched | None) -> Coverage:
    return roll_up(containers, NOW, SILENCE)


def test_containers_watched_since_their_first_program_are_a_proof() -> None:
    coverage = rolled(WELL, replace(WELL, since=NOW - timedelta(minutes=2)), WELL, WELL)
    assert (coverage.level, coverage.reasons) == (CoverageLevel.COMPLETE, ())
    assert coverage.statement == "Watched since the first program for 3 h on 4 of 4 containers."


@pytest.mark.parametrize(
    ("containers", "level", "reason"),
    [
        ((), "none", "no container runs it now"),
        ((None,), "none", "1 of 1 container was not watched by a sensor"),
        ((WELL, None, None), "partial", "2 of 3 containers were not watched by a sensor"),
        ((replace(WELL, seen_at=NOW - 2 * SILENCE),), "none", "1 of 1 container was not watched by a sensor"),
        (
            (WELL, replace(WELL, from_start=False)),
            "partial",
            "1 of 2 containers was found running, and what they had used before is not known",
        ),
        ((WELL, replace(WELL, lost=7)), "partial", "events may have been lost in 1 of 2 containers"),
        (
            (WELL, replace(WELL, refused=1_200), replace(WELL, refused=34)),
            "partial",
            "more was seen in 2 of 3 containers than is kept (1,234 found no room)",
        ),
        ((replace(WELL, unseen=("opens",)),), "partial", "opens cannot be seen in 1 of 1 container"),
        (
            (replace(WELL, since=NOW - MIN_WATCHED / 2),),
            "partial",
            "watched for 30 min only, less than 1 h",
        ),
    ],
)
def test_whatever_is_missing_is_named_and_nothing_is_proven(
    containers: tuple[Watched | None, ...], level: str, reason: str
) -> None:
    coverage = rolled(*containers)
    assert (coverage.level, coverage.reasons) == (level, (reason,))
    assert coverage.statement == f"Not seen is not proven: {reason}."


watches = st.none() | st.builds(
    Watched,
    since=st.timedeltas(timedelta(), timedelta(days=3)).map(lambda ago: NOW - ago),
    from_start=st.booleans(),
    lost=st.integers(0, 2),
    unseen=st.lists(st.sampled_from(["opens", "io_uring"]), max_size=2).map(tuple),
    seen_at=st.timedeltas(timedelta(), 2 * SILENCE).map(lambda ago: NOW - ago),
    refused=st.integers(0, 2),
)


@given(st.lists(watches, max_size=4), watches)
def test_one_container_more_never_makes_a_proof_of_none(containers: list[Watched | None], more: Watched | None) -> None:
    before, after = rolled(*containers), rolled(*containers, more)
    assert (after.level is CoverageLevel.COMPLETE) == (after.reasons == ())
    if before.level is not CoverageLevel.COMPLETE and before.longest >= MIN_WATCHED:
        assert after.level is not CoverageLevel.COMPLETE
    assert after.from_start <= after.watched <= after.containers == len(containers) + 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86_399, "23 h"), (200_000, "2 d")],
)
def test_lengths_are_told_in_their_largest_unit(seconds: int, text: str) -> None:
    assert describe_length(timedelta(seconds=seconds)) == text
