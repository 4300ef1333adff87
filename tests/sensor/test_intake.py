"""From the ring's records to pending observations."""

import os
from collections.abc import Sequence

import pytest

from deadlight.model.wire import Observation
from deadlight.sensor.containers import ContainerTable
from deadlight.sensor.decode import Event
from deadlight.sensor.errors import SensorError
from deadlight.sensor.intake import IO_URING, WALK_EVERY, Intake
from deadlight.sensor.intake import Node as Machine
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind, Verdict
from deadlight.sensor.observe import Known, Pending
from deadlight.sensor.processes import FileId, Process
from deadlight.threats.activity import ProcessFacts
from deadlight.threats.rule import parse_rule

ID = "ab" * 32
SETTLED = Known(sha256=lambda file: "", running=lambda program: None)
CONTAINER, HOST = CgroupKey(7, 0), CgroupKey(8, 0)


class Node:
    """Control groups that exist, and what the kernel half and the hasher were told."""

    def __init__(self) -> None:
        self.groups: dict[CgroupKey, str] = {}
        self.walks = 0
        self.verdicts: dict[CgroupKey, Verdict] = {}
        self.pending = Pending()
        self.repeated: list[tuple[CgroupKey, int, int]] = []
        self.hashed: list[FileId] = []
        machine = Machine(
            walk=self.walk,
            decide=self.decide,
            repeat=lambda *file: self.repeated.append(file),
            hash=lambda file, process: self.hashed.append(file),
        )
        self.intake = Intake(ContainerTable(), self.pending, machine)

    def walk(self):
        self.walks += 1
        return iter(self.groups.items())

    def decide(self, cgroup, verdict):
        self.verdicts[cgroup] = verdict

    def paths(self) -> list[str]:
        return [found.path for found in self.take()]

    def take(self) -> Sequence[Observation]:
        return self.pending.take(100, at=0, epoch_offset=0, known=SETTLED)

    def coverage(self):
        return {found.container_id: found for found in self.intake.coverage.tell(epoch_offset=0)}


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def announce(make_record):
    def write(cgroup=CONTAINER, path=f"/docker/{ID}"):
        return make_record(EventKind.CGROUP_MADE, path.encode() + b"\0", cgroup=cgroup)

    return write


def test_the_groups_that_exist_are_judged_when_the_sensor_starts(node):
    node.groups = {CONTAINER: f"/docker/{ID}", HOST: "/system.slice/cron.service"}
    node.intake.survey(0)

    assert node.verdicts == {CONTAINER: Verdict.WATCH, HOST: Verdict.IGNORE}


@pytest.mark.req("R30")
def test_the_first_program_of_a_new_container_is_attributed_without_looking_for_its_group(node, announce, file_record):
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    (found,) = node.take()

    assert (found.container_id, found.path) == (ID, "/bin/app")
    assert node.walks == 0
    assert node.verdicts == {CONTAINER: Verdict.WATCH}


def test_what_the_runtime_opens_before_the_first_program_is_counted_and_dropped(node, announce, file_record):
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.OPENED, "/var/lib/containerd/config.json"))
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))
    node.intake.take(file_record(EventKind.OPENED, "/etc/app.conf"))

    assert node.paths() == ["/bin/app", "/etc/app.conf"]
    assert node.intake.counters.before_start == 1


def test_the_runtime_s_copy_of_itself_in_memory_is_not_the_first_program(node, announce, make_record, file_record):
    runc = make_record(EventKind.EXECUTED, b"memfd:runc_cloned:/proc/self/exe\0", flags=EventFlags.MEMFD)
    node.intake.take(announce())
    node.intake.take(runc)
    node.intake.take(file_record(EventKind.OPENED, "/etc/passwd"))
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))
    node.intake.take(runc)

    assert node.paths() == ["/bin/app", "memfd:runc_cloned:/proc/self/exe"]
    assert node.intake.counters.before_start == 2


def test_a_container_that_runs_already_needs_no_first_program(node, file_record):
    node.groups = {CONTAINER: f"/docker/{ID}"}
    node.intake.survey(0)
    node.intake.take(file_record(EventKind.OPENED, "/etc/app.conf"))

    assert node.paths() == ["/etc/app.conf"]


def test_a_group_whose_announcement_was_lost_is_looked_for(node, file_record):
    node.groups = {CONTAINER: f"/docker/{ID}"}
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    assert node.paths() == ["/bin/app"]


def test_a_group_that_cannot_be_found_is_not_looked_for_at_every_event(node, file_record):
    for at in (0, 1, WALK_EVERY - 1):
        node.intake.take(file_record(EventKind.OPENED, "/x", at=at))
    assert node.walks == 1

    node.intake.take(file_record(EventKind.OPENED, "/x", at=WALK_EVERY))
    assert node.walks == 2
    assert node.intake.counters.unattributed == 4
    assert node.paths() == []


def test_events_of_the_host_are_counted_and_dropped(node, file_record):
    node.groups = {HOST: "/system.slice"}
    node.intake.survey(0)
    node.intake.take(file_record(EventKind.OPENED, "/etc/passwd", cgroup=HOST))

    assert node.paths() == []
    assert node.intake.counters.outside == 1


def test_a_container_that_uses_io_uring_is_remembered(node, announce, make_record, file_record):
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))
    node.take()
    node.intake.take(make_record(EventKind.IO_URING))

    assert node.coverage()[ID].unseen == (IO_URING,)
    assert node.paths() == []


def test_a_record_that_cannot_be_read_is_counted_and_the_next_one_is_taken(node, announce, file_record):
    node.intake.take(announce())
    node.intake.take(b"garbage")
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    assert node.intake.counters.undecodable == 1
    assert node.intake.counters.events == 2
    assert node.paths() == ["/bin/app"]


def test_a_verdict_that_the_kernel_cannot_store_is_counted(announce):
    def refuse(*_: object) -> None:
        raise SensorError("no memory")

    machine = Machine(walk=lambda: iter(()), decide=refuse, repeat=refuse, hash=lambda file, process: None)
    intake = Intake(ContainerTable(), Pending(), machine)
    intake.take(announce())

    assert intake.counters.undecided == 1


# --- who did it ------------------------------------------------------------------------------------------


@pytest.fixture
def running(node, announce, file_record):
    """A container whose first program runs as process 42."""
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.EXECUTED, "/usr/bin/python3", pid=42, file=(1, 2, 3, 0)))
    node.take()
    return node


@pytest.mark.req("R18", "R30")
@pytest.mark.parametrize("name", ["json.py", "json.pyc", "_json.so", "index.js", "app.jar", "gem.rb", "x.php", "x.dll"])
def test_an_interpreter_s_file_names_the_interpreter(running, file_record, name):
    running.intake.take(file_record(EventKind.OPENED, f"/srv/{name}", pid=42, user=33))

    (found,) = running.take()
    assert (found.path, found.program, found.user, found.tool) == (f"/srv/{name}", "/usr/bin/python3", 33, False)


def test_what_a_tool_opens_is_marked_so(running, file_record):
    running.intake.take(file_record(EventKind.OPENED, "/x", pid=42, flags=EventFlags.TOOL))

    assert running.take()[0].tool


def test_what_a_program_executes_is_hashed(running, file_record):
    running.intake.take(file_record(EventKind.EXECUTED, "/bin/sh", pid=43, file=(4, 5, 6, 0)))

    assert running.hashed == [FileId(1, 2, 3), FileId(4, 5, 6)]


def test_a_process_that_ended_is_forgotten(running, make_record):
    running.intake.take(make_record(EventKind.EXITED, pid=42))

    assert len(running.intake.processes) == 0


def test_what_the_sensor_itself_does_is_no_container_s(running, file_record):
    running.intake.take(file_record(EventKind.OPENED, "/proc/7/root/bin/app", pid=os.getpid()))

    assert running.paths() == []
    assert running.intake.counters.own == 1


def test_connections_are_no_observations(running, make_record):
    running.intake.take(make_record(EventKind.CONNECTED, bytes([10, 0, 0, 1]), pid=42, detail=(2 << 16 | 443, 6)))

    assert running.paths() == []


# --- what rules say --------------------------------------------------------------------------------------

SHADOW = """
id = "shadow"
title = "The shadow file was read"
description = "x"
severity = "High"
kinds = ["opened"]
condition = { all = [{ field = "file.path", is = "/etc/shadow" }, { field = "process.programs", is = "cat" }] }
"""


@pytest.mark.req("R20")
def test_what_a_rule_looks_for_becomes_a_detection(running, file_record):
    running.intake.detector.use([parse_rule(SHADOW)])
    running.intake.take(file_record(EventKind.EXECUTED, "/bin/cat", pid=43, parent_pid=42))
    running.intake.take(file_record(EventKind.OPENED, "/etc/shadow", pid=43, at=5_000_000_000))

    (found,) = running.intake.detector.take(0, epoch_offset=0)
    assert (found.rule, found.container_id, found.process.path, found.at.second) == ("shadow", ID, "/bin/cat", 5)
    assert [ancestor.path for ancestor in found.ancestors] == ["/usr/bin/python3"]


def test_a_file_that_rules_ask_about_is_reported_again_whoever_opened_it_first(running, file_record):
    running.intake.detector.use([parse_rule(SHADOW)])
    for _ in range(2):
        running.intake.take(file_record(EventKind.OPENED, "/etc/shadow", pid=42, file=(1, 9, 3, 0)))
    running.intake.take(file_record(EventKind.OPENED, "/etc/hosts", pid=42, file=(1, 10, 3, 0)))

    assert running.repeated == [(CONTAINER, 1, 9)]


def test_what_happens_before_the_first_program_matches_no_rule(node, announce, file_record):
    node.intake.detector.use([parse_rule(SHADOW)])
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.OPENED, "/etc/shadow"))

    assert node.intake.detector.take(0, epoch_offset=0) == ()


# --- how completely --------------------------------------------------------------------------------------


def test_a_container_that_was_announced_is_watched_from_its_first_program(running):
    assert running.coverage()[ID].from_start


def test_a_container_that_was_found_is_not_watched_from_its_start(node):
    node.groups = {CONTAINER: f"/docker/{ID}"}
    node.intake.survey(7_000_000_000)

    assert (node.coverage()[ID].from_start, node.coverage()[ID].since.second) == (False, 7)


def test_a_walk_while_a_container_starts_does_not_take_its_start_away(node, announce, file_record):
    node.groups = {CONTAINER: f"/docker/{ID}"}
    node.intake.take(announce())
    node.intake.survey(0)
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    assert node.coverage()[ID].from_start


def test_what_a_survey_found_is_known_and_hashed(node):
    process = Process(ID, ProcessFacts("app", "/bin/app", pid=7), parent_pid=1, started_at=0, file=FileId(1, 2, 3))
    node.intake.found(Event(EventKind.EXECUTED, 0, CONTAINER, 7, "app", "/bin/app"), process)
    node.intake.found(Event(EventKind.OPENED, 0, CONTAINER, 7, "app", "/x"), process)

    assert node.paths() == ["/bin/app", "/x"]
    assert 7 in node.intake.processes
    assert node.hashed == [FileId(1, 2, 3)]
