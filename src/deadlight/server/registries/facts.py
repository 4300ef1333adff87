"""What registries' own APIs know of running images: asked when one is first seen, and rarely again."""

import random
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference
from deadlight.registry import InvalidEndpointError, RegistryError
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, RegistryApi
from deadlight.server.db.engine import autocommit
from deadlight.server.events.outbox import Event
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.service import Registry, connection_for, find_registry
from deadlight.server.registries.stored_facts import write_facts
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.inventory import image_tag

REFRESH = timedelta(days=1)
"""Who built and pushed something does not change; what it is and where it was promoted to may."""

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
FETCHES_PER_ROUND = 200
LONGEST_PROBLEM = 500


class FetchFacts(Job, frozen=True):
    """Ask the registry's own API what it knows of an image tag."""

    name: ClassVar[str] = "fetch_facts"
    priority: ClassVar[int] = -1
    """Verdicts come first."""
    image_tag_id: int


_EXPECT = text(
    """
    INSERT INTO artifact_facts (image_tag_id) SELECT id FROM image_tag WHERE registry = :host
    ON CONFLICT (image_tag_id) DO UPDATE SET next_fetch_at = now(), failures = 0
    """
)
_DUE = text(
    """
    UPDATE artifact_facts SET next_fetch_at = now() + :lease WHERE image_tag_id IN (
        SELECT image_tag_id FROM artifact_facts AS due
        WHERE due.next_fetch_at <= now() AND EXISTS (
            SELECT FROM container WHERE container.image_tag_id = due.image_tag_id
              AND container.state = 'running' AND container.removed_at IS NULL)
        ORDER BY due.next_fetch_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING image_tag_id
    """
)
_STORE = text(
    """
    INSERT INTO artifact_facts (image_tag_id, facts, fetched_at, next_fetch_at)
    SELECT id, CAST(:facts AS jsonb), now(), now() + :pause FROM image_tag WHERE id = :image_tag_id
    ON CONFLICT (image_tag_id) DO UPDATE SET facts = EXCLUDED.facts, fetched_at = EXCLUDED.fetched_at,
        next_fetch_at = EXCLUDED.next_fetch_at, failures = 0, problem = ''
    """
)
_FAIL = text(
    """
    INSERT INTO artifact_facts (image_tag_id, failures, problem, next_fetch_at)
    SELECT id, 1, :problem, now() + :first FROM image_tag WHERE id = :image_tag_id
    ON CONFLICT (image_tag_id) DO UPDATE SET failures = artifact_facts.failures + 1, problem = EXCLUDED.problem,
        next_fetch_at = now() + least(:first * power(2, least(artifact_facts.failures, 16)), :longest)
    """
)
_FORGET = text("DELETE FROM artifact_facts WHERE image_tag_id = :image_tag_id")


async def ask_for_facts(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: ask the registry's own API about it, where it has one."""
    await enqueue(connection, [FetchFacts(event.data["image_tag_id"])])


async def ask_registry_again(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: it may be of another type now, or let us in; the schedule asks."""
    await connection.execute(_EXPECT, {"host": event.data["host"]})


async def fetch_facts(services: Services, job: FetchFacts) -> None:
    """Ask, and keep the answer or why there is none. A registry without an API of its own has nothing to say."""
    changed = True
    while changed:  # somebody did that to the registry while it was asked
        async with autocommit(services.engine) as connection:
            row = (await connection.execute(select(image_tag).where(image_tag.c.id == job.image_tag_id))).first()
            registry = await find_registry(connection, row.registry) if row else None
        answer = await _ask(services, registry, row) if registry and row and registry.trusts(row.repository) else None
        async with autocommit(services.engine) as connection:
            await _keep(connection, job.image_tag_id, answer)  # who changes the registry from now on has it asked again
            changed = row is not None and await find_registry(connection, row.registry) != registry


async def _keep(connection: AsyncConnection, image_tag_id: int, answer: ArtifactFacts | str | None) -> None:
    parameters: dict[str, Any] = {"image_tag_id": image_tag_id}
    if answer is None:
        await connection.execute(_FORGET, parameters)
    elif isinstance(answer, str):
        pauses = {"first": FIRST_RETRY, "longest": LONGEST_RETRY}
        await connection.execute(_FAIL, {**parameters, **pauses, "problem": answer[:LONGEST_PROBLEM]})
    else:
        pause = REFRESH * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
        facts = msgspec.json.encode(write_facts(answer)).decode()
        await connection.execute(_STORE, {**parameters, "facts": facts, "pause": pause})


async def _ask(services: Services, registry: Registry, row: Row[Any]) -> ArtifactFacts | str | None:
    """What it knows, why it could not be asked, or None where there is nothing to ask."""
    reference = ImageReference(row.registry, row.repository, row.tag, row.pinned_digest)
    try:
        api = api_for(services, registry)
        return await api.fetch_facts(reference, row.digest) if api else None
    except (RegistryError, UndecipherableError, InvalidEndpointError) as error:
        return str(error).replace("\0", "")


def api_for(services: Services, registry: Registry) -> RegistryApi | None:
    """The registry's own API, None for a type that knows no more than where its manifests are.

    Raises:
        UndecipherableError: see `Registry.endpoint`.
        InvalidEndpointError: its settings cannot work.
    """
    row = services.registry_types.get(registry.type)
    if row is None or row.features <= {Feature.LINK}:
        return None
    return connection_for(services, registry).api


async def fetch_due_facts(services: Services) -> None:
    """Enqueue what is due of running images; the schedule runs this."""
    async with services.engine.begin() as connection:
        parameters = {"lease": FIRST_RETRY, "limit": FETCHES_PER_ROUND}
        due = (await connection.execute(_DUE, parameters)).scalars().all()
        await enqueue(connection, [FetchFacts(image_tag_id) for image_tag_id in due])
