"""Taking what sensors detect: stored at once, then placed with the workload and image whose container it was.

Either side may come first: a report of a container that is not known yet waits for it. It does not wait for long: what
nobody can place is told of as it is, with its container's id.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY, BLOCKED_EXECUTION, MORE_DETECTIONS, Response
from deadlight.model.event import EventType
from deadlight.model.image import ImageReference
from deadlight.model.vulnerability import Severity
from deadlight.server.auth.agents import note_seen
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.detections.exceptions import judge_detections
from deadlight.server.detections.exposure import open_locations, tell_changed
from deadlight.server.detections.limits import MAX_TITLE, check_storable, evidence_of, program_of
from deadlight.server.detections.naming import name_late
from deadlight.server.detections.places import (
    STRANGER,
    Apart,
    Group,
    Identity,
    Place,
    Report,
    bound,
    gather,
    group_of,
    merge,
)
from deadlight.server.detections.rule_book import list_book
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.inventory.elsewhere import IS_HERE, check_residence, find_elsewhere
from deadlight.server.moments import plausible

PLACED_AT_ONCE = 2_000

OWN_RULES = frozenset({BINARY_INTEGRITY, BLOCKED_EXECUTION, MORE_DETECTIONS})
"""Rules of no rule file."""

PATIENCE = timedelta(seconds=30)
"""How long a report waits for its container: controllers tell of new ones within seconds."""

_STORE = text(
    """
    INSERT INTO detection_report (cluster_id, id, container_id, node_name, rule, title, severity, mitre, at, count,
                                  evidence, response)
    SELECT :cluster_id, id, container_id, :node_name, rule, title, severity, mitre, at, count, evidence, response
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id text, container_id text, rule text, title text,
         severity text, mitre text[], at timestamptz, count bigint, evidence jsonb, response text)
    ORDER BY id
    ON CONFLICT (cluster_id, id) DO NOTHING
    """
)

_WAITING = """
    SELECT report.*, report.count AS times, container.name AS container, container.image_tag_id, pod.name AS pod,
           workload.id AS workload_id, workload.namespace, workload.name AS workload, workload.kind, workload.kind_name,
           image_tag.registry, image_tag.repository, image_tag.tag, image_tag.pinned_digest
    FROM detection_report AS report
    LEFT JOIN container ON container.container_id = report.container_id AND container.cluster_id = report.cluster_id
                       AND report.container_id <> ''
    LEFT JOIN pod ON pod.id = container.pod_id AND {is_here}
    LEFT JOIN workload ON workload.id = pod.workload_id
    LEFT JOIN image_tag ON image_tag.id = container.image_tag_id
    WHERE report.detection_id IS NULL AND {condition}
      AND (workload.id IS NOT NULL AND image_tag.id IS NOT NULL OR report.received_at < now() - :patience)
    ORDER BY report.received_at, report.id LIMIT :limit FOR UPDATE OF report SKIP LOCKED
"""
_IS_HERE = IS_HERE.format(told="report")
_WAITING_OF_CONTAINERS = text(
    _WAITING.format(
        is_here=_IS_HERE, condition="report.cluster_id = :cluster_id AND report.container_id = ANY(:container_ids)"
    )
)
_WAITING_ANY = text(_WAITING.format(is_here=_IS_HERE, condition="true"))

_PROGRAMS = text(
    """
    SELECT cluster_id, rule, subject, array_agg(program) AS programs FROM detection
    WHERE status <> 'resolved' AND subject = ANY(:subjects) GROUP BY cluster_id, rule, subject
    """
)

_ADDED = ("count", "would_block", "killed", "denied")
_LATEST = (
    *("title", "mitre", "namespace", "workload", "workload_kind", "image", "repository", "pod", "container"),
    *("container_id", "node_name", "evidence", "response"),
)

_UPSERT = text(
    f"""
    INSERT INTO detection (cluster_id, key, subject, rule, program, title, severity, severity_rank, mitre, workload_id,
                           image_tag_id, namespace, workload, workload_kind, image, repository, pod, container,
                           container_id, node_name, count, would_block, killed, denied, first_at, last_at, evidence,
                           response)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(cluster_id uuid, key uuid, subject text, rule text,
         program text, title text, severity text, severity_rank smallint, mitre text[], workload_id bigint,
         image_tag_id bigint, namespace text, workload text, workload_kind text, image text, repository text, pod text,
         container text, container_id text, node_name text, count bigint, would_block bigint, killed bigint,
         denied bigint, first_at timestamptz, last_at timestamptz, evidence jsonb, response text)
    ORDER BY cluster_id, key
    ON CONFLICT (cluster_id, key) WHERE status <> 'resolved' DO UPDATE SET
        {", ".join(f"{name} = detection.{name} + EXCLUDED.{name}" for name in _ADDED)},
        {
        ", ".join(
            f"{name} = CASE WHEN EXCLUDED.last_at >= detection.last_at THEN EXCLUDED.{name} ELSE detection.{name} END"
            for name in _LATEST
        )
    },
        severity = CASE WHEN EXCLUDED.severity_rank > detection.severity_rank
                        THEN EXCLUDED.severity ELSE detection.severity END,
        severity_rank = greatest(EXCLUDED.severity_rank, detection.severity_rank),
        first_at = least(detection.first_at, EXCLUDED.first_at),
        last_at = greatest(detection.last_at, EXCLUDED.last_at)
    RETURNING id, cluster_id, key
    """  # noqa: S608 - constants
)

_PLACE = text(
    """
    UPDATE detection_report AS report SET detection_id = row.detection_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(cluster_id uuid, id text, detection_id bigint)
    WHERE report.cluster_id = row.cluster_id AND report.id = row.id
    """
)

# The rows are locked: events of a detection are recorded in the order of their commits.
_TELL = text(
    """
    UPDATE detection SET told_at = clock_timestamp()
    WHERE id = ANY(:ids) AND told_at IS NULL AND exception_id IS NULL RETURNING id, workload_id, image_tag_id
    """
)


_OPEN = text(
    """
    SELECT DISTINCT cluster_id, node_name, subject, rule FROM detection
    WHERE status <> 'resolved' AND cluster_id = ANY(:cluster_ids)
      AND coalesce(told_at, now()) > now() - interval '1 day'
      AND (starts_with(subject, :stranger) OR rule <> ALL(:book))
    """
)


async def take_detections(
    connection: AsyncConnection, principal: AgentPrincipal, batch: wire.DetectionBatch
) -> wire.ObservationAck:
    """Store a batch of the principal's cluster and place what can be placed; what came before changes nothing.

    Raises:
        BadRequestError: a detection cannot be stored, or is of another node's container; nothing of the batch is.
        ForbiddenError: the agent has been revoked.
    """
    check_storable(batch.detections)
    await note_seen(connection, principal)
    container_ids = {item.container_id for item in batch.detections}
    check_residence(batch.detections, await find_elsewhere(connection, principal, container_ids), "detections")
    node_name = principal.node_name or batch.node
    await store_detections(connection, principal.cluster_id, node_name, batch.detections)
    return wire.ObservationAck(batch_id=batch.batch_id)


async def store_detections(
    connection: AsyncConnection, cluster_id: UUID, node_name: str, detections: Sequence[wire.Detection]
) -> None:
    """Store what was detected in a cluster, whoever detected it, each once by its id; place what can be placed."""
    if not detections:
        return
    now = datetime.now(UTC)
    rows = [_row(item, now) for item in {item.id: item for item in detections}.values()]
    await connection.execute(_STORE, {"cluster_id": cluster_id, "node_name": node_name, "rows": _json(rows)})
    containers = sorted({item.container_id for item in detections})
    await name_late(connection, containers)
    await _place(connection, _WAITING_OF_CONTAINERS, cluster_id=cluster_id, container_ids=containers)


def _row(item: wire.Detection, now: datetime) -> dict[str, Any]:
    names = ("id", "container_id", "rule", "severity", "mitre", "count", "response")
    row = {name: getattr(item, name) for name in names} | {"evidence": evidence_of(item)}
    return row | {"title": without_zero_bytes(item.title)[:MAX_TITLE], "at": plausible(item.at, now)}


async def place_waiting(connection: AsyncConnection) -> int:
    """Place reports whose container is known by now, or that have waited long enough; returns how many."""
    return await _place(connection, _WAITING_ANY)


async def _place(connection: AsyncConnection, waiting: TextClause, **parameters: Any) -> int:
    limits = {"limit": PLACED_AT_ONCE, "patience": PATIENCE}
    rows = (await connection.execute(waiting, {**limits, **parameters})).all()
    reports = [*{(row.cluster_id, row.id): _report(row) for row in rows}.values()]
    if not reports:
        return 0
    reports = bound(reports, await _list_apart(connection, reports))
    gathered = gather(reports, await _list_programs(connection, reports))
    merged = [merge(identity, group) for identity, group in gathered.items()]
    stored = await connection.execute(_UPSERT, {"rows": _json(merged)})
    ids = {(row.cluster_id, row.key): row.id for row in stored}
    placed = [
        {"cluster_id": identity.cluster_id, "id": report.id, "detection_id": ids[identity.cluster_id, identity.key]}
        for identity, group in gathered.items()
        for report in group
    ]
    await connection.execute(_PLACE, {"rows": _json(placed)})
    await _follow(connection, sorted(ids.values()), [_fired(ids, each, group) for each, group in gathered.items()])
    return len(reports)


def _fired(ids: Mapping[tuple[UUID, UUID], int], identity: Identity, reports: Sequence[Report]) -> Mapping[str, Any]:
    """Where and since when a detection happened this time, the container of the last time first."""
    latest_first = sorted(reports, key=lambda report: report.at, reverse=True)
    return {
        "id": ids[identity.cluster_id, identity.key],
        "container_ids": list(dict.fromkeys(report.place.container_id for report in latest_first)),
        "first_at": latest_first[-1].at,
    }


async def _follow(
    connection: AsyncConnection, detection_ids: Sequence[int], fired: Sequence[Mapping[str, Any]]
) -> None:
    """What follows from detections that happened."""
    await judge_detections(connection, detection_ids)
    opened = await open_locations(connection, fired)
    await tell_changed(connection, detection_ids, opened)
    await tell_new(connection, detection_ids)


async def tell_new(connection: AsyncConnection, detection_ids: Sequence[int]) -> None:
    """Record ThreatDetected for those detections that nobody has been told of and no exception suppresses."""
    told = await connection.execute(_TELL, {"ids": list(detection_ids)})
    await record_events(connection, [_told(row) for row in sorted(told)])


def _told(row: Row[Any]) -> NewEvent:
    data = {"detection_id": row.id, "workload_id": row.workload_id, "image_tag_id": row.image_tag_id}
    return NewEvent(EventType.THREAT_DETECTED, f"detection:{row.id}", data)


async def _list_apart(connection: AsyncConnection, reports: Sequence[Report]) -> Apart:
    book = OWN_RULES | {item.id for item in await list_book(connection)}
    known = {"cluster_ids": sorted({report.place.cluster_id for report in reports}), "book": sorted(book)}
    rules: defaultdict[UUID, set[str]] = defaultdict(set)
    strangers: defaultdict[tuple[UUID, str], set[str]] = defaultdict(set)
    for row in await connection.execute(_OPEN, {**known, "stranger": STRANGER}):
        if row.rule not in book:
            rules[row.cluster_id].add(row.rule)
        if row.subject.startswith(STRANGER):
            strangers[row.cluster_id, row.node_name].add(row.subject)
    return Apart(book, rules, strangers)


async def _list_programs(connection: AsyncConnection, reports: Sequence[Report]) -> Mapping[Group, set[str]]:
    subjects = sorted({group_of(report)[2] for report in reports})
    rows = await connection.execute(_PROGRAMS, {"subjects": subjects})
    return {(row.cluster_id, row.rule, row.subject): set(row.programs) for row in rows}


def _report(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        place=_place_of(row),
        rule=row.rule,
        program=program_of(row.evidence),
        title=row.title,
        severity=Severity(row.severity),
        mitre=row.mitre,
        at=row.at,
        count=row.times,
        evidence=row.evidence,
        response=Response(row.response),
        node_name=row.node_name,
    )


def _place_of(row: Row[Any]) -> Place:
    names = dict.fromkeys(("namespace", "workload", "workload_kind", "image", "repository", "pod", "container"), "")
    if row.workload_id is None:
        return Place(row.cluster_id, row.container_id, names=names)
    known = {"namespace": row.namespace, "workload": row.workload, "pod": row.pod, "container": row.container}
    names |= known | {"workload_kind": row.kind_name or row.kind}
    if row.registry is not None:
        reference = ImageReference(row.registry, row.repository, row.tag, row.pinned_digest)
        names |= {"image": str(reference), "repository": f"{row.registry}/{row.repository}"}
    return Place(row.cluster_id, row.container_id, row.workload_id, row.image_tag_id, names)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
