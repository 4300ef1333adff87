"""A detection's exposure window: from the first time until it is over, and anew when it happens again."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.server.detections.conftest import SensorOf
from tests.server.ledger.conftest import Ledger
from tests.support.detections import detected
from tests.support.fleet import Fleet, Running
from tests.support.inventory import STARTED

from deadlight.model.detection import DetectionStatus
from deadlight.model.risk import WindowRisk
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.detections.actions import change_status
from deadlight.server.detections.exceptions import add_exception, end_exception
from deadlight.server.detections.exposure import close_gone
from deadlight.server.detections.schemas import ExceptionIn
from deadlight.server.errors import ConflictError
from deadlight.server.ledger.actions import acknowledge, unacknowledge
from deadlight.server.ledger.notices import note_delivered
from deadlight.server.ledger.queries import get_window, list_windows
from deadlight.server.ledger.reconcile import list_missed
from deadlight.server.ledger.schemas import WindowQuery, WindowState
from deadlight.server.ledger.suppressions import suppress
from deadlight.server.ledger.text import issue_text, window_title

SOON = datetime.now(UTC) + timedelta(days=7)


@pytest.fixture
async def sensor(fleet: Fleet) -> SensorOf:
    cluster_id = await fleet.add_cluster()
    await fleet.add_agent("sensor", "node-1")
    (row,) = await fleet.rows("SELECT id FROM agent")
    return SensorOf(fleet, AgentPrincipal(row.id, cluster_id, AgentKind.SENSOR, "node-1"))


@pytest.fixture
async def running(fleet: Fleet) -> Running:
    """A workload with a container in which things happen."""
    return await fleet.deploy(await fleet.add_image_tag())


async def change(fleet: Fleet, status: DetectionStatus, note: str = "") -> None:
    (row,) = await fleet.rows("SELECT max(id) AS id FROM detection")
    async with fleet.engine.begin() as connection:
        await change_status(connection, row.id, status, actor="ada", note=note)


async def look_for_gone(fleet: Fleet, ledger: Ledger) -> None:
    async with fleet.engine.begin() as connection:
        await close_gone(connection)
    await ledger.handle_events()


@pytest.mark.req("F27", "R20")
async def test_a_threat_is_exposed_from_the_first_time_until_somebody_resolves_it(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.send(detected(container, after=5), detected(container, after=9))
    await ledger.handle_events()
    window = await ledger.window()
    assert (window.risk, window.workload_id, window.opened_basis) == ("threat", running.workload_id, "fired")
    assert window.opened_at == STARTED + timedelta(minutes=5) < window.detected_at
    assert (window.closed_at, window.repaired) == (None, False)
    await change(fleet, DetectionStatus.RESOLVED, "pod replaced")
    await ledger.handle_events()
    closed = await ledger.window()
    assert closed.closed_at is not None
    assert closed.close_reason == "resolved by ada: pod replaced"


async def test_each_detection_of_a_workload_has_a_window_of_its_own(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.send(detected(container), detected(container, "miner", program="/tmp/x"))
    await ledger.handle_events()
    assert len({window.detection_key for window in await ledger.windows("threat")}) == 2
    async with fleet.engine.connect() as connection:
        page = await list_windows(connection, WindowQuery(risk=[WindowRisk.THREAT]))
        shown = {window.detection.rule: window for window in page.windows if window.detection}
        miner = shown["miner"].detection
        assert miner is not None
        only = await list_windows(connection, WindowQuery(detection_id=miner.id))
        detail = await get_window(connection, shown["reverse-shell"].id)
    assert (set(shown), [window.id for window in only.windows]) == ({"miner", "reverse-shell"}, [shown["miner"].id])
    assert window_title(detail).startswith("A shell talks over the network (Critical): registry.example/shop/web:1.0.0")
    assert "- Threat rule: reverse-shell" in issue_text(detail, "https://deadlight.example", datetime.now(UTC))


async def test_an_exception_closes_what_it_covers_and_its_end_opens_nothing_until_it_happens_again(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.send(detected(container))
    async with fleet.engine.begin() as connection:
        body = ExceptionIn(rule="reverse-shell", reason="our own tool", until=SOON)
        exception_id = await add_exception(connection, body, "ada")
    await sensor.send(detected(container))
    await ledger.handle_events()
    assert (await ledger.window()).close_reason == "exception: our own tool"
    async with fleet.engine.begin() as connection:
        await end_exception(connection, exception_id, "ada")
    await ledger.handle_events()
    first = await ledger.window()
    await sensor.send(detected(container, after=30))
    await ledger.handle_events()
    _, second = await ledger.windows()
    assert (second.previous_id, second.closed_at, second.opened_basis) == (first.id, None, "reopened")


async def test_what_is_covered_from_the_start_is_no_exposure(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    async with fleet.engine.begin() as connection:
        await add_exception(connection, ExceptionIn(rule="reverse-*", reason="known", until=SOON), "ada")
    await sensor.send(detected(running.container_ids[0]))
    await ledger.handle_events()
    assert not await ledger.windows()


@pytest.mark.parametrize(
    "gone", ["removed_at = now() - interval '1 hour'", "state = 'terminated'", "container_id = 'new'"]
)
async def test_a_threat_is_over_with_its_last_container_and_comes_back_with_the_next(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, gone: str
) -> None:
    image_tag_id = await fleet.add_image_tag()
    one, other = (await fleet.deploy(image_tag_id, image_tag_id)).container_ids
    await sensor.send(detected(one), detected(other))
    await fleet.rows(f"UPDATE container SET {gone} WHERE container_id = :id", id=one)
    await look_for_gone(fleet, ledger)
    assert (await ledger.window()).closed_at is None
    await fleet.rows("UPDATE container SET removed_at = now() WHERE container_id = :id", id=other)
    await look_for_gone(fleet, ledger)
    closed = await ledger.window()
    assert (closed.closed_at is None, closed.close_reason) == (False, "container gone")
    await fleet.rows(
        "UPDATE container SET container_id = 'third', removed_at = NULL, state = 'running' WHERE name = 'c0'"
    )
    await sensor.send(detected("third"))
    await ledger.handle_events()
    same, again = await ledger.windows()
    assert (same, again.previous_id, again.closed_at) == (closed, closed.id, None)
    assert len(await sensor.detections()) == 1


@pytest.mark.parametrize(("removed", "because"), [(False, "a later run ended without it"), (True, "workload removed")])
async def test_a_cron_job_has_one_window_from_run_to_run_until_a_run_ends_without_it(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running, removed: bool, because: str
) -> None:
    async def run(container_id: str, minute: int, *, fires: bool) -> None:
        started = STARTED + timedelta(minutes=minute)
        await fleet.rows(
            "UPDATE container SET container_id = :id, state = 'running', started_at = :at", id=container_id, at=started
        )
        if fires:
            await sensor.send(detected(container_id, after=minute + 1))
        await fleet.rows("UPDATE container SET state = 'terminated'")
        await look_for_gone(fleet, ledger)

    await fleet.rows("UPDATE workload SET kind = 'CronJob'")
    for minute in (0, 10, 20):
        await run(f"run-{minute}", minute, fires=True)
    window = await ledger.window()
    assert (window.closed_at, window.opened_at) == (None, STARTED + timedelta(minutes=1))
    assert [row.times for row in await fleet.rows("SELECT count AS times FROM detection")] == [3]
    if removed:
        await fleet.rows("UPDATE workload SET removed_at = now()")
    await run("run-30", 30, fires=False)
    closed = await ledger.window()
    assert (closed.id, closed.closed_at is None, closed.close_reason) == (window.id, False, because)


async def test_what_was_over_before_it_was_told_was_exposed_all_the_same(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    await fleet.rows("UPDATE container SET removed_at = now()")
    await sensor.send(detected(running.container_ids[0]))
    await look_for_gone(fleet, ledger)
    window = await ledger.window()
    assert STARTED == window.opened_at < window.detected_at == window.closed_at


async def test_a_resolved_detection_that_is_opened_again_was_never_over(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    await sensor.send(detected(running.container_ids[0]))
    for status in (DetectionStatus.RESOLVED, DetectionStatus.OPEN):
        await change(fleet, status)
        await ledger.handle_events()
    first, second = await ledger.windows()
    assert (second.previous_id, second.closed_at, second.opened_at) == (first.id, None, first.closed_at)


async def test_what_happens_after_it_was_resolved_names_the_window_before(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.send(detected(container))
    await change(fleet, DetectionStatus.RESOLVED)
    await sensor.send(detected(container))
    await ledger.handle_events()
    first, second = await ledger.windows()
    assert (second.previous_id, len(await sensor.detections())) == (first.id, 2)


async def test_a_window_is_acknowledged_where_its_detection_is(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    await sensor.send(detected(running.container_ids[0]))
    await ledger.handle_events()
    window = await ledger.window()
    async with fleet.engine.begin() as connection:
        for refused in (
            acknowledge(connection, window.id, actor="ada", note=""),
            unacknowledge(connection, window.id, actor="ada"),
            suppress(connection, window.id, actor="ada", reason="later", until=SOON),
        ):
            with pytest.raises(ConflictError, match="follows its detection"):
                await refused
    await change(fleet, DetectionStatus.ACKNOWLEDGED, "asking the team")
    await ledger.handle_events()
    async with fleet.engine.connect() as connection:
        shown = await get_window(connection, window.id)
    assert (shown.state, shown.acknowledged_by, shown.acknowledge_note) == (
        WindowState.ACKNOWLEDGED,
        "ada",
        "asking the team",
    )
    await change(fleet, DetectionStatus.OPEN)
    await ledger.handle_events()
    async with fleet.engine.connect() as connection:
        again = await get_window(connection, window.id)
    assert (again.state, [item.action for item in again.history]) == (
        WindowState.OPEN,
        ["acknowledged", "unacknowledged"],
    )


async def test_the_alert_of_a_threat_notifies_its_window_and_no_other(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.send(detected(container), detected(container, "miner"))
    await ledger.handle_events()
    (alert,) = await fleet.rows(
        """
        WITH made AS (
            INSERT INTO worker (name, event_types) VALUES ('w', '{ThreatDetected}') RETURNING id
        ), to_whom AS (
            INSERT INTO destination (worker_id, type, label, config_encrypted)
            SELECT id, 'webhook', 'hook', '' FROM made RETURNING id, worker_id
        )
        INSERT INTO alert (worker_id, destination_id, event_id, event_type)
        SELECT to_whom.worker_id, to_whom.id, event.id, event.type
        FROM to_whom, event JOIN detection
            ON detection.id = CAST(event.data ->> 'detection_id' AS bigint) AND detection.rule = 'miner'
        RETURNING id
        """
    )
    async with fleet.engine.begin() as connection:
        await note_delivered(connection, str(alert.id), ())
        told = await connection.execute(
            text(
                "SELECT detection.rule FROM exposure_window JOIN detection ON detection.key = detection_key "
                "WHERE notified_at IS NOT NULL"
            )
        )
        assert told.scalars().all() == ["miner"]


async def test_a_container_nobody_knows_has_no_window_until_somebody_does(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf
) -> None:
    await sensor.send(detected("unheard-of"))
    await sensor.wait_long()
    await sensor.place()
    await ledger.handle_events()
    assert not await ledger.windows()
    assert len(await sensor.detections()) == 1


async def test_the_sweep_finds_what_no_event_told_of_and_waits_for_those_that_are_pending(
    fleet: Fleet, ledger: Ledger, sensor: SensorOf, running: Running
) -> None:
    await sensor.send(detected(running.container_ids[0]))
    async with fleet.engine.connect() as connection:
        assert await list_missed(connection, 10) == []
    await fleet.forget_events()
    async with fleet.engine.connect() as connection:
        assert await list_missed(connection, 10) == [running.workload_id]
