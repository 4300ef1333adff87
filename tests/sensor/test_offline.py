"""Hours without the service: nothing is lost, memory stays as it was, and both sides agree afterwards."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime

import pytest

from deadlight.client.backoff import Backoff
from deadlight.model.observation import Grade
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import ContainerCoverage, DetectedProcess, Detection, Observation, encode
from deadlight.sensor.courier import DETECTIONS, OBSERVATIONS
from deadlight.sensor.health import Health
from deadlight.sensor.report import Reporter
from deadlight.sensor.transport import Service

AT = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = Backoff(base=0.001, cap=0.01)
HEALTH = Health({}, ())
CONTAINERS = [f"{number:064x}" for number in range(5)]


def observation(number: int) -> Observation:
    return Observation(
        container_id=CONTAINERS[number % len(CONTAINERS)],
        grade=tuple(Grade)[number % 3],
        path=f"/usr/lib/python3/site-packages/package{number % 97}/module{number}.py",
        first_at=AT,
        last_at=AT,
        process="python3",
    )


def detection(name: str) -> Detection:
    return Detection(
        id=name,
        rule="shell",
        title="A shell",
        severity=Severity.HIGH,
        at=AT,
        container_id=CONTAINERS[0],
        process=DetectedProcess(name="sh"),
    )


def load(reporter: Reporter, rounds: range) -> None:
    """In each round 500 new files, 100 that were seen before, and a detection."""
    for number in rounds:
        reporter.send([observation(500 * number + step) for step in range(500)])
        reporter.send([observation(step) for step in range(100)])
        reporter.detect([detection(f"d{number}")])


@pytest.mark.req("R31")
def test_what_happens_while_the_service_is_away_arrives_and_both_sides_agree(learning_service, tokens, tmp_path):
    learning_service.is_away = True
    reporter = Reporter(
        lambda: Service(learning_service.url, tokens), node="n", state=tmp_path, every=0.05, backoff=QUICK
    )
    reporter.start()
    load(reporter, range(12))
    assert reporter.counters["journal_waiting"] == 6_000
    assert reporter.counters["spool_detections"] == 12
    learning_service.is_away = False

    assert reporter.wait_until_delivered(60)
    coverage = [ContainerCoverage(container_id=name, since=AT, from_start=True) for name in CONTAINERS]
    count = len(learning_service.beats)
    reporter.note(HEALTH, coverage)
    learning_service.wait_until(lambda: len(learning_service.beats) > count + 1)
    assert {one.container_id: one.digest for one in learning_service.beats[-1].coverage} == {
        name: learning_service.digest(name) for name in CONTAINERS
    }
    assert sum(len(held) for held in learning_service.observations.values()) == 6_000
    assert set(learning_service.detections) == {f"d{number}" for number in range(12)}
    assert reporter.counters["report_sent"] == 6_000  # nothing twice
    assert reporter.counters["journal_lost"] == 0
    reporter.close()


def test_memory_does_not_grow_with_what_waits(tokens, tmp_path):
    reporter = Reporter(lambda: Service("http://127.0.0.1:1", tokens), node="n", state=tmp_path)
    reporter.start()
    load(reporter, range(2))  # there is a full batch under way
    tracemalloc.start()
    load(reporter, range(2, 8))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reporter.close()

    assert reporter.counters["journal_waiting"] == 4_000
    assert peak < 2 << 20


REPORT = """
import sys, threading
from pathlib import Path
import msgspec
from deadlight.model.wire import Detection, Observation
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.report import Reporter
from deadlight.sensor.transport import Service

url, state, command, observations, detections = sys.argv[1:]
tokens = Tokens(msgspec.json.decode(command))
reporter = Reporter(lambda: Service(url, tokens), node="n", state=Path(state))
reporter.start()
reporter.send(msgspec.json.decode(observations, type=list[Observation]))
reporter.detect(msgspec.json.decode(detections, type=list[Detection]))
print("kept", flush=True)
threading.Event().wait()
"""


def test_a_sensor_that_is_killed_before_the_service_acknowledged_loses_nothing(
    learning_service, tokens, token_command, tmp_path
):
    observations = b"[" + b",".join(encode(observation(number)) for number in range(50)) + b"]"
    detections = b"[" + encode(detection("d1")) + b"]"
    arguments = [learning_service.url, tmp_path, json.dumps(token_command), observations, detections]
    with (
        learning_service.hanging(OBSERVATIONS),
        learning_service.hanging(DETECTIONS),
        subprocess.Popen([sys.executable, "-P", "-c", REPORT, *arguments], stdout=subprocess.PIPE) as sensor,
    ):
        assert sensor.stdout
        assert sensor.stdout.readline() == b"kept\n"
        learning_service.wait_for(OBSERVATIONS, 1)
        learning_service.wait_for(DETECTIONS, 1)
        os.kill(sensor.pid, signal.SIGKILL)
    learning_service.observations.clear()  # it went down too, before it committed
    learning_service.detections.clear()
    reporter = Reporter(lambda: Service(learning_service.url, tokens), node="n", state=tmp_path, backoff=QUICK)
    reporter.start()

    assert reporter.wait_until_delivered(30)
    learning_service.wait_until(lambda: "d1" in learning_service.detections)
    assert sum(len(held) for held in learning_service.observations.values()) == 50
    reporter.close()
