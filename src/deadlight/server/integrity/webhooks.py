"""Taking a registry's webhook: is it really from there, and which tags does it speak of?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry.notifications import (
    NOTIFICATIONS,
    InvalidNotificationError,
    Notification,
    NotificationFormat,
)
from deadlight.server.errors import UnauthorizedError
from deadlight.server.integrity.jobs import CheckSource
from deadlight.server.integrity.notices import Notice, find_sources
from deadlight.server.integrity.rechecks import CheckSources
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.webhooks import WebhookKey, count_accepted, count_refused, find_webhook_key
from deadlight.server.services import Services

MAX_CHECKS = 500
"""That follow from one delivery; what is beyond waits for the schedule."""

_REFUSED = "this is no webhook that was set up here, or its secret is not the one it was set up with"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came to the address of a registry's webhook."""

    registry_id: int
    product: str
    headers: Mapping[str, str]
    body: bytes
    url_token: str
    """The parameter `token` of the address."""


async def take_webhook(services: Services, delivery: Delivery) -> int:
    """Enqueue checks of what a delivery speaks of; returns how many.

    What cannot be read is counted and taken all the same: some products repeat a refused delivery for ever.

    Raises:
        UnauthorizedError: it does not show that its sender knows the registry's secret.
    """
    form, id_ = NOTIFICATIONS.get(delivery.product), delivery.registry_id
    async with services.engine.begin() as connection:
        key = await find_webhook_key(connection, services.cipher, id_)
        if form is not None and key is not None and _is_genuine(form, key, delivery):
            return await _follow(connection, form, key, delivery)
        await count_refused(connection, id_, _describe_refusal(form, key))
    raise UnauthorizedError(_REFUSED)


def _is_genuine(form: NotificationFormat, key: WebhookKey, delivery: Delivery) -> bool:
    return form.verify(delivery.headers, delivery.body, key.secret, url_token=delivery.url_token)


async def _follow(connection: AsyncConnection, form: NotificationFormat, key: WebhookKey, delivery: Delivery) -> int:
    try:
        notifications = form.parse(delivery.headers, delivery.body)
    except InvalidNotificationError as error:
        await count_refused(connection, delivery.registry_id, str(error))
        return 0
    checks = await _list_checks(connection, key.host, notifications)
    unexplained = [source_id for source_id, notice in checks if notice is None]
    jobs: list[Job] = [CheckSource(source_id, notice) for source_id, notice in checks if notice is not None]
    await enqueue(connection, [*jobs, CheckSources(key.host, unexplained)] if unexplained else jobs)
    await count_accepted(connection, delivery.registry_id)
    return len(checks)


def _describe_refusal(form: NotificationFormat | None, key: WebhookKey | None) -> str:
    if form is None:
        return "it was sent to an address that names no product"
    return "it does not carry the secret" if key else "no secret has been made for it"


async def _list_checks(
    connection: AsyncConnection, host: str, notifications: Sequence[Notification]
) -> list[tuple[int, Notice | None]]:
    """The sources to check, each once for each thing that is said of it."""
    now = datetime.now(UTC)
    checks: dict[tuple[int, Notice | None], None] = {}
    for notification in notifications:
        notice = _notice(notification, now)
        checks |= dict.fromkeys((id_, notice) for id_ in await find_sources(connection, host, notification))
        if len(checks) >= MAX_CHECKS:
            break
    return list(checks)[:MAX_CHECKS]


def _notice(notification: Notification, now: datetime) -> Notice | None:
    """What is said, with when; None where that is only that something in the repository is another."""
    if not notification.tag and not notification.digest:
        return None
    at = notification.at or now
    return Notice(notification.action, notification.digest, notification.actor, at, notification.tag)
