"""Many events, one observation each file, container and grade."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.decode import GRADES, Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.observe import HASH_PATIENCE, MANY, MAX_VARIANTS, Known, Pending
from deadlight.sensor.processes import FileId, Process
from deadlight.threats.activity import ProcessFacts

EPOCH = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


SETTLED = Known(sha256=lambda file: "", running=lambda program: None)


def event(kind=EventKind.OPENED, path="/etc/passwd", at=0, flags=0, **others) -> Event:
    return Event(kind, at, CgroupKey(1, 0), 1, "app", path, flags=flags, **others)


def process(container_id="c1", path="/bin/app", pid=1, arguments=(), file=(0, 0, 0)) -> Process:
    facts = ProcessFacts("app", path, arguments, pid, 1000)
    return Process(container_id, facts, parent_pid=3, started_at=0, file=FileId(*file))


def add(pending: Pending, found: Event, by: Process | str = "c1") -> None:
    grade = GRADES[found.kind]
    assert grade
    pending.add(found, grade, by if isinstance(by, Process) else process(by))


def execute(pending: Pending, at=0, **others) -> None:
    by = process(**others)
    add(pending, event(EventKind.EXECUTED, by.facts.path, at), by)


def take(pending: Pending, most=100, *, at=0, known=SETTLED, epoch_offset=0) -> tuple[Observation, ...]:
    return pending.take(most, at=at, epoch_offset=epoch_offset, known=known)


@pytest.mark.req("R17", "R18", "R30")
def test_an_execution_becomes_an_observation_with_its_process_and_arguments():
    pending = Pending()
    execute(pending, 2_000_000_000, path="/bin/sh", pid=42, arguments=("sh", "-c", "true"))

    (found,) = take(pending, epoch_offset=EPOCH)

    assert (found.container_id, found.grade, found.path) == ("c1", Grade.EXECUTED, "/bin/sh")
    assert (found.pid, found.process, found.arguments) == (42, "app", ("sh", "-c", "true"))
    assert found.first_at == found.last_at == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert (found.count, found.changed) == (1, False)
    assert (found.program, found.parent_pid, found.user) == ("/bin/sh", 3, 1000)


@pytest.mark.req("R18", "R30")
def test_an_opened_file_names_the_program_that_opened_it():
    pending = Pending()
    add(pending, event(path="/usr/lib/python3/json.py"), process(path="/usr/bin/python3", arguments=("python3", "x")))

    (found,) = take(pending)

    assert (found.grade, found.path) == (Grade.OPENED, "/usr/lib/python3/json.py")
    assert (found.program, found.arguments) == ("/usr/bin/python3", ("python3", "x"))


def test_repeated_events_are_counted_with_the_first_and_the_last_time():
    pending = Pending()
    for second in (1, 5, 3):
        add(pending, event(at=second * 1_000_000_000))

    (found,) = take(pending, 10, epoch_offset=EPOCH)

    assert found.count == 3
    assert (found.first_at.second, found.last_at.second) == (1, 5)


def test_the_same_file_in_another_container_or_grade_is_another_observation():
    pending = Pending()
    add(pending, event())
    add(pending, event(), "c2")
    add(pending, event(EventKind.MAPPED))

    assert len(take(pending, 10)) == 3


@pytest.mark.req("R20")
def test_a_file_that_was_changed_once_is_changed():
    pending = Pending()
    add(pending, event())
    add(pending, event(flags=EventFlags.UPPER))
    add(pending, event())

    assert take(pending, 1)[0].changed


def test_the_oldest_are_taken_first_and_only_once():
    pending = Pending()
    for name in "abc":
        add(pending, event(path=f"/{name}"))

    assert [found.path for found in take(pending, 2)] == ["/a", "/b"]
    assert [found.path for found in take(pending, 2)] == ["/c"]
    assert take(pending, 2) == ()


def test_what_finds_no_room_is_counted_and_what_is_known_still_counts_up():
    pending = Pending(limit=2)
    for path in ("/known", "/late", "/known", "/late"):
        add(pending, event(path=path))

    assert pending.overflow == 2
    assert [found.count for found in take(pending, 10)] == [2]


def test_files_that_are_opened_without_end_do_not_hide_what_is_executed():
    pending = Pending(limit=4)
    for number in range(100):
        add(pending, event(path=f"/{number}"))
    execute(pending, path="/tmp/dropped")

    assert [found.path for found in take(pending, 10)] == ["/0", "/1", "/tmp/dropped"]
    assert pending.overflow == 98


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=40), st.integers(1, 4))
def test_no_event_is_lost_uncounted(arrivals, limit):
    pending = Pending(limit)
    for container, path in arrivals:
        add(pending, event(path=f"/{path}"), container)

    taken = take(pending, len(arrivals) + 1)

    assert sum(found.count for found in taken) + pending.overflow == len(arrivals)
    assert len(pending) == 0


# --- what only tools saw ---------------------------------------------------------------------------------


@pytest.mark.req("R18")
def test_what_only_a_tool_opened_is_marked_so_until_somebody_else_does():
    pending = Pending()
    add(pending, event(flags=EventFlags.TOOL), process(path="/usr/bin/dpkg"))
    add(pending, event(path="/b", flags=EventFlags.TOOL), process(path="/usr/bin/dpkg"))
    add(pending, event(path="/b"), process(path="/usr/bin/python3"))

    tool, real = take(pending)

    assert (tool.tool, tool.program) == (True, "/usr/bin/dpkg")
    assert (real.tool, real.program, real.count) == (False, "/usr/bin/python3", 2)


# --- executions ------------------------------------------------------------------------------------------


def test_other_arguments_or_another_content_are_another_observation():
    pending = Pending()
    execute(pending, arguments=("app", "a"))
    execute(pending, arguments=("app", "b"))
    execute(pending, arguments=("app", "b"), file=(1, 2, 3))

    assert [found.count for found in take(pending)] == [1, 1, 1]


def test_a_program_with_ever_other_arguments_is_one_observation_in_the_end():
    pending = Pending()
    for number in range(3 * MAX_VARIANTS):
        execute(pending, arguments=("app", str(number)))

    found = take(pending, 1000)

    assert len(found) == MAX_VARIANTS + 1
    assert (found[-1].arguments, found[-1].count) == (("app", *MANY), 2 * MAX_VARIANTS)


def test_an_execution_waits_for_the_hash_of_its_file_and_holds_up_nothing_else():
    pending = Pending()
    hashes: dict[FileId, str | None] = {FileId(1, 2, 3): None}
    known = Known(sha256=hashes.__getitem__, running=lambda program: True)
    execute(pending, file=(1, 2, 3))
    add(pending, event())

    assert [found.grade for found in take(pending, known=known)] == [Grade.OPENED]
    hashes[FileId(1, 2, 3)] = "ab"
    (found,) = take(pending, known=known)
    assert (found.sha256, found.running) == ("ab", True)


def test_an_execution_does_not_wait_for_ever():
    pending = Pending()
    execute(pending)

    (found,) = take(pending, at=HASH_PATIENCE, known=Known(lambda file: None, lambda program: False))
    assert (found.sha256, found.running) == ("", False)


def test_that_a_program_has_stopped_is_told_without_counting():
    pending = Pending()
    pending.stopped(process(arguments=("app",)), 5_000_000_000)

    (found,) = take(pending, known=Known(lambda file: "ab", lambda program: False))
    assert (found.grade, found.path, found.arguments) == (Grade.EXECUTED, "/bin/app", ("app",))
    assert (found.count, found.running, found.last_at.second) == (0, False, 5)
