"""What the sensor said last is there for whoever stands before the node."""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deadlight.model.wire import ContainerCoverage, Heartbeat
from deadlight.sensor.health import Health
from deadlight.sensor.heart import Heart
from deadlight.sensor.lastword import FILE, examine_state, keep_last_word
from deadlight.sensor.policy import Policies
from deadlight.sensor.transport import Service

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COVERED = ContainerCoverage(container_id="c1", since=NOW, from_start=True)
COUNTERS = {"journal_waiting": 1234, "spool_detections": 5, "spool_lost": 2}


def beat(**more: Any) -> Heartbeat:
    return Heartbeat(version="1.0", started_at=NOW, **more)


def say(state: Path, message: Heartbeat, at: datetime = NOW) -> dict[str, str]:
    """What the doctor makes of it: each check's detail, those that are not well marked."""
    keep_last_word(state, message)
    os.utime(state / FILE, (at.timestamp(), at.timestamp()))
    return look(state)


def look(state: Path) -> dict[str, str]:
    found = examine_state(state, NOW)
    assert not any(check.needed for check in found)
    return {check.name: check.detail if check.ok else f"! {check.detail}" for check in found}


def test_it_tells_what_waits_what_was_lost_and_what_troubles_it(tmp_path):
    told = say(tmp_path, beat(counters=COUNTERS, problems=("no service",), coverage=(COVERED,)))

    assert told["sensor"] == "1.0, said how it is 0:00:00 ago"
    assert told["waiting for the service"] == "1234 observations, 5 detections"
    assert told["lost"] == "! spool_lost 2"
    assert told["problem"] == "! no service"
    assert b"c1" not in (tmp_path / FILE).read_bytes()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_sensor_that_is_well_has_no_problem(tmp_path):
    told = say(tmp_path, beat(), NOW - timedelta(seconds=30))

    assert told["sensor"] == "1.0, said how it is 0:00:30 ago"
    assert told["lost"] == "nothing"
    assert "problem" not in told


@pytest.mark.parametrize("silence", [timedelta(minutes=3), timedelta(hours=-1)])
def test_a_sensor_that_says_nothing_any_more_is_not_well_nor_is_a_clock_that_was_set(tmp_path, silence):
    assert say(tmp_path, beat(), NOW - silence)["sensor"].startswith("! ")


def test_where_none_has_run_it_says_so(tmp_path):
    assert look(tmp_path)["sensor"].startswith("! none has said how it is yet")
    assert look(tmp_path / "missing")["state directory"].endswith("No such file or directory")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.builds(lambda text: text.encode(), st.text()))
def test_whatever_is_in_the_file_does_not_end_the_doctor(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)

    assert look(tmp_path)["sensor"].startswith("! cannot read")


def test_a_heartbeat_that_the_service_does_not_get_is_kept_with_the_reason(tokens, tmp_path):
    heart = Heart(Service("http://127.0.0.1:1", tokens), Policies(None), node="n", state=tmp_path)
    heart.beat(Health({}, ("an older problem",)), (COVERED,), COUNTERS, ())
    told = [check.detail for check in examine_state(tmp_path, datetime.now(UTC)) if check.name == "problem"]

    assert "Connection refused" in told[0]
    assert "an older problem" in told[-1]


def test_a_directory_that_takes_nothing_stops_no_heartbeat(service, tokens, tmp_path):
    with closing(Service(service.url, tokens)) as connection:
        Heart(connection, Policies(None), node="n", state=tmp_path / "missing").beat(Health({}, ()), (), {}, ())

    assert len(service.requests) == 1
