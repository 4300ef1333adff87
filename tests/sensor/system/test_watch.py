"""The running sensor, from the kernel to its sink."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from deadlight.model.detection import BlockingMode, Response
from deadlight.model.observation import Grade
from deadlight.model.wire import (
    BlockingPolicy,
    ContainerCoverage,
    CustomRule,
    DeniedProgram,
    Detection,
    Heartbeat,
    Observation,
    ObservationBatch,
    SensorPolicy,
    decode,
)
from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.courier import OBSERVATIONS
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.decode import Event
from deadlight.sensor.health import Health
from deadlight.sensor.heart import HEARTBEAT
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace
from deadlight.sensor.observe import Pending
from deadlight.sensor.processes import Process
from deadlight.sensor.programs import Plan, Tier
from deadlight.sensor.report import Reporter
from deadlight.sensor.sink import Sink
from deadlight.sensor.transport import Service
from deadlight.sensor.watch import Surroundings, Watch

pytestmark = pytest.mark.needs_bpf

PLAN = Plan(Tier.CALLS, ("on_exec", "on_exit", "on_cgroup_mkdir"), ())
NO_POLICY = SensorPolicy(version="")


class Collector:
    """A sink that keeps what it gets, and lets a test decide when it takes something."""

    patience = 0.0

    def __init__(self, *, ready: bool = True, policy: SensorPolicy = NO_POLICY) -> None:
        self.policy = policy
        self.detections: list[Detection] = []
        self.coverage: dict[str, ContainerCoverage] = {}
        self.notes = 0
        self.resends: list[str] = []
        self._told = threading.Condition()
        self.ready = ready
        self.observations: list[Observation] = []

    def note(self, health: Health, coverage: Sequence[ContainerCoverage] = ()) -> None:
        with self._told:
            self.coverage = {found.container_id: found for found in coverage}
            self.notes += 1
            self._told.notify_all()

    def detect(self, detections: Sequence[Detection]) -> None:
        self.detections += detections

    def take_resends(self) -> Sequence[str]:
        resends, self.resends = self.resends, []
        return resends

    def is_ready(self) -> bool:
        with self._told:
            self._told.notify_all()
        return self.ready

    def send(self, observations: Sequence[Observation]) -> None:
        with self._told:
            self.observations += observations
            self._told.notify_all()

    def wait_until_ready(self, timeout: float) -> bool:
        return self.ready

    def close(self) -> None:
        pass

    def wait_for_notes(self, count: int) -> None:
        before = self.notes
        self.wait_for(lambda: self.notes >= before + count)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Look again each time that the sensor tells something or asks whether it may."""
        with self._told:
            assert self._told.wait_for(condition, 30)


class RoomForOne(Pending):
    """Room for the events of one container; others run on this machine at the same time."""

    def __init__(self, container_id: str, limit: int) -> None:
        super().__init__(limit)
        self._container_id = container_id

    def add(self, event: Event, grade: Grade, process: Process) -> bool:
        return process.container_id != self._container_id or super().add(event, grade, process)


@pytest.fixture
def make_watch(library, built_object) -> Iterator[Callable[[Pending], Watch]]:
    surroundings = Surroundings(find_host_mount_namespace(), read_hierarchies(), ())
    config = Config(surroundings.host_mount_namespace, 0)
    with Kernel(library, built_object, config, PLAN) as kernel:
        yield lambda pending: Watch(kernel, PLAN, surroundings, pending)


@contextmanager
def running(watch: Watch, sink: Sink) -> Iterator[None]:
    """Runs until the block ends, and then to the end of its farewell."""
    stop = threading.Event()
    thread = threading.Thread(target=watch.run, args=(sink, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def executed(sink: Collector, container_id: str) -> list[str]:
    """Each time that a program was told to have been executed; that one has stopped counts nothing."""
    return [found.path for found in sink.observations if found.container_id == container_id and found.count]


def test_what_happened_until_the_last_moment_is_handed_over(make_watch, containers):
    sink = Collector()
    with running(make_watch(Pending()), sink):
        container_id = containers.run("/bin/true")

    assert executed(sink, container_id) == ["/usr/bin/true"]


def test_what_found_no_room_is_asked_for_again_when_there_is_room(make_watch, containers):
    container_id = secrets.token_hex(32)
    pending, sink = RoomForOne(container_id, limit=2), Collector(ready=False)
    watch = make_watch(pending)
    with running(watch, sink):
        script = "/bin/true; /bin/false; read go; /bin/false"
        _, process = containers.start("/bin/sh", "-c", script, name=container_id)
        sink.wait_for(lambda: pending.overflow)
        sink.ready = True
        # No hook of this plan tells of mapped files: they come from the survey, after the kernel half has forgotten.
        sink.wait_for(
            lambda: Grade.MAPPED in {one.grade for one in sink.observations if one.container_id == container_id}
        )
        assert "/usr/bin/false" not in executed(sink, container_id)
        sink.wait_for(lambda: not pending)  # what the survey found has been handed over: there is room
        process.communicate(b"\n", timeout=30)

    assert "/usr/bin/false" in executed(sink, container_id)
    assert watch.health().counters["overflow"] > 0
    assert any("found no room" in problem for problem in watch.health().problems)


def test_a_container_is_covered_from_its_start_but_for_what_no_hook_sees(make_watch, containers):
    container_id, sink = secrets.token_hex(32), Collector()
    old_id, old = containers.start("/bin/sh", "-c", "read go")
    with running(make_watch(Pending()), sink):
        sink.wait_for(lambda: old_id in sink.coverage)
        _, process = containers.start("/bin/sh", "-c", "read go", name=container_id)
        sink.wait_for(lambda: container_id in sink.coverage)
        process.communicate(b"\n", timeout=30)
        old.communicate(b"\n", timeout=30)

    found = sink.coverage[container_id]
    assert (found.from_start, sink.coverage[old_id].from_start) == (True, False)
    assert {"opens", "mappings"} <= set(found.unseen)
    assert "executions" not in found.unseen


def test_what_the_service_asks_for_again_is_told_again(make_watch, containers):
    container_id, sink = secrets.token_hex(32), Collector()
    with running(make_watch(Pending()), sink):
        script = "/bin/true; read go; /bin/true; read go"
        _, process = containers.start("/bin/sh", "-c", script, name=container_id)
        sink.wait_for(lambda: executed(sink, container_id).count("/usr/bin/true") == 1)
        sink.resends = [container_id]
        sink.wait_for(lambda: not sink.resends)
        before = sink.coverage
        sink.wait_for(lambda: sink.coverage is not before)  # the watch has come round, and done what was asked for
        assert executed(sink, container_id).count("/usr/bin/dash") >= 2
        process.stdin.write(b"\n")
        process.stdin.flush()
        sink.wait_for(lambda: executed(sink, container_id).count("/usr/bin/true") == 2)
        process.communicate(b"\n", timeout=30)


MINE = """
id = "my-true"
title = "Somebody executed true"
description = "x"
severity = "Low"
kinds = ["executed"]
condition = { field = "process.programs", is = "true" }
"""


@pytest.mark.req("R20")
def test_rules_and_blocking_follow_the_policy(make_watch, containers):
    container_id = secrets.token_hex(32)
    blocking = BlockingPolicy(mode=BlockingMode.AUDIT, drift=True, container_ids=(container_id,))
    policy = SensorPolicy(
        version="2",
        rules=(CustomRule(id="my-true", source=MINE),),
        disabled_rules=("drift-execution",),
        blocking=blocking,
    )
    sink = Collector()
    with running(make_watch(Pending()), sink):
        script = "read go; cp /bin/true /tmp/true; /tmp/true"
        _, process = containers.start("/bin/sh", "-c", script, name=container_id)
        sink.wait_for(lambda: container_id in sink.coverage)
        sink.policy = policy
        sink.wait_for_notes(2)  # the next may have been put together before
        process.communicate(b"\n", timeout=30)

    (found,) = [one for one in sink.detections if one.container_id == container_id]
    assert (found.rule, found.process.path) == ("my-true", "/tmp/true")
    assert found.response is Response.WOULD_BLOCK


@pytest.mark.req("R8")
def test_a_program_that_the_service_found_to_differ_is_stopped_the_next_time(make_watch, containers):
    container_id = secrets.token_hex(32)
    sink = Collector()
    with running(make_watch(Pending()), sink):
        script = "cp /bin/true /opt/app; /opt/app; read go; /opt/app; echo $?"
        _, process = containers.start("/bin/sh", "-c", script, name=container_id)
        sink.wait_for(lambda: "/opt/app" in executed(sink, container_id))
        (app,) = [one for one in sink.observations if (one.container_id, one.path) == (container_id, "/opt/app")]
        denied = DeniedProgram(container_id=container_id, path="/opt/app", sha256=app.sha256)
        blocking = BlockingPolicy(
            mode=BlockingMode.ENFORCE, mismatch=True, container_ids=(container_id,), denied=(denied,)
        )
        sink.policy = SensorPolicy(version="2", blocking=blocking)
        sink.wait_for_notes(2)  # the next may have been put together before
        out, _ = process.communicate(b"\n", timeout=30)

    assert out == b"137\n"
    assert Response.KILLED in {one.response for one in sink.detections if one.container_id == container_id}


@pytest.mark.req("R31", "R33")
def test_what_a_container_executes_reaches_the_service(make_watch, containers, service, token_command):
    watch = make_watch(Pending())
    tokens = Tokens(token_command)
    reporter = Reporter(lambda: Service(service.url, tokens), node="node-1")
    reporter.start()
    with running(watch, reporter):
        container_id = containers.run("/bin/true")
        beat = decode(service.wait_for(HEARTBEAT, 1)[0].body, Heartbeat)
    reporter.close()

    batches = [decode(request.body, ObservationBatch) for request in service.requests if request.path == OBSERVATIONS]
    found = {(one.container_id, one.path) for batch in batches for one in batch.observations}
    assert (container_id, "/usr/bin/true") in found
    assert beat.counters["kernel_lost"] == 0
