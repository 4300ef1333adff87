"""The secret by which a registry's webhooks are known, and how many came."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry.notifications import NOTIFICATIONS
from deadlight.server.errors import BadRequestError, NotFoundError
from deadlight.server.registries.schemas import WebhookSetup
from deadlight.server.secrets import TOKEN_BYTES, Cipher, UndecipherableError
from deadlight.server.tables.registries import registry

MAX_PROBLEM_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """What a delivery for a registry is verified by."""

    host: str
    secret: str = field(repr=False)


async def make_webhook_secret(
    connection: AsyncConnection, cipher: Cipher, public_url: str, registry_id: int, product: str
) -> WebhookSetup:
    """Make a secret, in place of the one there may be, and say what to do with it at the product.

    Raises:
        BadRequestError: no such product.
        NotFoundError: no such registry.
    """
    form = NOTIFICATIONS.get(product)
    if form is None:
        raise BadRequestError(f"{product!r} sends no webhooks that can be read: one of {', '.join(NOTIFICATIONS)}")
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    values = {"webhook_secret_encrypted": cipher.encrypt(secret), "webhook_created_at": func.now()}
    await _change(connection, registry_id, values | {"webhook_problem": ""})
    url = f"{public_url.rstrip('/')}/api/v1/registries/{registry_id}/notifications/{product}"
    setup = form.instructions(url, secret)
    return WebhookSetup(url=url, secret=secret, steps=list(setup.steps), configuration=setup.configuration)


async def remove_webhook_secret(connection: AsyncConnection, registry_id: int) -> None:
    """Take no webhooks of a registry any more; raises NotFoundError."""
    await _change(connection, registry_id, {"webhook_secret_encrypted": None, "webhook_created_at": None})


async def _change(connection: AsyncConnection, registry_id: int, values: Mapping[str, object]) -> None:
    changed = update(registry).where(registry.c.id == registry_id).values(**values).returning(registry.c.id)
    if (await connection.execute(changed)).first() is None:
        raise NotFoundError("no such registry")


async def find_webhook_key(connection: AsyncConnection, cipher: Cipher, registry_id: int) -> WebhookKey | None:
    """The host and secret of a registry; None where it has no secret, or one that cannot be read any more."""
    query = select(registry.c.host, registry.c.webhook_secret_encrypted).where(registry.c.id == registry_id)
    row = (await connection.execute(query)).first()
    if row is None or row.webhook_secret_encrypted is None:
        return None
    try:
        return WebhookKey(row.host, cipher.decrypt(row.webhook_secret_encrypted))
    except UndecipherableError:
        return None


async def count_accepted(connection: AsyncConnection, registry_id: int) -> None:
    """A delivery was taken."""
    values = {"webhooks_accepted": registry.c.webhooks_accepted + 1, "webhook_accepted_at": func.now()}
    await connection.execute(update(registry).where(registry.c.id == registry_id).values(**values))


async def count_refused(connection: AsyncConnection, registry_id: int, problem: str) -> None:
    """A delivery was not taken, or could not be read."""
    values = {
        "webhooks_refused": registry.c.webhooks_refused + 1,
        "webhook_refused_at": func.now(),
        "webhook_problem": problem[:MAX_PROBLEM_CHARACTERS],
    }
    await connection.execute(update(registry).where(registry.c.id == registry_id).values(**values))
