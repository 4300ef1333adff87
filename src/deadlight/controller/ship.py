"""Sends the inventory: batches in order, one in flight, until the service holds what the cluster holds."""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from deadlight.client.backoff import PATIENT, Backoff
from deadlight.client.errors import RejectedError
from deadlight.controller.batches import BATCH_OBJECTS, inventory_batch
from deadlight.controller.deltas import Change, Cut, Deltas
from deadlight.controller.health import Health
from deadlight.model.wire import ClusterRecord, InventoryAck, InventoryBatch

MOST_LOGGED_REJECTIONS = 10

logger = logging.getLogger(__name__)


class InventoryService(Protocol):
    """Where batches go: returns after commit, raises `RejectedError` for what will never be taken."""

    async def send_inventory(self, batch: InventoryBatch) -> InventoryAck:
        """Deliver one batch."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When batches are sent, times in seconds.

    A batch leaves `linger` after its first change or when it is full. An idle controller sends an empty one every
    `verify`, so that the service can compare digests even if nothing ever changes.
    """

    linger: float = 0.1
    verify: float = 300.0
    batch_objects: int = BATCH_OBJECTS
    backoff: Backoff = PATIENT


STEADY = Rhythm()


class Shipper:
    """Takes changes at any time; `run` sends them. `synced` is set once the service holds everything."""

    def __init__(
        self, service: InventoryService, cluster: ClusterRecord, health: Health, rhythm: Rhythm = STEADY
    ) -> None:
        self.synced = asyncio.Event()
        self._service = service
        self._cluster = cluster
        self._health = health
        self._rhythm = rhythm
        self._deltas = Deltas()
        self._changed = asyncio.Event()
        self._full = asyncio.Event()
        self._due_at = 0.0
        """When the next batch is to leave, in monotonic seconds; meaningful while `_changed` is set."""
        self._must_send = False
        """The next batch goes out even if it carries no object."""
        self._setbacks = 0
        """Batches in a row that did not bring the service closer to holding what the cluster holds."""

    def apply(self, changes: Iterable[Change]) -> bool:
        """Take in changes; returns whether any of them was news."""
        if not any([self._deltas.apply(change) for change in changes]):  # noqa: C419 - every change counts
            return False
        self._expect(self._rhythm.linger)
        if not self._full.is_set() and self._deltas.pending >= self._rhythm.batch_objects:
            self._full.set()
        return True

    def describe(self, cluster: ClusterRecord) -> None:
        """Send the cluster's own record where it has changed."""
        if cluster != self._cluster:
            self._cluster = cluster
            self._demand()

    def held(self) -> dict[str, int]:
        """How many objects of each kind the cluster holds."""
        return self._deltas.held()

    async def run(self) -> None:
        """Announce everything, then send changes until cancelled. Begin only when the inventory is complete."""
        self._begin_sync("first contact")
        while True:
            await self._wait()
            await self._send()

    async def _wait(self) -> None:
        if self._deltas.is_syncing:
            return
        if await _within(self._rhythm.verify, self._changed):
            await _within(self._due_at - time.monotonic(), self._full)
        else:
            self._must_send = True

    async def _send(self) -> None:
        self._changed.clear()
        self._full.clear()
        cut = self._deltas.cut(self._rhythm.batch_objects)
        if self._deltas.pending:
            self._expect(0.0)
        if cut.is_empty and not self._must_send:
            return
        self._must_send = False
        batch = inventory_batch(cut, self._cluster, uuid.uuid4().hex)
        try:
            acknowledged = await self._service.send_inventory(batch)
        except RejectedError as error:
            self._health.counts.refused_batches += 1
            await self._set_back(str(error))
        else:
            self._health.counts.batches += 1
            await self._settle(cut, acknowledged)

    async def _settle(self, cut: Cut, acknowledged: InventoryAck) -> None:
        if acknowledged.rejected:
            self._reject(acknowledged)
        if acknowledged.resync and acknowledged.rejected:
            self._demand()  # what was rejected makes the digests differ by itself: have them compared without it
        elif acknowledged.resync:
            await self._set_back("the service asks for it")
        elif cut.digest is not None:
            self._setbacks = 0
            self._health.cleared("inventory")
            self.synced.set()

    def _reject(self, acknowledged: InventoryAck) -> None:
        self._health.counts.rejected_objects += len(acknowledged.rejected)
        self._deltas.refuse(rejection.uid for rejection in acknowledged.rejected)
        for rejection in acknowledged.rejected[:MOST_LOGGED_REJECTIONS]:
            logger.warning("the service rejected object %s: %s", rejection.uid, rejection.reason)

    async def _set_back(self, reason: str) -> None:
        """Announce everything again: at once the first time, with growing pauses while that does not help."""
        if self._setbacks:
            self._health.trouble("inventory", f"announcing everything again does not help: {reason}")
            await asyncio.sleep(self._rhythm.backoff.delay(self._setbacks - 1))
        self._setbacks += 1
        self._health.counts.resyncs += 1
        self._begin_sync(reason)

    def _begin_sync(self, reason: str) -> None:
        logger.info("announcing everything: %s", reason)
        self._deltas.begin_sync(uuid.uuid4().hex)

    def _demand(self) -> None:
        self._must_send = True
        self._expect(0.0)

    def _expect(self, seconds: float) -> None:
        """Have a batch leave in so many seconds, unless one is expected already."""
        if not self._changed.is_set():
            self._due_at = time.monotonic() + seconds
            self._changed.set()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether `event` is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
