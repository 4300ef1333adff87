"""Changing advisories one after the other: grouping looks at everything an advisory is connected with.

A first copy of a large ecosystem is one transaction of minutes, longer than any statement may take. So nobody waits in
the database: whose turn it is not asks again, and callers say how long that is of use.
"""

import asyncio
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.errors import UnavailableError

PATIENCE = timedelta(seconds=20)
"""How long a person's request waits."""

ASK_AGAIN_AFTER = timedelta(milliseconds=200)

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtext('advisories'))")


class AdvisoriesBusyError(UnavailableError):
    """Somebody else is changing advisories, and has been for longer than the caller would wait."""

    code = "advisories_busy"


async def wait_for_turn(connection: AsyncConnection, patience: timedelta | None = PATIENCE) -> None:
    """Have advisories to oneself until the caller's transaction ends; who has them already goes on at once.

    Raises:
        AdvisoriesBusyError: after `patience`; never, where that is None.
    """
    waited = timedelta(0)
    while not (await connection.execute(_TRY)).scalar_one():
        if patience is not None and waited >= patience:
            raise AdvisoriesBusyError(
                "advisories of a feed or of another import are being taken, which can take minutes: try again then"
            )
        await asyncio.sleep(ASK_AGAIN_AFTER.total_seconds())
        waited += ASK_AGAIN_AFTER
