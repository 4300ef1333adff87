from datetime import UTC, datetime

from deadlight.controller.beat import heartbeat
from deadlight.controller.health import LONGEST_PROBLEM, MOST_PROBLEMS, Health
from deadlight.model import wire


def test_a_problem_is_news_once_and_gone_when_cleared() -> None:
    health = Health()

    assert health.trouble("pods", "cannot list")
    assert not health.trouble("pods", "cannot list")
    assert health.trouble("pods", "cannot list, differently")
    assert list(health.problems) == ["cannot list, differently"]
    assert health.cleared("pods")
    assert not health.cleared("pods")
    assert not health.problems


def test_whatever_troubles_it_a_heartbeat_fits_the_wire() -> None:
    health = Health()
    for number in range(100):
        health.trouble(str(number), "x" * 10_000)
    health.counts.relists = 7

    beat = heartbeat(health, {"pod": 3}, 5, datetime.now(UTC))

    assert wire.decode(wire.encode(beat), wire.Heartbeat) == beat
    assert len(beat.problems) == MOST_PROBLEMS
    assert {len(problem) for problem in beat.problems} == {LONGEST_PROBLEM}
    assert (beat.counters["held_pod"], beat.counters["retries"], beat.counters["relists"]) == (3, 5, 7)
