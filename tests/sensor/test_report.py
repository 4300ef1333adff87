"""Observations, detections and heartbeats reach the service, whatever happens on the way."""

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from deadlight.client.backoff import Backoff
from deadlight.model.observation import Grade
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import (
    ContainerCoverage,
    DetectedProcess,
    Detection,
    DetectionBatch,
    Heartbeat,
    Observation,
    ObservationBatch,
    SensorPolicy,
    decode,
    observation_digest,
)
from deadlight.sensor.courier import DETECTIONS, OBSERVATIONS
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.health import Health
from deadlight.sensor.heart import HEARTBEAT, POLICY
from deadlight.sensor.policy import MAX_POLICY_BYTES
from deadlight.sensor.report import Reporter, ReporterDiedError
from deadlight.sensor.transport import Service

AT = datetime(2026, 1, 1, tzinfo=UTC)
HEALTH = Health({"kernel_lost": 3, "overflow": 1}, ("3 events were lost",))
QUICK = Backoff(base=0.001, cap=0.001)


def observation(path: str) -> Observation:
    return Observation(container_id="c1", grade=Grade.EXECUTED, path=path, first_at=AT, last_at=AT)


@pytest.fixture
def start_reporter(service, token_command, tmp_path) -> Iterator[Callable[..., Reporter]]:
    """Starts a reporter; it has ended after the test."""
    started: list[Reporter] = []

    def start(
        *,
        command: Sequence[str] = token_command,
        every: float = 3600,
        state: Path | None = tmp_path,
        service: Any = service,
    ) -> Reporter:
        tokens = Tokens(command)
        reporter = Reporter(
            lambda: Service(service.url, tokens), node="node-1", state=state, every=every, backoff=QUICK
        )
        started.append(reporter)
        reporter.start()
        return reporter

    yield start
    for reporter in started:
        reporter.close()


@pytest.fixture
def reporter(start_reporter: Callable[..., Reporter]) -> Reporter:
    running = start_reporter()
    running.note(HEALTH)
    return running


def batches(service, count: int) -> list[ObservationBatch]:
    return [decode(request.body, ObservationBatch) for request in service.wait_for(OBSERVATIONS, count)]


@pytest.mark.req("R31", "R33")
def test_a_batch_is_delivered_with_its_node_and_the_counters(service, reporter):
    reporter.send([observation("/bin/a"), observation("/bin/b")])

    (batch,) = batches(service, 1)
    assert reporter.wait_until_delivered(30)
    assert [found.path for found in batch.observations] == ["/bin/a", "/bin/b"]
    assert batch.node == "node-1"
    assert batch.counters == {"kernel_lost": 3, "overflow": 1}
    assert reporter.counters["report_sent"] == 2


def test_each_batch_has_a_name_of_its_own(service, reporter):
    for path in ("/bin/a", "/bin/b"):
        reporter.send([observation(path)])
        assert reporter.wait_until_delivered(30)

    first, second = batches(service, 2)
    assert first.batch_id != second.batch_id


def test_a_batch_is_sent_again_under_the_same_name_until_it_is_acknowledged(service, reporter, reply):
    service.instead(
        OBSERVATIONS, reply(503), reply(), reply(200, b"<html>a proxy</html>"), reply(200, b'{"batch_id":"x"}')
    )
    reporter.send([observation("/bin/a")])

    sent = batches(service, 5)
    assert reporter.wait_until_delivered(30)
    assert len({batch.batch_id for batch in sent}) == 1
    assert len({batch.observations for batch in sent}) == 1
    # A kept connection that was closed is opened again at once.
    assert (reporter.counters["report_sent"], reporter.counters["report_retries"]) == (1, 3)


def test_a_batch_under_way_keeps_others_waiting_but_is_no_reason_to_take_nothing_more(service, reporter, reply):
    service.instead(OBSERVATIONS, reply(503, headers={"Retry-After": "300"}))
    reporter.send([observation("/bin/a")])
    service.wait_for(OBSERVATIONS, 1)
    reporter.send([observation("/bin/b")])

    assert reporter.is_ready()
    assert reporter.counters["journal_waiting"] == 2
    assert len(service.requests) - len([one for one in service.requests if one.path == HEARTBEAT]) == 1


def test_a_refused_token_is_replaced(service, start_reporter, token_command, reply, tmp_path):
    log = tmp_path / "log"
    counting = [*token_command[:-1], f"{token_command[-1]}; open({str(log)!r}, 'a').write('x')"]
    service.instead(OBSERVATIONS, reply(401))
    reporter = start_reporter(command=counting)
    reporter.send([observation("/bin/a")])

    assert reporter.wait_until_delivered(30)
    assert log.read_text() == "xx"


def test_a_missing_token_delays_and_is_told(service, start_reporter):
    reporter = start_reporter(command=["/nonexistent"])
    reporter.send([observation("/bin/a")])

    while reporter.counters["report_retries"] < 2:
        assert not reporter.wait_until_delivered(0.01)
    assert "no token" in reporter.problems[0]
    assert service.requests == []


def test_a_heartbeat_comes_at_once_and_tells_what_was_lost(service, reporter):
    (request,) = service.wait_for(HEARTBEAT, 1)

    beat = decode(request.body, Heartbeat)
    assert beat.node == "node-1"
    assert beat.counters["kernel_lost"] == 3
    assert beat.counters["report_sent"] == 0
    assert "3 events were lost" in beat.problems
    assert request.headers["Authorization"] == "Bearer t1"


def test_heartbeats_repeat(service, start_reporter):
    start_reporter(every=0.01).note(HEALTH)

    assert len(service.wait_for(HEARTBEAT, 3)) == 3


def test_heartbeats_go_on_and_tell_why_while_a_batch_cannot_be_delivered(service, start_reporter, reply):
    service.instead(OBSERVATIONS, *[reply(500, b"disk full")] * 10_000)
    reporter = start_reporter(every=0.01)
    reporter.note(HEALTH)
    reporter.send([observation("/bin/a")])
    service.wait_for(OBSERVATIONS, 2)
    before = sum(request.path == HEARTBEAT for request in service.requests)
    last = decode(service.wait_for(HEARTBEAT, before + 2)[-1].body, Heartbeat)

    assert "observations are not delivered: the service answered 500: disk full" in last.problems


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reporter_that_died_does_not_look_busy(start_reporter):
    reporter = start_reporter()
    reporter.note(Health({"events": object()}, ()))  # type: ignore[dict-item]  # what no reporter can write
    reporter._reporting.join(30)

    with pytest.raises(ReporterDiedError, match="'report'"):
        reporter.is_ready()


# --- refusals --------------------------------------------------------------------------------------------


def learned(service, container_id: str = "c1") -> set[str]:
    return {path for _, path in service.observations[container_id]}


@pytest.mark.parametrize("bad", [{0}, {3, 4, 150}])
def test_one_observation_that_the_service_refuses_costs_only_itself(learning_service, start_reporter, bad):
    names = [f"/{number}" for number in range(200)]
    bad_names = {names[number] for number in bad}
    learning_service.refuses = lambda path: path in bad_names
    reporter = start_reporter(service=learning_service)
    reporter.send([observation(name) for name in names])

    assert reporter.wait_until_delivered(60)
    assert learned(learning_service) == set(names) - bad_names
    assert (reporter.counters["report_sent"], reporter.counters["report_refused"]) == (200 - len(bad), len(bad))
    assert len(learning_service.requests) < 40 * len(bad)


def test_a_service_that_refuses_everything_makes_nothing_lost(learning_service, start_reporter):
    learning_service.refuses_all = True
    reporter = start_reporter(service=learning_service)
    reporter.send([observation(f"/{number}") for number in range(4)])
    while reporter.counters["report_retries"] < 3:
        assert not reporter.wait_until_delivered(0.01)
    assert reporter.counters["report_refused"] == 0
    learning_service.refuses_all = False

    assert reporter.wait_until_delivered(30)
    assert learned(learning_service) == {"/0", "/1", "/2", "/3"}


def test_a_batch_that_is_too_large_for_something_on_the_way_goes_in_parts(learning_service, start_reporter):
    learning_service.most_bytes = 20_000
    reporter = start_reporter(service=learning_service)
    reporter.send([observation(f"/{number}") for number in range(500)])

    assert reporter.wait_until_delivered(30)
    assert len(learned(learning_service)) == 500
    assert reporter.counters["report_refused"] == 0


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_asks_for_patience_gets_it(service, reporter, reply, status):
    service.instead(OBSERVATIONS, reply(status, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    reporter.send([observation("/bin/a")])

    assert reporter.wait_until_delivered(30)
    assert time.monotonic() - begun >= 1


# --- detections ------------------------------------------------------------------------------------------


def detection(name: str) -> Detection:
    process = DetectedProcess(name="sh", path="/bin/sh", arguments=("sh", "-i"))
    return Detection(
        id=name, rule="shell", title="A shell", severity=Severity.HIGH, at=AT, container_id="c1", process=process
    )


def test_a_detection_arrives_while_an_observation_hangs(learning_service, start_reporter):
    reporter = start_reporter(service=learning_service)
    with learning_service.hanging(OBSERVATIONS):
        reporter.send([observation("/bin/a")])
        learning_service.wait_for(OBSERVATIONS, 1)
        reporter.detect([detection("d1")])
        learning_service.wait_until(lambda: "d1" in learning_service.detections)
        assert learning_service.observations == {}

    assert learning_service.detections["d1"] == detection("d1")
    assert reporter.wait_until_delivered(30)


def test_a_detection_is_sent_until_the_service_has_it(service, reporter, reply):
    service.instead(DETECTIONS, reply(503), reply(), reply(200, b"<html>a proxy</html>"))
    reporter.detect([detection("d1")])

    sent = [decode(request.body, DetectionBatch) for request in service.wait_for(DETECTIONS, 4)]
    assert [batch.detections for batch in sent] == [(detection("d1"),)] * 4
    assert {batch.node for batch in sent} == {"node-1"}
    assert len({batch.batch_id for batch in sent}) == 1


def test_an_older_service_that_knows_no_detections_is_told_where_there_are_some(service, start_reporter, reply):
    service.instead(DETECTIONS, *[reply(404, b"Not Found")] * 100)
    service.instead(HEARTBEAT, *[reply(204)] * 10_000)
    reporter = start_reporter(every=0.01)
    reporter.note(HEALTH)
    service.wait_for(HEARTBEAT, 2)
    assert reporter.problems == ()
    reporter.detect([detection("d1")])
    service.wait_for(DETECTIONS, 1)
    beats = sum(request.path == HEARTBEAT for request in service.requests)
    last = decode(service.wait_for(HEARTBEAT, beats + 2)[-1].body, Heartbeat)

    assert "detections are not delivered: the service answered 404: Not Found" in last.problems
    assert last.counters["spool_detections"] == 1
    assert [request.path for request in service.requests].count(DETECTIONS) == 1
    assert POLICY not in [request.path for request in service.requests]


# --- heartbeats and their answers ------------------------------------------------------------------------


def covered(container_id: str = "c1") -> ContainerCoverage:
    return ContainerCoverage(container_id=container_id, since=AT, from_start=True, unseen=("io_uring",))


@pytest.mark.req("M19", "R31")
def test_a_heartbeat_tells_the_kernel_the_hooks_and_what_is_covered(learning_service, start_reporter):
    reporter = start_reporter(service=learning_service)
    reporter.send([observation("/bin/a")])
    assert reporter.wait_until_delivered(30)
    reporter.note(replace(HEALTH, hooks=("on_exec", "on_mmap"), tier="T"), [covered()])
    learning_service.wait_until(lambda: learning_service.beats)

    (beat,) = learning_service.beats
    assert beat.kernel == f"{platform.release()} {platform.machine()}"
    assert (beat.hooks, beat.tier) == (("on_exec", "on_mmap"), "T")
    assert beat.coverage == (structs.replace(covered(), digest=observation_digest([(Grade.EXECUTED, "/bin/a")])),)
    assert beat.counters["journal_observations"] == 1


def test_a_policy_is_fetched_when_another_one_is_in_force_and_survives_a_restart(
    learning_service, start_reporter, tmp_path
):
    learning_service.policy = SensorPolicy(version="v1", disabled_rules=("shell",))
    reporter = start_reporter(service=learning_service, every=0.01)
    reporter.note(HEALTH)
    learning_service.wait_for(POLICY, 1)
    count = len(learning_service.beats)
    learning_service.wait_until(lambda: len(learning_service.beats) > count + 2)

    assert reporter.policy == learning_service.policy
    assert learning_service.beats[-1].policy == "v1"
    assert [request.path for request in learning_service.requests].count(POLICY) == 1
    reporter.close()
    assert start_reporter(service=learning_service).policy == learning_service.policy


@pytest.mark.parametrize("answer", [(404, b"Not Found"), (200, b"<html>"), (200, b" " * (MAX_POLICY_BYTES + 10))])
def test_a_policy_that_cannot_be_had_is_told_and_the_one_before_stays(service, start_reporter, reply, answer):
    service.instead(POLICY, *[reply(*answer)] * 10_000)
    service.instead(HEARTBEAT, *[reply(200, b'{"policy": "v2"}')] * 10_000)
    reporter = start_reporter(every=0.01)
    reporter.note(HEALTH)
    service.wait_for(POLICY, 2)

    assert reporter.policy.version == ""
    assert "policy v2 is not in force" in reporter.problems[0]


def test_what_the_service_lost_is_told_again_and_looked_at_again(learning_service, start_reporter):
    reporter = start_reporter(service=learning_service, every=0.01)
    reporter.send([observation("/bin/a"), observation("/bin/b")])
    assert reporter.wait_until_delivered(30)
    learning_service.observations["c1"].clear()
    reporter.note(HEALTH, [covered()])
    learning_service.wait_until(lambda: len(learning_service.observations["c1"]) == 2)

    assert learned(learning_service) == {"/bin/a", "/bin/b"}
    assert reporter.take_resends() == ("c1",)
    assert reporter.take_resends() == ()


def test_a_service_that_has_too_much_gets_detections_but_no_observations(learning_service, start_reporter):
    learning_service.wait_seconds = 3600
    reporter = start_reporter(service=learning_service, every=0.01)
    reporter.note(HEALTH)
    learning_service.wait_until(lambda: len(learning_service.beats) > 1)
    reporter.send([observation("/bin/a")])
    reporter.detect([detection("d1")])
    learning_service.wait_until(lambda: "d1" in learning_service.detections)
    count = len(learning_service.beats)
    learning_service.wait_until(lambda: len(learning_service.beats) > count + 1)
    assert learning_service.observations == {}
    learning_service.wait_seconds = 0

    assert reporter.wait_until_delivered(30)


def test_an_answer_to_a_heartbeat_that_is_none_changes_nothing(service, start_reporter, reply):
    service.instead(HEARTBEAT, reply(200, b"<html>"), reply(200, b'{"wait_seconds": -5}'))
    reporter = start_reporter(every=0.01)
    reporter.note(HEALTH)
    service.wait_for(HEARTBEAT, 3)
    reporter.send([observation("/bin/a")])

    assert reporter.wait_until_delivered(30)


# --- ends ------------------------------------------------------------------------------------------------


def test_what_waits_is_delivered_at_the_end_if_the_service_takes_it(service, start_reporter):
    reporter = start_reporter(state=None)
    reporter.send([observation(f"/{number}") for number in range(1_500)])
    reporter.detect([detection("d1")])
    reporter.close()

    sent = [request for request in service.requests if request.path == OBSERVATIONS]
    assert sum(len(decode(request.body, ObservationBatch).observations) for request in sent) == 1_500
    assert DETECTIONS in [request.path for request in service.requests]


def test_no_secret_is_in_the_log_or_in_what_is_kept(service, start_reporter, reply, caplog, tmp_path):
    service.instead(OBSERVATIONS, reply(401, b"Bearer t1 has ended"), reply(500, b"Bearer t1"))
    reporter = start_reporter()
    reporter.note(HEALTH)
    reporter.send([observation("/bin/a")])
    assert reporter.wait_until_delivered(30)
    reporter.close()

    assert "Bearer ..." in caplog.text
    assert "t1" not in caplog.text
    assert not [path for path in tmp_path.iterdir() if b"t1" in path.read_bytes()]
