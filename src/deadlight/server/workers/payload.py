"""What an alert says: the CloudEvent about a workload and its images, built from what is known now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.attribution import Attribution
from deadlight.model.event import EventType
from deadlight.model.image import ImageReference
from deadlight.server.events.outbox import Event
from deadlight.server.findings.image_facts import ImageFacts, list_vulnerabilities, load_image_facts
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by
from deadlight.server.owners.lookup import find_owner
from deadlight.server.workers.threats import describe_unplaced, find_threat

VULNERABILITIES_LISTED = 50
TYPE_PREFIX = "io.deadlight."

_WORKLOAD = text(
    """
    SELECT workload.*, cluster.name AS cluster, cluster.demonstration,
           (SELECT coalesce(array_agg(DISTINCT pod.node_name ORDER BY pod.node_name), '{}') FROM pod
            WHERE pod.workload_id = workload.id AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE workload.id = :workload_id
    """
)
_VIOLATION = text("SELECT * FROM violation WHERE id = :violation_id")
_VULNERABILITY_NAMES = text("SELECT name, severity FROM vulnerability WHERE id = ANY(:ids) ORDER BY severity_rank DESC")


async def find_data(connection: AsyncConnection, event: Event, public_url: str) -> dict[str, Any] | None:
    """The CloudEvent's `data`: JSON-able, and what criteria are evaluated on. None where that is deleted."""
    threat = await find_threat(connection, event, public_url)
    workload = (await connection.execute(_WORKLOAD, {"workload_id": event.data["workload_id"]})).first()
    if workload is None:
        return describe_unplaced(threat) if threat else None
    facts = await load_image_facts(connection, _subjects(event, workload))
    images = [await _image(connection, item) for item in facts.values()]
    owner = await find_owner(connection, workload.id, list(facts))
    data: dict[str, Any] = {
        "workload": _workload(workload, images),
        "images": images,
        "owner": asdict(owner),
        "demonstration": workload.demonstration,
        "links": {"image": image_link(public_url, next(iter(facts), None))},
    }
    if threat is not None:
        data |= {"detection": threat.detection, "links": {**data["links"], "detection": threat.link}}
    if event.type is EventType.WORKLOAD_CHANGED:
        data["change"] = _change(event.data)
    if "violation_id" in event.data:
        data["violation"] = await _violation(connection, event.data["violation_id"])
    if event.type is EventType.VULNERABILITIES_CHANGED:
        for name in ("added", "advanced", "validated", "removed"):
            if event.data[name]:
                data[f"vulnerabilities_{name}"] = await _names(connection, event.data[name])
    return data


def _subjects(event: Event, workload: Row[Any]) -> Sequence[int]:
    """The image an event is about, or all that the workload has; of one that has gone, those it had."""
    subject = event.data.get("image_tag_id")
    if subject is not None:
        return [subject]
    return list(workload.image_tag_ids) or list(event.data.get("image_tag_ids_before", ()))


def _workload(row: Row[Any], images: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = [image["vulnerabilities_count"] for image in images if image["vulnerabilities_count"] is not None]
    return {
        "name": row.name,
        "namespace": row.namespace,
        "cluster": row.cluster,
        "kind": row.kind_name or row.kind,
        "status": "removed" if row.removed_at else row.status,
        "nodes": list(row.nodes),
        "risks": sorted({risk for image in images for risk in image["risks"]}),
        "vulnerabilities_count": sum(counts) if counts else None,
        "deployed_by": attribution(find_deployed_by(DeploymentEvidence.of(row))),
    }


async def _image(connection: AsyncConnection, facts: ImageFacts) -> dict[str, Any]:
    row = facts.row
    severities = facts.severities
    vulnerabilities = await list_vulnerabilities(connection, row.image_id, VULNERABILITIES_LISTED) if severities else []
    return {
        "name": str(ImageReference(row.registry, row.repository, row.tag, row.pinned_digest)),
        "registry": row.registry,
        "repository_path": row.repository,
        "tag": row.tag,
        "digest": row.digest,
        "platform": row.platform,
        "integrity_status": row.integrity_status or "",
        "violation_type": row.violation_type or "",
        "expected_digest": row.expected_digest or "",
        "risks": [risk.value for risk in facts.risks],
        "vulnerabilities_count": sum(severities.values()) if severities else None,
        "severities": {severity.value: count for severity, count in severities.items()} if severities else None,
        "vulnerabilities": [_vulnerability(item) for item in vulnerabilities],
        "build_owner": attribution(facts.build_owner),
    }


def _vulnerability(row: Row[Any]) -> dict[str, Any]:
    return {
        "cve_id": row.name,
        "severity": row.severity,
        "severity_source": row.severity_source,
        "cvss_score": row.cvss_score,
        "known_exploited": row.exploitation is not None,
        "exploitation": row.exploitation,
        "epss": row.epss,
        "applicability": row.applicability,
        "fix_version": row.fix_version,
        "validated_in_runtime": row.validated,
        "components": row.components,
    }


def attribution(value: Attribution | None) -> dict[str, str] | None:
    """An attribution as JSON; None where nobody is known."""
    if value is None:
        return None
    texts = {"value": value.value, "source": value.source, "confidence": value.confidence.value, "link": value.link}
    return texts | {"revision": value.revision}


def _change(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": data["status"] != data["status_before"],
        "image_list": data["image_tag_ids"] != data["image_tag_ids_before"],
        "removed": data["removed"],
        "first_sync": data["first_sync"],
    }


async def _violation(connection: AsyncConnection, violation_id: int) -> dict[str, Any]:
    row = (await connection.execute(_VIOLATION, {"violation_id": violation_id})).one()
    return {
        "type": row.type,
        "severity": row.severity,
        "first_detected_at": row.first_detected_at.isoformat(),
        "closed_at": row.closed_at and row.closed_at.isoformat(),
        "close_reason": row.close_reason,
        "evidence": row.evidence,
    }


async def _names(connection: AsyncConnection, ids: Sequence[int]) -> list[dict[str, str]]:
    rows = await connection.execute(_VULNERABILITY_NAMES, {"ids": list(ids)})
    return [{"cve_id": row.name, "severity": row.severity} for row in rows][:VULNERABILITIES_LISTED]


def image_link(public_url: str, image_tag_id: int | None) -> str:
    """The page of an image tag in the console."""
    return f"{public_url.rstrip('/')}/runtime/live/images/{image_tag_id}" if image_tag_id else ""


def cloud_event(alert_id: UUID, event_type: EventType, source: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A CloudEvent in JSON format (CloudEvents 1.0). Its id is the alert's: the same for every attempt."""
    return {
        "specversion": "1.0",
        "id": str(alert_id),
        "source": quote(source, safe=":/"),
        "type": f"{TYPE_PREFIX}{event_type.value}",
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": dict(data),
    }
