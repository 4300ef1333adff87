"""Many events, one observation each file, container and grade."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.observation import Grade
from deadlight.sensor.decode import Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.observe import Pending

EPOCH = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


def event(kind=EventKind.OPENED, path="/etc/passwd", at=0, flags=0, **others) -> Event:
    return Event(kind, at, CgroupKey(1, 0), others.get("pid", 1), "app", path, others.get("arguments", ()), flags)


@pytest.mark.req("R17", "R18", "R30")
def test_an_execution_becomes_an_observation_with_its_process_and_arguments():
    pending = Pending()
    pending.add("c1", event(EventKind.EXECUTED, "/bin/sh", at=2_000_000_000, pid=42, arguments=("sh", "-c", "true")))

    (found,) = pending.take(10, epoch_offset=EPOCH)

    assert (found.container_id, found.grade, found.path) == ("c1", Grade.EXECUTED, "/bin/sh")
    assert (found.pid, found.process, found.arguments) == (42, "app", ("sh", "-c", "true"))
    assert found.first_at == found.last_at == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert (found.count, found.changed) == (1, False)


def test_repeated_events_are_counted_with_the_first_and_the_last_time():
    pending = Pending()
    for second in (1, 5, 3):
        pending.add("c1", event(at=second * 1_000_000_000))

    (found,) = pending.take(10, epoch_offset=EPOCH)

    assert found.count == 3
    assert (found.first_at.second, found.last_at.second) == (1, 5)


def test_the_same_file_in_another_container_or_grade_is_another_observation():
    pending = Pending()
    pending.add("c1", event())
    pending.add("c2", event())
    pending.add("c1", event(EventKind.MAPPED))

    assert len(pending.take(10, epoch_offset=0)) == 3


@pytest.mark.req("R20")
def test_a_file_that_was_changed_once_is_changed():
    pending = Pending()
    pending.add("c1", event())
    pending.add("c1", event(flags=EventFlags.UPPER))
    pending.add("c1", event())

    assert pending.take(1, epoch_offset=0)[0].changed


def test_the_oldest_are_taken_first_and_only_once():
    pending = Pending()
    for name in "abc":
        pending.add("c1", event(path=f"/{name}"))

    assert [found.path for found in pending.take(2, epoch_offset=0)] == ["/a", "/b"]
    assert [found.path for found in pending.take(2, epoch_offset=0)] == ["/c"]
    assert pending.take(2, epoch_offset=0) == ()


def test_what_finds_no_room_is_counted_and_what_is_known_still_counts_up():
    pending = Pending(limit=2)
    for path in ("/known", "/late", "/known", "/late"):
        pending.add("c1", event(path=path))

    assert pending.overflow == 2
    assert [found.count for found in pending.take(10, epoch_offset=0)] == [2]


def test_files_that_are_opened_without_end_do_not_hide_what_is_executed():
    pending = Pending(limit=4)
    for number in range(100):
        pending.add("c1", event(path=f"/{number}"))
    pending.add("c1", event(EventKind.EXECUTED, "/tmp/dropped"))

    assert [found.path for found in pending.take(10, epoch_offset=0)] == ["/0", "/1", "/tmp/dropped"]
    assert pending.overflow == 98


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=40), st.integers(1, 4))
def test_no_event_is_lost_uncounted(arrivals, limit):
    pending = Pending(limit)
    for container, path in arrivals:
        pending.add(container, event(path=f"/{path}"))

    taken = pending.take(len(arrivals) + 1, epoch_offset=0)

    assert sum(found.count for found in taken) + pending.overflow == len(arrivals)
    assert len(pending) == 0
