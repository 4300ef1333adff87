"""An alert is tried until it arrives or is set aside, every attempt is on record, and none is lost."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.server.workers.conftest import ATTEMPTS, Workers, webhook
from tests.support.mail import MailServer
from tests.support.receiver import Receiver
from tests.support.service import RunningService

from deadlight.server.jobs.queue import RetryLaterError
from deadlight.server.secrets import Cipher
from deadlight.server.workers.jobs import LEASE, LONGEST_PAUSE, DeliverAlert, deliver_alert, retry_pause, sweep_alerts
from deadlight.server.workers.notifiers.notifier import SEND_TIMEOUT_SECONDS, Receipt, RefusedError, RetryableError


class Courier:
    """Makes attempts by hand."""

    def __init__(self, service: RunningService) -> None:
        self.service = service

    async def attempt(self, alert_id: str) -> timedelta | None:
        """Make one now; returns after which pause the next is wanted, None where none is."""
        try:
            await deliver_alert(self.service.services, DeliverAlert(alert_id))
        except RetryLaterError as later:
            return later.delay
        return None

    async def let_time_pass(self, length: str = "1 day") -> None:
        """For the alerts that wait."""
        await self.execute(f"UPDATE alert SET next_attempt_at = next_attempt_at - interval '{length}'")

    async def execute(self, statement: str, **parameters: Any) -> None:
        async with self.service.services.engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    async def queued(self) -> list[str]:
        """Jobs that would deliver something."""
        rows = await self.service.rows("SELECT payload FROM pgqueuer WHERE entrypoint = 'deliver_alert' ORDER BY id")
        return [row.payload.decode() for row in rows]


@pytest.fixture
def courier(service: RunningService) -> Courier:
    return Courier(service)


@pytest.fixture
async def alert_id(workers: Workers, receiver: Receiver) -> str:
    """A new alert for the receiver."""
    return await workers.test(await workers.add(webhook(f"{receiver.url}/s3cret")))


def attempts(alert: Any) -> list[tuple[int, str, int | None]]:
    return [(item["attempt"], item["outcome"], item["status_code"]) for item in alert["deliveries"]]


@pytest.mark.req("F24")
async def test_an_alert_that_arrives_is_delivered_once(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    receiver.answers.append(web.Response(status=202, body=b"tha\x00nks"))
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], alert["attempts"], alert["problem"]) == ("delivered", 1, "")
    assert alert["delivered_at"] >= alert["created_at"]
    assert attempts(alert) == [(1, "delivered", 202)]
    assert alert["deliveries"][0]["response"] == "thanks"
    assert alert["deliveries"][0]["finished_at"] >= alert["deliveries"][0]["started_at"]
    await courier.let_time_pass()
    assert await courier.attempt(alert_id) is None
    (received,) = receiver.received
    assert received.body == alert["body"]
    assert received.body["id"] == alert_id == received.headers["webhook-id"]


@pytest.mark.req("F24")
async def test_a_receiver_in_trouble_is_tried_again_ever_more_slowly_until_the_alert_is_a_dead_letter(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    receiver.answers += [500, 429, web.Response(status=503, text="still down")]
    pauses = []
    for _ in range(ATTEMPTS):
        pauses.append(await courier.attempt(alert_id))
        await courier.let_time_pass()
    first = courier.service.services.settings.delivery_backoff
    assert pauses == [first, first * 2, None]
    alert = await workers.alert(alert_id)
    assert (alert["status"], alert["problem"], alert["delivered_at"]) == ("dead", "answered 503", None)
    assert attempts(alert) == [(1, "retry", 500), (2, "retry", 429), (3, "retry", 503)]
    assert alert["deliveries"][2]["response"] == "still down"
    assert await courier.attempt(alert_id) is None
    assert len(receiver.received) == ATTEMPTS
    assert len({item.headers["webhook-id"] for item in receiver.received}) == 1
    (worker,) = await courier.service.get("/api/v1/workers")
    assert (worker["dead"], worker["delivered"], worker["pending"]) == (1, 0, 0)


async def test_a_dead_letter_is_sent_again_on_request_and_only_such_a_one(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    redeliver = f"/api/v1/alerts/{alert_id}/redeliver"
    await courier.service.post(redeliver, expect=404)  # it is pending
    receiver.answers.append(410)
    assert await courier.attempt(alert_id) is None
    assert (await workers.alert(alert_id))["status"] == "dead"
    await courier.service.post(redeliver, expect=202)
    assert (await courier.queued())[1:] == [f'{{"alert_id":"{alert_id}"}}']
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], alert["problem"]) == ("delivered", "")
    assert attempts(alert) == [(1, "refused", 410), (1, "delivered", 200)]
    await courier.service.post(redeliver, expect=404)


async def test_a_receiver_that_sends_elsewhere_is_not_followed(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    receiver.answers.append(web.Response(status=307, headers={"location": f"{receiver.url}/elsewhere"}))
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], attempts(alert)) == ("dead", [(1, "refused", 307)])
    assert len(receiver.received) == 1


async def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    receiver.answers.append(web.Response(status=429, headers={"retry-after": "600"}))
    assert await courier.attempt(alert_id) == timedelta(minutes=10)
    early = await courier.attempt(alert_id)
    assert early is not None
    assert timedelta(minutes=9) < early <= timedelta(minutes=10)
    assert len(receiver.received) == 1
    await courier.let_time_pass("11 minutes")
    await courier.attempt(alert_id)
    assert (await workers.alert(alert_id))["status"] == "delivered"


async def test_two_processes_with_the_same_job_make_one_attempt(
    courier: Courier, receiver: Receiver, alert_id: str
) -> None:
    outcomes = await asyncio.gather(*(courier.attempt(alert_id) for _ in range(4)))
    assert len(receiver.received) == 1
    assert all(pause is None or pause <= LEASE for pause in outcomes)


async def test_an_attempt_whose_process_was_killed_is_made_again_when_it_must_be_over(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    claimed = "UPDATE alert SET attempts = 1, next_attempt_at = clock_timestamp() + :lease WHERE id = :id"
    await courier.execute(claimed, lease=LEASE, id=alert_id)
    pause = await courier.attempt(alert_id)
    assert pause is not None
    assert timedelta(seconds=SEND_TIMEOUT_SECONDS) < pause <= LEASE
    assert not receiver.received
    await courier.let_time_pass("20 seconds")
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], alert["attempts"]) == ("delivered", 2)


async def test_the_sweep_finds_alerts_whose_job_was_lost_and_no_others(courier: Courier, workers: Workers) -> None:
    worker_id = await workers.add(webhook("https://hooks.example.com/"))
    lost, fresh, delivered, dead = [await workers.test(worker_id) for _ in range(4)]
    await courier.execute("DELETE FROM pgqueuer")
    await courier.execute("UPDATE alert SET status = 'delivered' WHERE id = :id", id=delivered)
    await courier.execute("UPDATE alert SET status = 'dead' WHERE id = :id", id=dead)
    await courier.let_time_pass("1 minute")
    await courier.execute("UPDATE alert SET next_attempt_at = now() WHERE id = :id", id=fresh)
    await sweep_alerts(courier.service.services)
    assert await courier.queued() == [f'{{"alert_id":"{lost}"}}']


async def test_a_removed_worker_leaves_nothing_to_deliver(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    alert = await workers.alert(alert_id)
    await courier.service.request("DELETE", f"/api/v1/workers/{alert['worker_id']}", expect=204)
    assert await courier.attempt(alert_id) is None
    assert not receiver.received
    assert await courier.service.rows("SELECT * FROM alert") == []


async def test_a_destination_that_is_changed_while_an_alert_waits_gets_it_in_the_old_ones_place(
    courier: Courier, workers: Workers, receiver: Receiver, alert_id: str
) -> None:
    receiver.answers.append(500)
    await courier.attempt(alert_id)
    worker = await workers.get((await workers.alert(alert_id))["worker_id"])
    (destination,) = worker["destinations"]
    moved = {"id": destination["id"], **webhook(f"{receiver.url}/moved", headers={"x-moved": "yes"})}
    body = {"name": worker["name"], "event_types": worker["event_types"], "destinations": [moved]}
    await courier.service.request("PUT", f"/api/v1/workers/{worker['id']}", body, expect=204)
    await courier.let_time_pass()
    await courier.attempt(alert_id)
    assert (await workers.alert(alert_id))["status"] == "delivered"
    assert [item.headers.get("x-moved") for item in receiver.received] == [None, "yes"]


@pytest.mark.parametrize(
    ("stored", "key", "message"),
    [
        ('{"url": "https://example.com/s3cret"}', "another secret key, long enough", "DEADLIGHT_SECRET_KEY"),
        ('{"url": "s3cret"}', "", "enter it again"),
    ],
)
async def test_a_stored_configuration_that_cannot_be_read_makes_a_dead_letter_that_says_so(
    courier: Courier,
    workers: Workers,
    alert_id: str,
    caplog: pytest.LogCaptureFixture,
    stored: str,
    key: str,
    message: str,
) -> None:
    cipher = Cipher(key) if key else courier.service.services.cipher
    await courier.execute("UPDATE destination SET config_encrypted = :blob", blob=cipher.encrypt(stored))
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], attempts(alert)) == ("dead", [(1, "refused", None)])
    assert message in alert["problem"]
    assert "s3cret" not in f"{alert}{caplog.text}"


async def test_a_destinations_secrets_appear_neither_in_problems_nor_in_logs(
    courier: Courier, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nowhere = "127.0.0.1:9"
    secret = {"secret": "whsec_czNjcmV0czNjcmV0", "headers": {"authorization": "s3cret"}}
    worker_id = await workers.add(
        webhook(f"http://{nowhere}/s3cret?key=s3cret", **secret),
        webhook(f"http://user:s3cret@{nowhere}/"),
        {"type": "slack", "config": {"url": f"http://{nowhere}/s3cret"}},
        webhook("http://does-not-resolve.invalid/s3cret"),
    )
    await workers.test(worker_id)
    for alert in await workers.alerts():
        await courier.attempt(alert["id"])
    shown = [await workers.alert(alert["id"]) for alert in await workers.alerts()]
    assert [alert["status"] for alert in shown] == ["pending"] * 4
    assert all(alert["problem"].startswith("not reached") for alert in shown)
    assert "s3cret" not in f"{shown}{caplog.text}"
    assert "czNjcmV0" not in f"{shown}{caplog.text}"


@pytest.mark.req("F15", "F23")
async def test_a_mail_that_is_refused_for_now_is_tried_again_and_one_refused_for_good_is_not(
    courier: Courier, workers: Workers, mail_server: MailServer
) -> None:
    to_ada = {"type": "email", "config": {"to": ["ada@example.com"]}}
    alert_id = await workers.test(await workers.add(to_ada))
    mail_server.refused["ada@example.com"] = "450 greylisted, come again"
    assert await courier.attempt(alert_id) is not None
    await courier.let_time_pass()
    del mail_server.refused["ada@example.com"]
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], attempts(alert)) == ("delivered", [(1, "retry", 450), (2, "delivered", 250)])
    (mail,) = mail_server.mails
    assert alert_id in mail.message["Message-ID"]
    mail_server.refused["ada@example.com"] = "550 no such mailbox"
    alert_id = await workers.test(await workers.add(to_ada))
    assert await courier.attempt(alert_id) is None
    alert = await workers.alert(alert_id)
    assert (alert["status"], attempts(alert)) == ("dead", [(1, "refused", 550)])
    assert "no such mailbox" in alert["deliveries"][0]["response"]


# --- pauses ----------------------------------------------------------------------------------------------


@given(
    st.integers(1, 1000),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=1)),
    st.none() | st.floats(0, 1e9),
)
def test_pauses_grow_end_at_an_hour_and_respect_what_the_receiver_asked(
    tries: int, first: timedelta, asked: float | None
) -> None:
    pause = retry_pause(tries, first, RetryableError("", retry_after=asked))
    assert min(first, LONGEST_PAUSE) <= pause <= LONGEST_PAUSE
    assert pause <= retry_pause(tries + 1, first, RetryableError("", retry_after=asked))
    if asked is not None:
        assert pause >= min(timedelta(seconds=asked), LONGEST_PAUSE)


def test_the_first_pauses_double() -> None:
    first = timedelta(seconds=2)
    failure = RetryableError("")
    assert [retry_pause(tries, first, failure) for tries in range(1, 5)] == [first, first * 2, first * 4, first * 8]
    assert retry_pause(1, first, Receipt(200, "")) == retry_pause(1, first, RefusedError("")) == first
