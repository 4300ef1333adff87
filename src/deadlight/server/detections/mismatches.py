"""A program whose hash is not that of the image's file is a detection of the service's own."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY
from deadlight.model.vulnerability import Severity
from deadlight.server.detections.intake import store_detections
from deadlight.server.events.outbox import Event

TITLE = "Program differs from the image's"
MITRE = ("T1554",)
"""Compromise Host Software Binary."""


async def detect_mismatch(connection: AsyncConnection, event: Event) -> None:
    """BinaryMismatchObserved: tell of it, once for each container, path and hash."""
    data = event.data
    detection = mismatch_of(event)
    await store_detections(connection, UUID(data["cluster_id"]), data["node_name"], [detection])


def mismatch_of(event: Event) -> wire.Detection:
    """The detection that says so; the same event makes the same."""
    data = event.data
    subject = "\n".join((BINARY_INTEGRITY, data["container_id"], data["path"], data["actual_sha256"]))
    process = wire.DetectedProcess(
        name=data["process"],
        path=data["path"],
        arguments=tuple(data["arguments"]),
        pid=data["pid"],
        user=data["user_id"],
    )
    facts = {
        "file.path": data["path"],
        "image.path": data["image_path"],
        "image.sha256": data["expected_sha256"],
        "file.sha256": data["actual_sha256"],
        "file.changed": "true" if data["changed"] else "false",
    }
    return wire.Detection(
        id=sha256(subject.encode()).hexdigest(),
        rule=BINARY_INTEGRITY,
        title=TITLE,
        severity=Severity.CRITICAL,
        mitre=MITRE,
        at=datetime.fromisoformat(data["at"]),
        container_id=data["container_id"],
        process=process,
        facts=facts,
    )
