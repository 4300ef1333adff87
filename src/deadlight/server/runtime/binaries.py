"""Binary integrity: the hash of an executed file held against that of the same path in the image.

A path that the image does not have at all is drift, which the sensor's own rule is about; where it is not known what
the image has there, nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.observation import Grade
from deadlight.scanner import ExecutableIndex, Presence
from deadlight.server.events.outbox import NewEvent, record_events

_INDEXES = text("SELECT id, executable_index FROM image WHERE id = ANY(:image_ids) AND executable_index IS NOT NULL")

_TOLD = ("container_id", "node_name", "path", "process", "pid", "program", "arguments", "user_id", "changed")


async def check_binaries(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
    """Record what was executed under the name of a file of the image and is another one.

    `rows` are observations with `found_image_id`, the image that their container runs.
    """
    hashed = [row for row in rows if row.grade == Grade.EXECUTED and row.sha256]
    if not hashed:
        return
    stored = await connection.execute(_INDEXES, {"image_ids": sorted({row.found_image_id for row in hashed})})
    indexes = {row.id: ExecutableIndex.from_bytes(row.executable_index) for row in stored}
    await record_events(connection, list(find_mismatches(hashed, indexes)))


def find_mismatches(rows: Sequence[Row[Any]], indexes: Mapping[int, ExecutableIndex]) -> Iterator[NewEvent]:
    """An event for each execution whose hash is known and not that of the image's file. Pure."""
    for row in rows:
        index = indexes.get(row.found_image_id)
        known = index.find(row.path) if index else None
        if known and known.presence is Presence.HASHED and known.sha256 != row.sha256:
            data = {name: getattr(row, name) for name in _TOLD} | {
                "cluster_id": str(row.cluster_id),
                "image_id": row.found_image_id,
                "image_path": known.path,
                "expected_sha256": known.sha256,
                "actual_sha256": row.sha256,
                "at": row.first_at.isoformat(),
            }
            yield NewEvent(EventType.BINARY_MISMATCH_OBSERVED, f"container:{row.container_id}", data)
