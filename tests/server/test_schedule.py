"""What happens by itself: every job that is enqueued has a runner, and what is of no use any more goes."""

import asyncio
from datetime import timedelta

import pytest
from tests.support.fleet import Fleet
from tests.support.patience import PATIENCE_SECONDS
from tests.support.service import service_settings

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.jobs.queue import Job
from deadlight.server.schedule import JOBS, PERIODIC, Periodic, forget_old, run_periodic
from deadlight.server.services import Services
from deadlight.server.subscriptions import subscriptions


def every_job() -> set[type[Job]]:
    """Those that the modules of the service define."""
    direct = {job for job in Job.__subclasses__() if job.__module__.startswith("deadlight.")}
    return direct | {special for job in direct for special in job.__subclasses__()}


def test_every_job_is_in_the_table_once_under_a_name_of_its_own() -> None:
    jobs = [entry.job for entry in JOBS]
    assert set(jobs) == every_job()
    names = [job.name for job in jobs]
    assert all(names)
    assert len(names) == len(set(names)) == len(jobs)


def test_every_event_has_a_handler_and_what_people_can_listen_to_reaches_their_workers() -> None:
    table = subscriptions(service_settings("postgresql://nowhere/nothing"))
    assert set(table) == set(EventType)
    alerting = {kind for kind, handlers in table.items() if any("dispatch" in repr(handler) for handler in handlers)}
    assert alerting == set(ALERTABLE)


async def test_what_is_done_every_so_often_can_be_done_by_several_at_once_on_an_empty_database(
    services: Services,
) -> None:
    for periodic in PERIODIC:
        await asyncio.gather(*(periodic.run(services) for _ in range(3)))


async def test_periodic_work_goes_on_after_it_failed(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()
    tries = 0

    async def fail_once(_services: Services) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("not this time")
        done.set()

    task = asyncio.create_task(run_periodic(services, Periodic(fail_once, timedelta(milliseconds=1))))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "periodic work failed, trying again" in caplog.text


async def test_old_rows_go_and_young_ones_stay(services: Services) -> None:
    fleet = Fleet(services.engine)
    for age, status in (("8 days", "handled"), ("6 days", "handled"), ("90 days", "pending"), ("90 days", "dead")):
        await fleet.rows(
            """
            INSERT INTO event (type, key, data, status, recorded_at, handled_at)
            VALUES ('ImageObserved', '', '{}', :status, now() - CAST(:age AS interval), now() - CAST(:age AS interval))
            """,
            age=age,
            status=status,
        )
    for age in ("-1 hour", "1 hour"):
        await fleet.rows(
            """
            INSERT INTO session (token_hash, user_id, csrf_token, expires_at)
            VALUES (decode(md5(:age), 'hex'), 3, '', now() - CAST(:age AS interval))
            """,
            age=age,
        )
    for age in ("2 days", "2 hours"):
        await fleet.rows(
            "INSERT INTO sign_in_failure (name, failed_at) VALUES ('x', now() - CAST(:age AS interval))", age=age
        )
    await forget_old(services)
    assert await fleet.rows("SELECT status FROM event ORDER BY id") == [("handled",), ("pending",), ("dead",)]
    assert len(await fleet.rows("SELECT * FROM session WHERE expires_at > now()")) == 1
    assert len(await fleet.rows("SELECT * FROM session")) == 1
    assert len(await fleet.rows("SELECT * FROM sign_in_failure")) == 1
