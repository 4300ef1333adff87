"""What an alert says of a threat: the detection as part of a CloudEvent."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.detection import Response
from deadlight.model.event import EventType
from deadlight.model.vulnerability import Severity
from deadlight.server.detections.advice import next_steps, techniques, what_was_done
from deadlight.server.detections.rule_book import find_recommendation
from deadlight.server.events.outbox import Event
from deadlight.server.owners.lookup import NOBODY

_DETECTION = text(
    """
    SELECT detection.*, cluster.name AS cluster, cluster.demonstration
    FROM detection JOIN cluster ON cluster.id = detection.cluster_id WHERE detection.id = :id
    """
)


@dataclass(frozen=True, slots=True)
class Threat:
    """A detection as an alert has it."""

    detection: dict[str, Any]
    cluster: str
    demonstration: bool
    link: str


async def find_threat(connection: AsyncConnection, event: Event, public_url: str) -> Threat | None:
    """The detection that an event is about; None for other events, and where it has been forgotten."""
    if event.type is not EventType.THREAT_DETECTED:
        return None
    row = (await connection.execute(_DETECTION, {"id": event.data["detection_id"]})).first()
    if row is None:
        return None
    link = f"{public_url.rstrip('/')}/runtime/detections/{row.id}"
    recommendation = await find_recommendation(connection, row.rule)
    return Threat(_detection(row, recommendation), row.cluster, row.demonstration, link)


def _detection(row: Row[Any], recommendation: str) -> dict[str, Any]:
    response = Response(row.response)
    return {
        "id": row.id,
        "rule": row.rule,
        "title": row.title,
        "severity": row.severity,
        "mitre": list(row.mitre),
        "mitre_links": [item.link for item in techniques(row.mitre) if item.link],
        "count": row.count,
        "first_at": row.first_at.isoformat(),
        "last_at": row.last_at.isoformat(),
        "pod": row.pod,
        "container": row.container,
        "container_id": row.container_id,
        "node": row.node_name,
        **row.evidence,
        "response": response.value,
        "done": what_was_done(response),
        "next_steps": next_steps(row.rule, response, recommendation),
    }


def describe_unplaced(threat: Threat) -> dict[str, Any]:
    """The `data` about a threat in a container of which nobody knows the workload. What is not known is empty."""
    names = dict.fromkeys(("name", "namespace", "kind", "status"), "")
    return {
        "workload": names | {"cluster": threat.cluster, "nodes": [threat.detection["node"]], "risks": []},
        "images": [],
        "owner": asdict(NOBODY),
        "demonstration": threat.demonstration,
        "links": {"image": "", "detection": threat.link},
        "detection": threat.detection,
    }


def sample_detection() -> dict[str, Any]:
    """The detection of a sample event."""
    shell = {"name": "sh", "path": "/bin/sh", "arguments": ["sh", "-i"], "pid": 4242, "user": 33}
    server = {"name": "nginx", "path": "/usr/sbin/nginx", "arguments": ["nginx"], "pid": 17, "user": 33}
    return {
        "id": 0,
        "rule": "sample-rule",
        "title": "A shell whose input is a network connection",
        "severity": Severity.CRITICAL.value,
        "mitre": ["T1059.004"],
        "mitre_links": ["https://attack.mitre.org/techniques/T1059/004/"],
        "count": 1,
        "first_at": "2026-01-01T00:00:00+00:00",
        "last_at": "2026-01-01T00:00:00+00:00",
        "pod": "sample-1",
        "container": "sample",
        "container_id": "5a" * 32,
        "node": "node-1",
        "process": shell,
        "ancestors": [server],
        "facts": {"network.address": "203.0.113.7"},
        "response": Response.REPORTED.value,
        "done": what_was_done(Response.REPORTED),
        "next_steps": next_steps("sample-rule", Response.REPORTED),
    }
