"""Losses are visible."""

import pytest

from deadlight.sensor.health import MOST_PROBLEMS, Health, assess, blind_spots, with_delivery
from deadlight.sensor.programs import Plan, Tier

PLAN = Plan(Tier.CALLS, ("on_exec",), ())
KERNEL = {"seen": 18, "sent": 10, "deduplicated": 5, "lost": 0, "skipped": 3, "filtered": 0, "unremembered": 0}


def health(plan=PLAN, kernel=KERNEL, problems=(), **counters) -> Health:
    return assess(plan, kernel, counters, problems=problems)


def test_a_sensor_that_lost_nothing_has_no_problems():
    found = health(events=0)

    assert found.problems == ()
    assert found.counters["kernel_sent"] == 10
    assert found.counters["events"] == 0


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kernel": KERNEL | {"lost": 7}}, "7 events were lost because"),
        ({"kernel": KERNEL | {"missed": 6}}, "6 times that the kernel left out a hook"),
        ({"undecodable": 2}, "2 events could not be read"),
        ({"unattributed": 3}, "3 events belong to containers that were gone"),
        ({"overflow": 4}, "4 events found no room"),
        ({"unreadable_processes": 5}, "5 processes that ran before"),
        ({"plan": Plan(Tier.CALLS, (), ("not seen: opened files",))}, "not seen: opened files"),
        ({"problems": blind_spots(["c1"])}, "container c1 opens files through io_uring"),
    ],
)
def test_every_loss_is_a_sentence(changed, sentence):
    (problem,) = health(**changed).problems

    assert problem.startswith(sentence)


def test_the_delivery_adds_its_counters_and_its_trouble():
    found = with_delivery(health(), {"report_sent": 5, "report_refused": 2}, ["cannot reach the service"])

    assert (found.counters["report_sent"], found.counters["kernel_sent"]) == (5, 10)
    assert found.problems == ("cannot reach the service", "2 observations were refused by the service")


def test_a_loss_is_told_once():
    lost = health(kernel=KERNEL | {"lost": 7})

    assert len(with_delivery(lost, {"report_refused": 0}, []).problems) == 1


def test_problems_beyond_the_limit_of_the_wire_are_counted():
    found = health(problems=blind_spots(f"c{number}" for number in range(100)))

    assert len(found.problems) == MOST_PROBLEMS
    assert found.problems[-1] == "69 more problems"
