"""From the ring's records to pending observations."""

import pytest

from deadlight.sensor.containers import ContainerTable
from deadlight.sensor.errors import SensorError
from deadlight.sensor.intake import WALK_EVERY, Intake
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind, Verdict
from deadlight.sensor.observe import Pending

ID = "ab" * 32
CONTAINER, HOST = CgroupKey(7, 0), CgroupKey(8, 0)


class Node:
    """Control groups that exist, and the verdicts that the kernel half was told."""

    def __init__(self) -> None:
        self.groups: dict[CgroupKey, str] = {}
        self.walks = 0
        self.verdicts: dict[CgroupKey, Verdict] = {}
        self.pending = Pending()
        self.intake = Intake(ContainerTable(), self.pending, walk=self.walk, decide=self.decide)

    def walk(self):
        self.walks += 1
        return iter(self.groups.items())

    def decide(self, cgroup, verdict):
        self.verdicts[cgroup] = verdict

    def paths(self) -> list[str]:
        return [found.path for found in self.pending.take(100, epoch_offset=0)]


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
    node.intake.survey()

    assert node.verdicts == {CONTAINER: Verdict.WATCH, HOST: Verdict.IGNORE}


@pytest.mark.req("R30")
def test_the_first_program_of_a_new_container_is_attributed_without_looking_for_its_group(node, announce, file_record):
    node.intake.take(announce())
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    (found,) = node.pending.take(10, epoch_offset=0)

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
    node.intake.survey()
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
    node.intake.survey()
    node.intake.take(file_record(EventKind.OPENED, "/etc/passwd", cgroup=HOST))

    assert node.paths() == []
    assert node.intake.counters.outside == 1


def test_a_container_that_uses_io_uring_is_remembered(node, announce, make_record):
    node.intake.take(announce())
    node.intake.take(make_record(EventKind.IO_URING))

    assert list(node.intake.unobservable) == [ID]
    assert node.paths() == []


def test_a_record_that_cannot_be_read_is_counted_and_the_next_one_is_taken(node, announce, file_record):
    node.intake.take(announce())
    node.intake.take(b"garbage")
    node.intake.take(file_record(EventKind.EXECUTED, "/bin/app"))

    assert node.intake.counters.undecodable == 1
    assert node.intake.counters.events == 2
    assert node.paths() == ["/bin/app"]


def test_a_verdict_that_the_kernel_cannot_store_is_counted(announce):
    def refuse(cgroup, verdict):
        raise SensorError("no memory")

    intake = Intake(ContainerTable(), Pending(), walk=lambda: iter(()), decide=refuse)
    intake.take(announce())

    assert intake.counters.undecided == 1
