"""Everybody there is to ask about an image: who built, pushed, deployed and owns it, or what to connect."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.attribution import Attribution
from deadlight.server.errors import NotFoundError
from deadlight.server.findings.image_facts import load_image_facts
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by
from deadlight.server.owners.attributions import AttributionOut, attribution
from deadlight.server.owners.lookup import NOBODY, find_image_owner, find_owners
from deadlight.server.owners.rules import Owner
from deadlight.server.owners.schemas import OwnerOut
from deadlight.server.owners.unknown import (
    UNKNOWN_DEPLOYER,
    UNKNOWN_OWNER,
    explain_unknown_builder,
    explain_unknown_pusher,
)

MOST_WORKLOADS = 1_000
NAMED_WORKLOADS = 10


class AnswerOut(BaseModel):
    """Somebody, or in `unknown` why nobody is known and what to do."""

    known: AttributionOut | None
    unknown: str


class PlacesOut(BaseModel):
    """The workloads an answer is about: how many, and the first by name."""

    count: int
    names: list[str]


class DeployerOut(AnswerOut):
    """Who deployed these workloads."""

    workloads: PlacesOut


class ResponsibleOut(BaseModel):
    """Who is responsible for these workloads, or in `unknown` what to do."""

    owner: OwnerOut | None
    unknown: str
    workloads: PlacesOut


class ImageOwnersOut(BaseModel):
    """Everybody there is to ask about an image tag."""

    build_owner: AnswerOut
    pushed_by: AnswerOut
    deployed_by: list[DeployerOut]
    owners: list[ResponsibleOut]


_WORKLOADS = text(
    """
    SELECT workload.*, cluster.name AS cluster FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE workload.image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND workload.removed_at IS NULL
    ORDER BY cluster.name, workload.namespace, workload.name LIMIT :limit
    """
)


async def build_owners(connection: AsyncConnection, image_tag_id: int) -> ImageOwnersOut:
    """Everybody there is to ask about an image tag; raises NotFoundError."""
    facts = (await load_image_facts(connection, [image_tag_id])).get(image_tag_id)
    if facts is None:
        raise NotFoundError("no such image tag")
    parameters = {"image_tag_id": image_tag_id, "limit": MOST_WORKLOADS}
    rows = (await connection.execute(_WORKLOADS, parameters)).all()
    return ImageOwnersOut(
        build_owner=_answer(facts.build_owner, explain_unknown_builder(facts.row)),
        pushed_by=_answer(facts.pushed_by, explain_unknown_pusher(facts.row)),
        deployed_by=_deployers(rows),
        owners=await _responsible(connection, image_tag_id, rows),
    )


def _answer(known: Attribution | None, unknown: str) -> AnswerOut:
    return AnswerOut(known=attribution(known), unknown="" if known else unknown)


def _deployers(rows: Sequence[Row[Any]]) -> list[DeployerOut]:
    deployers = {row.id: find_deployed_by(DeploymentEvidence.of(row)) for row in rows}
    return [
        DeployerOut(**dict(_answer(deployers[first.id], UNKNOWN_DEPLOYER)), workloads=places)
        for first, places in _grouped(rows, lambda row: _name(deployers[row.id]))
    ]


def _name(known: Attribution | None) -> tuple[str, str] | None:
    return (known.value, known.source) if known else None


async def _responsible(
    connection: AsyncConnection, image_tag_id: int, rows: Sequence[Row[Any]]
) -> list[ResponsibleOut]:
    if not rows:
        nowhere = PlacesOut(count=0, names=[])
        return [_owner(await find_image_owner(connection, image_tag_id), nowhere)]
    owners = await find_owners(connection, [row.id for row in rows], [image_tag_id])
    by_owner = _grouped(rows, lambda row: owners.get(row.id, NOBODY))
    return [_owner(owners.get(first.id, NOBODY), places) for first, places in by_owner]


def _owner(owner: Owner, places: PlacesOut) -> ResponsibleOut:
    known = None if owner == NOBODY else OwnerOut.model_validate(owner, from_attributes=True)
    return ResponsibleOut(owner=known, unknown="" if known else UNKNOWN_OWNER, workloads=places)


def _grouped(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Hashable]) -> list[tuple[Row[Any], PlacesOut]]:
    """The first workload of all that have something in common, and the names of them all."""
    groups: dict[Hashable, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [(group[0], _places(group)) for group in groups.values()]


def _places(rows: Sequence[Row[Any]]) -> PlacesOut:
    names = [f"{row.namespace}/{row.name} on {row.cluster}" for row in rows[:NAMED_WORKLOADS]]
    return PlacesOut(count=len(rows), names=names)
