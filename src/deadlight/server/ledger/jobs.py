"""What the ledger does every so often."""

import logging

from deadlight.server.ledger.reconcile import list_missed, lock_workloads, reconcile
from deadlight.server.ledger.suppressions import end_expired
from deadlight.server.services import Services

logger = logging.getLogger(__name__)

AT_ONCE = 200
"""Workloads that share a transaction."""


async def repair_windows(services: Services) -> None:
    """Open and close what no event led to, until nothing is left of it.

    Such windows say so (`repaired`), and are counted: none are expected once an upgrade has been caught up with.
    """
    missed = await _repair(services)
    while len(missed) == AT_ONCE:
        more = await _repair(services)
        if more == missed:
            return  # looked for and found in line: the next sweep may know better
        missed = more


async def _repair(services: Services) -> list[int]:
    async with services.engine.begin() as connection:
        missed = await list_missed(connection, AT_ONCE)
        await lock_workloads(connection, missed)
        done = await reconcile(connection, missed, repaired=True)
    if any(done):
        logger.warning("exposure windows repaired", extra=done._asdict())
    return missed


async def end_suppressions(services: Services) -> None:
    """What is still open when a suppression's time has come is live again, and told."""
    count = AT_ONCE
    while count == AT_ONCE:
        async with services.engine.begin() as connection:
            count = await end_expired(connection, AT_ONCE)
