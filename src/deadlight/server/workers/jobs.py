"""Delivering alerts: at least once, every attempt a row, and a dead letter when nothing helps."""

import logging
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from pydantic import ValidationError
from sqlalchemy import Row, insert, select, text, update

from deadlight.server.jobs.queue import Job, RetryLaterError, enqueue
from deadlight.server.ledger.notices import note_delivered
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.workers import alert, delivery, destination
from deadlight.server.workers.notifiers import NOTIFIERS
from deadlight.server.workers.notifiers.notifier import (
    SEND_TIMEOUT_SECONDS,
    Message,
    NotDeliveredError,
    Receipt,
    RefusedError,
    RetryableError,
    Transport,
)
from deadlight.server.workers.text import title

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=SEND_TIMEOUT_SECONDS + 5)
"""An attempt is over by then; if its process was killed, the next one may begin."""

LONGEST_PAUSE = timedelta(hours=1)


class DeliverAlert(Job, frozen=True):
    """Send one alert to its destination."""

    name: ClassVar[str] = "deliver_alert"
    priority: ClassVar[int] = 1
    alert_id: str


_CLAIM = text(
    """
    UPDATE alert SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + :lease
    WHERE id = :id AND status = 'pending' AND next_attempt_at <= clock_timestamp() RETURNING *
    """
)
_DUE_IN = text("SELECT next_attempt_at - clock_timestamp() AS pause FROM alert WHERE id = :id AND status = 'pending'")


async def deliver_alert(services: Services, job: DeliverAlert) -> None:
    """Make one attempt; raises RetryLaterError while more are to follow."""
    alert_id = UUID(job.alert_id)
    async with services.engine.begin() as connection:
        claimed = (await connection.execute(_CLAIM, {"id": alert_id, "lease": LEASE})).first()
        if claimed is None:
            pause = (await connection.execute(_DUE_IN, {"id": alert_id})).scalar_one_or_none()
            if pause is None:
                return  # delivered, dead or gone
            raise RetryLaterError(max(pause, timedelta(seconds=1)), "another attempt is under way")
        target = (await connection.execute(select(destination).where(destination.c.id == claimed.destination_id))).one()
        begin = insert(delivery).values(alert_id=alert_id, attempt=claimed.attempts, outcome="sending")
        delivery_id = (await connection.execute(begin.returning(delivery.c.id))).scalar_one()
    result = await _attempt(services, claimed, target)
    await _settle(services, claimed, delivery_id, result)


async def _attempt(services: Services, claimed: Row[Any], target: Row[Any]) -> Receipt | NotDeliveredError:
    settings = services.settings
    transport = Transport(services.outbound, settings.smtp_url.get_secret_value(), settings.smtp_from)
    message = Message(
        str(claimed.id), title(claimed.event_type, claimed.body["data"]), claimed.body, tuple(claimed.recipients)
    )
    notifier = NOTIFIERS[target.type]
    try:
        config = notifier.config.model_validate(msgspec.json.decode(services.cipher.decrypt(target.config_encrypted)))
        return await notifier.send(transport, config, message)
    except NotDeliveredError as error:
        return error
    except UndecipherableError as error:
        return RefusedError(str(error))
    except ValidationError:  # its text holds the configuration, which is a secret
        return RefusedError("the stored configuration of this destination is not valid any more: enter it again")
    except Exception as error:  # nothing unforeseen may lose an alert
        logger.exception("delivery failed unexpectedly", extra={"alert_id": str(claimed.id)})
        return RetryableError(f"unexpected {type(error).__name__}")


async def _settle(services: Services, claimed: Row[Any], delivery_id: int, result: Receipt | NotDeliveredError) -> None:
    delivered = isinstance(result, Receipt)
    receipt = result if isinstance(result, Receipt) else result.receipt
    final = isinstance(result, RefusedError) or claimed.attempts >= services.settings.delivery_attempts
    pause = retry_pause(claimed.attempts, services.settings.delivery_backoff, result)
    outcome = "delivered" if delivered else "refused" if isinstance(result, RefusedError) else "retry"
    status = "delivered" if delivered else "dead" if final else "pending"
    async with services.engine.begin() as connection:
        await connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id)
            .values(
                finished_at=text("clock_timestamp()"),
                outcome=outcome,
                status_code=receipt.status_code,
                response=receipt.response.replace("\x00", ""),
            )
        )
        await connection.execute(
            update(alert)
            .where(alert.c.id == claimed.id)
            .values(
                status=status,
                problem="" if delivered else str(result)[:500],
                delivered_at=text("clock_timestamp()") if delivered else None,
                next_attempt_at=text("clock_timestamp() + :pause").bindparams(pause=pause),
            )
        )
        if delivered:
            await note_delivered(connection, str(claimed.id), claimed.body["data"]["workload"].get("risks", ()))
    if status == "pending":
        raise RetryLaterError(pause, str(result))


def retry_pause(attempts: int, first: timedelta, result: Receipt | NotDeliveredError) -> timedelta:
    """How long to wait after the `attempts`-th failure: doubling, at most an hour, not before the receiver said."""
    pause = min(first * float(2 ** min(attempts - 1, 20)), LONGEST_PAUSE)
    asked = result.retry_after if isinstance(result, RetryableError) and result.retry_after else 0.0
    return max(pause, min(timedelta(seconds=asked), LONGEST_PAUSE))


async def sweep_alerts(services: Services) -> None:
    """Enqueue alerts whose job was lost. Their next attempt is long due and nobody makes it."""
    query = text(
        """
        SELECT id FROM alert WHERE status = 'pending' AND next_attempt_at < now() - interval '30 seconds' LIMIT 500
        """
    )
    async with services.engine.begin() as connection:
        lost = (await connection.execute(query)).scalars().all()
        await enqueue(connection, [DeliverAlert(str(alert_id)) for alert_id in lost])
