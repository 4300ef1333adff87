"""What a registry said about a tag, and what the service makes of it, without a registry."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Row
from tests.server.integrity.checks import Checks
from tests.support.fleet import REGISTRY, Fleet, digest
from tests.support.inventory import STARTED
from tests.support.registries import ServedRegistry, serve_registry

from deadlight.model.event import EventType
from deadlight.model.image import Platform
from deadlight.registry import SourceManifest, SourceRecord
from deadlight.server.events.outbox import Event
from deadlight.server.integrity.handlers import follow_workload
from deadlight.server.integrity.service import judge_source
from deadlight.server.integrity.sources import Reply, SourceKey, ensure_source, store_reply
from deadlight.server.integrity.verdict import Missing, Present, Unavailable, Untrusted
from deadlight.server.registries.service import Registry
from deadlight.server.services import Services

INTERVAL = timedelta(minutes=5)


def found(*digests: str, **more: Any) -> Reply:
    """The registry has it: the digest of an index, then those of its manifests."""
    manifests = tuple(SourceManifest(Platform(), item, "") for item in digests[1:] or digests)
    record = SourceRecord("shop/web", "1.0.0", digests[0], len(digests) > 1, "", manifests, **more)
    return Reply(Present(record.digest, record.digests), record)


MISSING = Reply(Missing())
AWAY = Reply(Unavailable("it refuses connections"))


def trusted(**more: Any) -> Registry:
    """A registry somebody added."""
    values: dict[str, Any] = {"mutable_tags": (), "immutable_tags": (), "mirrors": (), "password_encrypted": None}
    values |= {"url": "", "username": "", "verify_tls": True}
    return Registry(REGISTRY, "oci", trusted=True, **values | more)


@dataclass
class Judge:
    """Judges `registry.example/shop/web:1.0.0`, or another reference of that repository."""

    fleet: Fleet
    reference: str = "1.0.0"

    async def hear(self, reply: Reply | None, registry: Registry | None = None) -> None:
        """The registry answered; None says that nobody trusts it."""
        async with self.fleet.engine.begin() as connection:
            source_id = await ensure_source(connection, SourceKey(REGISTRY, "shop/web", self.reference))
            if reply is None:
                await judge_source(connection, source_id, Untrusted(), None)
                return
            await store_reply(connection, source_id, reply, INTERVAL)
            await judge_source(connection, source_id, reply.answer, registry or trusted())

    async def verdict(self, image_tag_id: int) -> Row[Any]:
        """The one that stands for an image tag."""
        (row,) = await self.fleet.rows("SELECT * FROM verdict WHERE image_tag_id = :id", id=image_tag_id)
        return row

    async def violations(self) -> Sequence[Row[Any]]:
        """All there ever were, in order."""
        return await self.fleet.rows("SELECT * FROM violation ORDER BY id")

    async def places(self, *, gone: bool = False) -> list[int]:
        """The workloads in which a violation is, or was."""
        query = "SELECT workload_id FROM violation_location WHERE (gone_at IS NOT NULL) = :gone ORDER BY id"
        return [row.workload_id for row in await self.fleet.rows(query, gone=gone)]

    async def source(self) -> Row[Any]:
        """What is kept of the registry's answers."""
        (row,) = await self.fleet.rows("SELECT * FROM source_record WHERE reference = :ref", ref=self.reference)
        return row

    async def follow(self, workload_id: int) -> None:
        """The workload has changed."""
        (row,) = await self.fleet.rows("SELECT image_tag_ids FROM workload WHERE id = :id", id=workload_id)
        data = {"workload_id": workload_id, "image_tag_ids": row.image_tag_ids, "image_tag_ids_before": []}
        event = Event(1, uuid4(), EventType.WORKLOAD_CHANGED, "", data, STARTED)
        async with self.fleet.engine.begin() as connection:
            await follow_workload(connection, event)

    async def checks(self) -> int:
        """How many checks are queued."""
        (row,) = await self.fleet.rows("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check_source'")
        return int(row[0])


@pytest.fixture
def judge(fleet: Fleet) -> Judge:
    """Without a registry."""
    return Judge(fleet)


RUNNING, PUSHED, LATER = digest("running"), digest("pushed"), digest("later")


@pytest.fixture
async def image_tag_id(fleet: Fleet) -> int:
    return await fleet.add_image_tag(digest=RUNNING)


@pytest.fixture
async def registry() -> AsyncIterator[ServedRegistry]:
    async with serve_registry() as served:
        yield served


@pytest.fixture
async def checks(services: Services, registry: ServedRegistry, fleet: Fleet) -> Checks:
    """With the registry added."""
    checks = Checks(services, registry, fleet)
    await checks.trust()
    return checks
