"""From events to detections."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.model.detection import BLOCKED_EXECUTION, MORE_DETECTIONS, Response
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import Detection, DetectionBatch, decode, encode
from deadlight.sensor.activities import KINDS, MAX_PER_MINUTE, MAX_REMEMBERED, Detector, activity_of
from deadlight.sensor.decode import Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.processes import NO_FILE, Process
from deadlight.threats.activity import ActivityKind, ProcessFacts
from deadlight.threats.rule import parse_rule

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DRIFT = parse_rule("""
id = "drift"
title = "Not in the image"
description = "x"
severity = "High"
techniques = ["T1059"]
kinds = ["executed"]
again_after = 600
again_for = ["file.path"]
condition = { field = "file.upper", is = true }
""")


def event(kind=EventKind.EXECUTED, path="/tmp/x", at=0, flags=int(EventFlags.UPPER), **others) -> Event:
    return Event(kind, at, CgroupKey(1, 0), 7, "x", path, flags=flags, **others)


def process(container_id="web", path="/tmp/x", **others) -> Process:
    facts = ProcessFacts("x", path, ("x", "--password=***"), 7, 33)
    return Process(container_id, facts, parent_pid=1, started_at=0, file=NO_FILE, **others)


@pytest.fixture
def detector() -> Detector:
    return Detector([DRIFT])


def execute(detector: Detector, path: str = "/tmp/x", container_id: str = "web", **others: Any) -> None:
    detector.look(event(path=path, **others), process(container_id, path))


def take(detector: Detector, at: int = 0, **others: Any) -> tuple[Detection, ...]:
    return detector.take(at, epoch_offset=0, **others)


# --- activities ------------------------------------------------------------------------------------------


def test_an_event_says_what_a_process_did_to_which_file():
    flags = EventFlags.UPPER | EventFlags.UNLINKED
    by = process(first=True, ancestors=(ProcessFacts("sh", "/bin/sh"),))
    found = activity_of(event(path="/tmp/x", at=5, flags=int(flags)), ActivityKind.EXECUTED, by)

    assert (found.kind, found.at, found.container_id, found.file_path) == (ActivityKind.EXECUTED, 5, "web", "/tmp/x")
    assert (found.changed, found.upper, found.unlinked, found.memfd, found.tmpfs) == (True, True, True, False, False)
    assert (found.process, found.ancestors, found.first_program) == (by.facts, by.ancestors, True)


@pytest.mark.parametrize("kind", [EventKind.CONNECTED, EventKind.LISTENING])
def test_a_connection_has_an_address_and_a_port_and_no_file(kind):
    found = activity_of(event(kind, "10.0.0.1", detail=(2 << 16 | 443, 6)), ActivityKind.CONNECTED, process())

    assert (found.address, found.port, found.file_path) == ("10.0.0.1", 443, "")


def test_a_mount_has_a_source_and_a_type():
    found = activity_of(
        event(EventKind.MOUNTED, "/mnt", arguments=("/dev/sda", "ext4")), ActivityKind.MOUNTED, process()
    )

    assert (found.file_path, found.arguments) == ("/mnt", ("/dev/sda", "ext4"))


def test_every_kind_of_event_is_an_activity_or_none_on_purpose():
    nothing = {kind for kind in EventKind if KINDS[kind] is None}

    assert nothing == {EventKind.CGROUP_MADE, EventKind.IO_URING, EventKind.EXITED}
    assert {kind for kind in KINDS if kind} == set(ActivityKind)


# --- detections ------------------------------------------------------------------------------------------


@pytest.mark.req("R20", "R30")
def test_a_match_is_a_detection_with_who_did_it_and_what_the_rule_looked_at(detector):
    epoch = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
    detector.look(event(at=3 * SECOND), process(ancestors=(ProcessFacts("sh", "/bin/sh", ("sh",), 3, 0),)))
    (found,) = detector.take(0, epoch_offset=epoch)

    assert (found.rule, found.title, found.severity, found.mitre) == (
        "drift",
        "Not in the image",
        Severity.HIGH,
        ("T1059",),
    )
    assert (found.at, found.count) == (datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC), 1)
    assert (found.process.path, found.process.arguments, found.process.user) == ("/tmp/x", ("x", "--password=***"), 33)
    assert [one.path for one in found.ancestors] == ["/bin/sh"]
    assert found.facts == {"file.upper": "true"}
    assert found.response is Response.REPORTED
    assert take(detector) == ()


def test_what_matches_nothing_is_nothing(detector):
    detector.look(event(flags=0), process())

    assert take(detector) == ()


def test_the_same_again_is_counted_and_told_when_its_time_has_come(detector):
    for second in range(5):
        execute(detector, at=second * SECOND)
    assert [found.count for found in take(detector, 4 * SECOND)] == [1]
    assert take(detector, 599 * SECOND) == ()

    (again,) = take(detector, 600 * SECOND)
    assert (again.count, again.at.second) == (4, 1)
    assert take(detector, 1200 * SECOND) == ()
    execute(detector, at=1201 * SECOND)
    assert [found.count for found in take(detector, 1201 * SECOND)] == [1]


def test_another_file_or_container_is_not_the_same(detector):
    execute(detector, "/tmp/x")
    execute(detector, "/tmp/y")
    execute(detector, "/tmp/x", "db")

    assert len({found.id for found in take(detector)}) == 3


def test_the_same_event_has_the_same_name_in_another_life():
    names = set()
    for _ in range(2):
        detector = Detector([DRIFT])
        execute(detector, at=5)
        names |= {found.id for found in take(detector)}

    assert len(names) == 1


def test_when_the_sensor_ends_what_was_only_counted_is_told(detector):
    execute(detector)
    execute(detector)
    take(detector)

    assert [found.count for found in take(detector, final=True)] == [1]


@pytest.mark.parametrize(
    ("flag", "response"),
    [
        (EventFlags.KILLED, Response.KILLED),
        (EventFlags.DENIED, Response.DENIED),
        (EventFlags.WOULD_BLOCK, Response.WOULD_BLOCK),
    ],
)
def test_what_was_done_about_it_is_told_also_where_no_rule_speaks_of_it(detector, flag, response):
    execute(detector, flags=int(EventFlags.UPPER | flag))
    execute(detector, "/bin/changed", flags=int(flag))

    drift, other = take(detector)
    assert (drift.rule, drift.response) == ("drift", response)
    assert (other.rule, other.response, other.facts) == (BLOCKED_EXECUTION, response, {"file.path": "/bin/changed"})


def test_being_stopped_is_news_where_it_was_only_reported_before(detector):
    execute(detector)
    execute(detector, flags=int(EventFlags.UPPER | EventFlags.KILLED))

    assert [found.response for found in take(detector)] == [Response.REPORTED, Response.KILLED]


def test_too_many_of_one_container_are_told_as_a_number_and_leave_room_for_others(detector):
    for number in range(3 * MAX_PER_MINUTE):
        execute(detector, f"/tmp/{number}")
    execute(detector, "/tmp/x", "db")

    found = take(detector)
    assert [one.container_id for one in found].count("web") == MAX_PER_MINUTE
    assert [one.container_id for one in found].count("db") == 1
    (more,) = take(detector, MINUTE)
    assert (more.rule, more.count, more.container_id) == (MORE_DETECTIONS, 2 * MAX_PER_MINUTE, "web")
    assert detector.untold == 2 * MAX_PER_MINUTE


def test_what_is_told_too_often_does_not_hide_what_is_told_for_the_first_time():
    detector = Detector([DRIFT, replace(DRIFT, id="other", kinds=frozenset({ActivityKind.WRITTEN}))])
    for number in range(3 * MAX_PER_MINUTE):
        execute(detector, f"/tmp/{number}")
    for number in range(3):
        detector.look(event(EventKind.WRITTEN, f"/tmp/{number}"), process())

    found = take(detector)
    assert [one.rule for one in found] == [*["drift"] * MAX_PER_MINUTE, "other"]
    assert detector.untold == 2 * MAX_PER_MINUTE + 2


def test_ever_new_matches_take_bounded_memory(detector):
    for number in range(MAX_REMEMBERED + 100):
        execute(detector, f"/tmp/{number}", f"c{number % 2000}")

    assert len(detector._again) <= MAX_REMEMBERED
    assert len(take(detector, final=True)) == MAX_REMEMBERED + 100


def test_other_rules_are_in_force_at_once(detector):
    detector.use([])
    execute(detector)

    assert take(detector) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2000), st.booleans()), max_size=60))
def test_every_match_is_told_or_counted(steps):
    detector, told, at = Detector([DRIFT]), 0, 0
    for path, seconds, hand_over in steps:
        at += seconds * SECOND
        execute(detector, path, at=at)
        if hand_over:
            told += sum(found.count for found in take(detector, at))
    told += sum(found.count for found in take(detector, at, final=True))

    assert told == detector.matched == len(steps)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_a_container_calls_things_the_wire_takes(path, name):
    detector = Detector([DRIFT])
    facts = ProcessFacts(name, path, (name, path), 7, 0)
    detector.look(event(path=path), Process("web", facts, 1, 0, NO_FILE))
    batch = DetectionBatch(batch_id="b", node="n", detections=take(detector))

    assert decode(encode(batch), DetectionBatch) == batch
