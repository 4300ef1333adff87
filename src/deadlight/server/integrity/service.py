"""From an answer of a registry to verdicts, violations and events, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference
from deadlight.model.integrity import ViolationType
from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.events.outbox import record_events
from deadlight.server.integrity.comparison import CompareImages
from deadlight.server.integrity.evidence import Circumstances, build_evidence
from deadlight.server.integrity.locations import LOCK_WORKLOADS, close_empty_violations, follow_locations
from deadlight.server.integrity.mutability import PINNED, Mutability, TagPatterns, decide_mutability, moved_before
from deadlight.server.integrity.sources import NOBODY, Push, TagHistory, load_tag_history, lock_source
from deadlight.server.integrity.store import (
    close_violations,
    confirm_violations,
    find_verdicts,
    mark_stale,
    open_violation,
    store_verdicts,
)
from deadlight.server.integrity.verdict import Answer, Verdict, judge
from deadlight.server.jobs.queue import enqueue
from deadlight.server.registries.service import Registry
from deadlight.server.registries.stored_facts import read_facts

# Those that are deployed, never judged, or have something open; a tag that nothing has any more keeps its verdict.
_IMAGE_TAGS = text(
    """
    SELECT image_tag.*,
           (SELECT min(container.started_at) FROM container
            WHERE container.image_tag_id = image_tag.id
              AND (container.removed_at IS NULL OR NOT is_deployed)) AS deployed_at,
           is_deployed, EXISTS (SELECT FROM container WHERE container.image_tag_id = image_tag.id) AS has_run
    FROM image_tag,
         LATERAL (SELECT EXISTS (SELECT FROM workload WHERE image_tag_ids @> ARRAY[image_tag.id]
                                 AND workload.removed_at IS NULL) AS is_deployed) AS deployment
    WHERE registry = :registry AND repository = :repository
      AND coalesce(nullif(pinned_digest, ''), tag) = :reference
      AND (is_deployed
           OR NOT EXISTS (SELECT FROM verdict WHERE verdict.image_tag_id = image_tag.id)
           OR EXISTS (SELECT FROM violation WHERE violation.image_tag_id = image_tag.id AND closed_at IS NULL))
    ORDER BY id
    """
)


async def judge_source(connection: AsyncConnection, source_id: int, answer: Answer, registry: Registry | None) -> None:
    """Judge every image tag that names this source, and settle what follows.

    `registry` is the one it is in, where somebody added that; a source that is not trusted has `Untrusted` as answer.
    """
    source = await lock_source(connection, source_id)
    known = _Known(source, registry, await load_tag_history(connection, source_id), read_facts(source.facts))
    judged: list[_Judged] = []
    for image_tag, previous in await _list_image_tags(connection, source):
        verdict = judge(image_tag.digest, answer, known.mutability(image_tag), previous=previous)
        if verdict is not None:
            judged.append(_Judged(previous, verdict, known.circumstances(image_tag, verdict, is_new=previous is None)))
    await _settle(connection, judged)


class _Known(NamedTuple):
    """What is known of a source, whatever it answered now."""

    source: Row[Any]
    registry: Registry | None
    history: TagHistory
    facts: ArtifactFacts

    def mutability(self, image_tag: Row[Any]) -> Mutability:
        """Whether the tag may move, and who says so."""
        if image_tag.pinned_digest:
            return PINNED
        registry = self.registry
        return decide_mutability(
            image_tag.tag,
            policy=self.facts.tag_policy,
            moved_before_deployment=moved_before(image_tag.first_seen_at, self.history.first_seen_at),
            patterns=TagPatterns(registry.mutable_tags, registry.immutable_tags) if registry else TagPatterns(),
        )

    def circumstances(self, image_tag: Row[Any], verdict: Verdict, *, is_new: bool) -> Circumstances:
        """What there is to say beside the verdict."""
        reference = ImageReference(image_tag.registry, image_tag.repository, image_tag.tag, image_tag.pinned_digest)
        source, registry, pushes = self.source, self.registry, self.history.pushes
        origin = registry.origin_of(reference) if registry else None
        return Circumstances(
            image_tag_id=image_tag.id,
            reference=str(reference),
            running_digest=image_tag.digest,
            platform=image_tag.platform,
            registry_type=registry.type if registry else "",
            deployed_at=image_tag.deployed_at,
            tag_seen_changed_at=source.changed_at,
            tag_updated_at=self.history.updated_at(verdict.expected_digest, source.changed_at),
            last_seen_present_at=self.history.last_present_at,
            is_exposed=image_tag.is_deployed or (is_new and image_tag.has_run),
            registry_link=self._link(verdict),
            origin=str(origin or self.facts.origin or ""),
            pushed=pushes.get(verdict.expected_digest, NOBODY),
            running_pushed=pushes.get(image_tag.digest, NOBODY),
            deleted=Push(source.deleted_by, source.deleted_at),
            restorable_from=self.facts.restorable_from,
        )

    def _link(self, verdict: Verdict) -> str:
        source = self.source
        artifact = verdict.expected_digest or source.reference
        return self.registry.link_to(source.repository, artifact, self.facts.link) if self.registry else ""


class _Judged(NamedTuple):
    """What is said of an image tag, and what was said before."""

    previous: Verdict | None
    verdict: Verdict
    circumstances: Circumstances

    @property
    def image_tag_id(self) -> int:
        """What is judged."""
        return self.circumstances.image_tag_id

    @property
    def is_violated(self) -> bool:
        """Whether a violation is to be open."""
        return self.verdict.violation is not None and self.circumstances.is_exposed

    @property
    def may_move(self) -> bool:
        """Whether its places are to be followed.

        So they are when it says something else than before, and as long as it is a violation: a workload that came
        just now may not have seen it.
        """
        changed = self.previous is None or self.previous.status is not self.verdict.status
        return changed or self.verdict.violation is not None


async def _settle(connection: AsyncConnection, judged: Sequence[_Judged]) -> None:
    """Store verdicts and violations, then open and close the places.

    Workloads are locked before violations are written, as whoever follows a workload does, and in one order for all.
    """
    settled = [item for item in judged if not item.verdict.stale_reason]
    to_follow = [item for item in settled if item.may_move]
    ids = {
        "image_tag_ids": [item.image_tag_id for item in to_follow],
        "new_ids": [item.image_tag_id for item in to_follow if item.previous is None],
    }
    workload_ids = (await connection.execute(LOCK_WORKLOADS, ids)).scalars().all() if to_follow else []
    await mark_stale(connection, [(item.image_tag_id, item.verdict) for item in judged if item.verdict.stale_reason])
    await store_verdicts(connection, [(item.image_tag_id, item.verdict) for item in settled])
    await _settle_violations(connection, settled)
    if to_follow:
        await record_events(connection, await follow_locations(connection, workload_ids, **ids))
        await close_empty_violations(connection, ids["image_tag_ids"])


async def _settle_violations(connection: AsyncConnection, settled: Sequence[_Judged]) -> None:
    """Keep the violations that stand, with their evidence and first detection; close and open the others."""
    over = {item.image_tag_id: _over(item.verdict) for item in settled if not item.is_violated}
    await close_violations(connection, over)
    violated = {item.image_tag_id: item for item in settled if item.is_violated}
    types = {id_: item.verdict.violation for id_, item in violated.items() if item.verdict.violation}
    for id_ in sorted(violated.keys() - await confirm_violations(connection, types)):
        await close_violations(connection, {id_: f"became {types[id_].value}"})
        evidence = build_evidence(violated[id_].verdict, violated[id_].circumstances)
        opened = await open_violation(connection, id_, types[id_], evidence)
        if types[id_] is not ViolationType.MISSING_SOURCE:
            await enqueue(connection, [CompareImages(opened)])


def _over(verdict: Verdict) -> str:
    return "no longer deployed" if verdict.violation else f"now {verdict.status.value}"


async def _list_image_tags(connection: AsyncConnection, source: Row[Any]) -> Sequence[tuple[Row[Any], Verdict | None]]:
    """The image tags a source speaks of, with the verdicts that stand."""
    key = {"registry": source.registry, "repository": source.repository, "reference": source.reference}
    rows = (await connection.execute(_IMAGE_TAGS, key)).all()
    verdicts = await find_verdicts(connection, [row.id for row in rows])
    return [(row, verdicts.get(row.id)) for row in rows]
