"""Signatures and provenance as rows, and which images are to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry.attestations.evidence import AttestationEvidence
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.tables.attestations import attestation

CHECK_INTERVAL = timedelta(days=1)
"""A signature may be added, or an attestation, long after the image: it is looked for again."""

FIRST_LOOK = timedelta(seconds=10)
"""After an image was first seen: by then its registry has mostly told which index it is part of."""

FIRST_RETRY = timedelta(minutes=1)

# A signature is for the image of one platform or for the index it is part of. What was scanned is the platform's
# manifest, also where the node names it by its configuration; the tag's record has the index it is in.
_TARGET = text(
    """
    SELECT image_tag.registry, image_tag.repository, image_tag.digest, image.digest AS manifest_digest,
           CASE WHEN source.state = 'present' THEN source.record ->> 'digest' END AS index_digest,
           jsonb_path_exists(source.record, '$.manifests[*] ? (@.digest == $running || @.config_digest == $running)',
                             jsonb_build_object('running', image_tag.digest)) AS is_in_index
    FROM image_tag
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image ON image.id = image_tag_image.image_id
    LEFT JOIN source_record AS source
      ON source.registry = image_tag.registry AND source.repository = image_tag.repository
     AND source.reference = coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag)
    WHERE image_tag.id = :image_tag_id
    """
)

_DUE = text(
    """
    UPDATE attestation SET next_check_at = now() + :pause
    WHERE image_tag_id IN (
        SELECT due.image_tag_id FROM attestation AS due
        WHERE due.next_check_at <= now() AND EXISTS (
            SELECT FROM container WHERE container.image_tag_id = due.image_tag_id
              AND container.state = 'running' AND container.removed_at IS NULL)
        ORDER BY due.next_check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING image_tag_id
    """
)


@dataclass(frozen=True, slots=True)
class Target:
    """An image whose attachments are looked for."""

    registry: str
    repository: str
    digests: tuple[str, ...]
    """Of its manifest and of the index it is part of, as far as they are known."""


async def find_target(connection: AsyncConnection, image_tag_id: int) -> Target | None:
    """What to look for, or None where the image tag has been removed."""
    row = (await connection.execute(_TARGET, {"image_tag_id": image_tag_id})).first()
    if row is None:
        return None
    digests = [row.digest, row.manifest_digest, row.index_digest if row.is_in_index else None]
    return Target(row.registry, row.repository, tuple(dict.fromkeys(digest for digest in digests if digest)))


async def ensure_attestation(connection: AsyncConnection, image_tag_id: int) -> None:
    """A row for an image tag that is new."""
    new = insert(attestation).values(image_tag_id=image_tag_id, next_check_at=func.now() + FIRST_LOOK)
    await connection.execute(new.on_conflict_do_nothing())


async def store_evidence(connection: AsyncConnection, image_tag_id: int, evidence: AttestationEvidence) -> None:
    """Keep what was found."""
    values = {
        "state": evidence.state.value,
        "evidence": without_zero_bytes(evidence.to_dict()),
        "checked_at": func.now(),
        "failures": 0,
        "problem": "",
        "next_check_at": func.now() + CHECK_INTERVAL * (0.9 + 0.2 * func.random()),
    }
    await _update(connection, image_tag_id, values)


async def store_problem(connection: AsyncConnection, image_tag_id: int, problem: str) -> None:
    """Keep that nothing could be looked for; what was found before stays."""
    pause = func.least(FIRST_RETRY * func.power(2, func.least(attestation.c.failures, 12)), CHECK_INTERVAL)
    values = {"problem": problem, "failures": attestation.c.failures + 1, "next_check_at": func.now() + pause}
    await _update(connection, image_tag_id, values)


async def _update(connection: AsyncConnection, image_tag_id: int, values: dict[str, Any]) -> None:
    await connection.execute(update(attestation).where(attestation.c.image_tag_id == image_tag_id).values(**values))


async def claim_due(connection: AsyncConnection, limit: int) -> Sequence[int]:
    """Running image tags that are to be looked at; they are due again soon unless something is stored."""
    return (await connection.execute(_DUE, {"pause": FIRST_RETRY, "limit": limit})).scalars().all()


async def make_all_due(connection: AsyncConnection) -> None:
    """Look at every image tag again: who is trusted has changed."""
    await connection.execute(text("UPDATE attestation SET next_check_at = now()"))


_REGISTRY_DUE = text(
    """
    UPDATE attestation SET next_check_at = now()
    WHERE image_tag_id IN (SELECT id FROM image_tag WHERE registry = :host)
    """
)
_IMAGE_DUE = text(
    """
    UPDATE attestation SET next_check_at = now()
    WHERE image_tag_id IN (SELECT image_tag_id FROM image_tag_image WHERE image_id = :image_id)
    """
)


async def make_registry_due(connection: AsyncConnection, host: str) -> None:
    """Look at the image tags of a registry again."""
    await connection.execute(_REGISTRY_DUE, {"host": host})


async def make_image_due(connection: AsyncConnection, image_id: int) -> None:
    """Look at the image tags of an image again."""
    await connection.execute(_IMAGE_DUE, {"image_id": image_id})


async def find_attestation(connection: AsyncConnection, image_tag_id: int) -> Row[Any] | None:
    """What is known of an image tag's signatures."""
    return (await connection.execute(select(attestation).where(attestation.c.image_tag_id == image_tag_id))).first()
