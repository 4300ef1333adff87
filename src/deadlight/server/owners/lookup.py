"""Who is responsible for a workload: the owners map, then what it or its namespace says, then who built its image."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.errors import NotFoundError
from deadlight.server.findings.image_facts import ImageFacts, load_image_facts
from deadlight.server.owners.rules import Owner, Rule, Subject, find_rule
from deadlight.server.owners.said import find_said_owner, owner_by_build
from deadlight.server.tables.owners import owner_rule

NOBODY = Owner()

Place = tuple[int, tuple[int, ...] | None]
"""A workload, and which of its images it is about: ids of image tags; None: all that it has."""

UNKNOWN = (
    "No rule of the owners map matches, neither the workload nor its namespace names an owner, and no image says who "
    "built it. Add a rule under Administration > Owners, or annotate the workload or its namespace with "
    "deadlight.io/owner and deadlight.io/team."
)
"""What to do where nobody is known to be responsible."""

_SUBJECTS = text(
    """
    SELECT workload.id, cluster.name AS cluster, workload.namespace, workload.labels, workload.annotations,
           workload.image_tag_ids, namespace.labels AS namespace_labels, namespace.annotations AS namespace_annotations
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    LEFT JOIN namespace ON namespace.cluster_id = workload.cluster_id AND namespace.name = workload.namespace
                       AND namespace.removed_at IS NULL
    WHERE workload.id = ANY(:workload_ids)
    """
)
_REPOSITORIES = text("SELECT id, registry || '/' || repository AS name FROM image_tag WHERE id = ANY(:image_tag_ids)")


async def find_owner(
    connection: AsyncConnection, workload_id: int, image_tag_ids: Sequence[int] | None = None
) -> Owner:
    """Who is responsible for a workload, or for these images of it; `NOBODY` where that is not known."""
    return (await find_owners(connection, [workload_id], image_tag_ids)).get(workload_id, NOBODY)


async def find_owners(
    connection: AsyncConnection, workload_ids: Sequence[int], image_tag_ids: Sequence[int] | None = None
) -> Mapping[int, Owner]:
    """Owners by workload, each for all of its images or for the given ones; those that do not exist are left out."""
    images = None if image_tag_ids is None else tuple(image_tag_ids)
    found = await find_place_owners(connection, [(workload_id, images) for workload_id in workload_ids])
    return {workload_id: owner for (workload_id, _), owner in found.items()}


async def find_place_owners(connection: AsyncConnection, places: Collection[Place]) -> Mapping[Place, Owner]:
    """Owners of many places with as many queries as of one; workloads that do not exist are left out."""
    if not places:
        return {}
    stored = await connection.execute(_SUBJECTS, {"workload_ids": sorted({id_ for id_, _ in places})})
    rows = {row.id: row for row in stored}
    images = {
        (id_, given): tuple(rows[id_].image_tag_ids) if given is None else given for id_, given in places if id_ in rows
    }
    rules = await list_rules(connection)
    names = await _repository_names(connection, {id_ for ids in images.values() for id_ in ids})
    said = {
        place: owner_of(rules, rows[place[0]], [names[id_] for id_ in ids if id_ in names])
        for place, ids in images.items()
    }
    builders = await _find_builders(connection, {images[place] for place, owner in said.items() if owner is None})
    return {place: owner or builders[images[place]] for place, owner in said.items()}


async def load_subject(connection: AsyncConnection, workload_id: int) -> tuple[Row[Any], list[str]]:
    """A workload with its namespace's labels and annotations, and the repositories it runs; raises NotFoundError."""
    row = (await connection.execute(_SUBJECTS, {"workload_ids": [workload_id]})).first()
    if row is None:
        raise NotFoundError("no such workload")
    return row, sorted((await _repository_names(connection, row.image_tag_ids)).values())


def owner_of(rules: Sequence[Rule], row: Row[Any], repositories: Sequence[str]) -> Owner | None:
    """What the map says of a workload, else what it says itself, else its namespace; None where nothing does."""
    rule = find_rule(rules, subject_of(row, repositories))
    if rule is not None:
        return rule.owner
    own = {**row.labels, **row.annotations}
    around = {**(row.namespace_labels or {}), **(row.namespace_annotations or {})}
    return find_said_owner(own, "workload") or find_said_owner(around, "namespace")


def subject_of(row: Row[Any], repositories: Sequence[str]) -> Subject:
    """A workload as rules see it: with its namespace's labels, where it has none of that name itself."""
    labels = {**(row.namespace_labels or {}), **row.labels}
    return Subject(row.cluster, row.namespace, tuple(repositories), labels)


async def find_image_owner(connection: AsyncConnection, image_tag_id: int) -> Owner:
    """Who is responsible for an image that nothing runs."""
    names = await _repository_names(connection, [image_tag_id])
    rule = find_rule(await list_rules(connection), Subject(repositories=tuple(names.values())))
    return rule.owner if rule else await find_builder(connection, [image_tag_id]) or NOBODY


async def list_rules(connection: AsyncConnection) -> list[Rule]:
    """The owners map in order; sources of the owners count from 1."""
    rows = (await connection.execute(select(owner_rule).order_by(owner_rule.c.position))).all()
    return [_rule(row, number) for number, row in enumerate(rows, 1)]


def _rule(row: Row[Any], number: int) -> Rule:
    owner = Owner(row.team, row.person, row.email, row.slack, row.on_call, f"owners map, rule {number}")
    return Rule(row.id, owner, row.cluster, row.namespace, row.repository, row.label)


async def _repository_names(connection: AsyncConnection, image_tag_ids: Collection[int]) -> Mapping[int, str]:
    rows = await connection.execute(_REPOSITORIES, {"image_tag_ids": list(image_tag_ids)})
    return {row.id: row.name for row in rows}


async def find_builder(connection: AsyncConnection, image_tag_ids: Sequence[int]) -> Owner | None:
    """Whoever built the first of these images of which that is known."""
    return _builder_of(await load_image_facts(connection, image_tag_ids), image_tag_ids)


async def _find_builders(
    connection: AsyncConnection, wanted: Collection[tuple[int, ...]]
) -> Mapping[tuple[int, ...], Owner]:
    ids = {id_ for images in wanted for id_ in images}
    facts = await load_image_facts(connection, sorted(ids)) if ids else {}
    return {images: _builder_of(facts, images) or NOBODY for images in wanted}


def _builder_of(facts: Mapping[int, ImageFacts], image_tag_ids: Sequence[int]) -> Owner | None:
    builders = (item.build_owner for id_ in image_tag_ids if (item := facts.get(id_)))
    return next((owner for builder in builders if builder and (owner := owner_by_build(builder))), None)
