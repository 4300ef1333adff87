"""Looking for what is attached to images: the part that asks registries."""

import asyncio
from typing import ClassVar, NamedTuple

from deadlight.registry import RegistryError
from deadlight.registry.attestations.attached import collect
from deadlight.registry.attestations.evidence import AttestationEvidence, assess
from deadlight.registry.attestations.trust import TrustedSigners
from deadlight.server.attestations.signers import load_trusted
from deadlight.server.attestations.store import Target, claim_due, find_target, store_evidence, store_problem
from deadlight.server.db.engine import autocommit
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.service import Registry, client_for, find_registry
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services

CHECKS_PER_ROUND = 100


class CheckAttestations(Job, frozen=True):
    """Look for the signatures and provenance of an image tag."""

    name: ClassVar[str] = "check_attestations"
    priority: ClassVar[int] = -1
    """Verdicts come first."""
    image_tag_id: int


async def check_attestations(services: Services, job: CheckAttestations) -> None:
    """Ask the registry and keep what it proves, or why it could not be asked."""
    asked, now = None, await _load(services, job.image_tag_id)
    while now is not None and now != asked:  # each time after the first is one in which somebody changed it meanwhile
        asked, found = now, await _look(services, now)
        async with services.engine.begin() as connection:
            if isinstance(found, str):
                await store_problem(connection, job.image_tag_id, found)
            else:
                await store_evidence(connection, job.image_tag_id, found)
        now = await _load(services, job.image_tag_id)


class _Question(NamedTuple):
    target: Target
    registry: Registry | None
    trusted: TrustedSigners


async def _load(services: Services, image_tag_id: int) -> _Question | None:
    """All that the answer depends on; None where the image tag has been removed."""
    async with autocommit(services.engine) as connection:
        target = await find_target(connection, image_tag_id)
        if target is None:
            return None
        trusted = await load_trusted(connection, f"{target.registry}/{target.repository}")
        return _Question(target, await find_registry(connection, target.registry), trusted)


async def _look(services: Services, asked: _Question) -> AttestationEvidence | str:
    """The evidence, or why there is none."""
    target, registry, trusted = asked
    if registry is None or not registry.trusts(target.repository):
        return f"{target.registry} is not trusted here, so it is not asked"
    try:
        found = await collect(client_for(services, registry), target.repository, target.digests)
    except (RegistryError, UndecipherableError) as error:
        return str(error)
    digests = frozenset(target.digests)
    return await asyncio.to_thread(assess, found, digests, trusted, services.verify_bundle)


async def check_due_attestations(services: Services) -> None:
    """Enqueue a look at every image whose time has come; the schedule runs this."""
    async with services.engine.begin() as connection:
        due = await claim_due(connection, CHECKS_PER_ROUND)
        await enqueue(connection, [CheckAttestations(image_tag_id) for image_tag_id in due])
