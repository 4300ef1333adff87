"""How completely each container was watched."""

import pytest

from deadlight.model.wire import MAX_OBJECTS
from deadlight.sensor.coverage import KEPT_AFTER, MAX_CONTAINERS, MAX_UNSEEN, Coverage


def tell(coverage: Coverage):
    return {found.container_id: found for found in coverage.tell(epoch_offset=0)}


@pytest.fixture
def coverage() -> Coverage:
    return Coverage(["opens"])


@pytest.mark.req("M4")
def test_a_container_is_watched_since_it_began_and_what_no_hook_sees_is_named(coverage):
    coverage.begin("web", 5_000_000_000, from_start=True)
    coverage.begin("web", 9_000_000_000, from_start=False)

    found = tell(coverage)["web"]
    assert (found.since.second, found.from_start, found.lost, found.unseen) == (5, True, 0, ("opens",))


def test_what_the_node_lost_may_have_been_any_container_s_that_was_watched_meanwhile(coverage):
    coverage.begin("before", 0, from_start=True)
    coverage.note_lost(10)
    coverage.begin("after", 0, from_start=True)
    coverage.note_lost(13)
    coverage.sweep({"before"}, 0)
    coverage.note_lost(20)

    assert {name: found.lost for name, found in tell(coverage).items()} == {"before": 20, "after": 3}


def test_a_loss_of_one_container_is_its_own(coverage):
    for name in ("web", "db"):
        coverage.begin(name, 0, from_start=True)
    coverage.lose("web")

    assert {name: found.lost for name, found in tell(coverage).items()} == {"web": 1, "db": 0}


def test_what_a_container_does_unseen_is_named_once_and_boundedly(coverage):
    coverage.begin("web", 0, from_start=True)
    for _ in range(2):
        coverage.blind("web", "io_uring")
    assert tell(coverage)["web"].unseen == ("opens", "io_uring")
    assert coverage.list_blind("io_uring") == ("web",)

    for number in range(2 * MAX_UNSEEN):
        coverage.blind("web", str(number))
    assert len(tell(coverage)["web"].unseen) == MAX_UNSEEN


def test_a_container_that_is_gone_is_told_of_for_a_while(coverage):
    coverage.begin("web", 0, from_start=True)
    coverage.sweep(set(), 0)
    coverage.sweep(set(), KEPT_AFTER)
    assert "web" in tell(coverage)

    coverage.sweep(set(), KEPT_AFTER + 1)
    assert tell(coverage) == {}


def test_more_containers_than_there_is_room_for_are_counted():
    coverage = Coverage(limit=2)
    for name in "abc":
        coverage.begin(name, 0, from_start=True)

    assert list(tell(coverage)) == ["b", "c"]
    assert coverage.forgotten == 1


def test_beyond_what_a_heartbeat_holds_containers_that_ended_are_left_out_first_and_counted():
    assert MAX_CONTAINERS <= MAX_OBJECTS
    coverage = Coverage(limit=2)
    coverage.begin("runs", 0, from_start=True)
    coverage.begin("ended", 0, from_start=True)
    coverage.sweep({"runs"}, 0)
    coverage.begin("new", 0, from_start=True)
    assert (set(tell(coverage)), coverage.forgotten) == ({"runs", "new"}, 1)

    coverage.begin("newer", 0, from_start=True)
    assert (set(tell(coverage)), coverage.forgotten) == ({"new", "newer"}, 2)
