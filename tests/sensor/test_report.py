"""Observations and heartbeats reach the service, whatever happens on the way."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deadlight.client.backoff import Backoff
from deadlight.model.observation import Grade
from deadlight.model.wire import Heartbeat, Observation, ObservationBatch, decode
from deadlight.sensor.courier import OBSERVATIONS
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.health import Health
from deadlight.sensor.heart import HEARTBEAT
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
        *, command: Sequence[str] = token_command, every: float = 3600, state: Path | None = tmp_path
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


def test_a_batch_that_the_service_refuses_is_counted_and_the_next_one_goes_on(service, reporter, reply):
    service.instead(OBSERVATIONS, reply(422, b'{"detail": "bad path"}'))
    reporter.send([observation("/bin/a")])
    assert reporter.wait_until_delivered(30)
    reporter.send([observation("/bin/b")])
    assert reporter.wait_until_delivered(30)

    assert (reporter.counters["report_refused"], reporter.counters["report_sent"]) == (1, 1)


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
    assert "no token" in reporter.problem
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
