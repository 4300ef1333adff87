"""Storing what sensors saw, and having it joined with workloads and with the packages of images."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.agents import accept_batch
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.inventory.elsewhere import check_residence, find_elsewhere
from deadlight.server.runtime.joining import PENDING_OF_CONTAINERS, join_pending
from deadlight.server.runtime.limits import ROOM, Room, check_storable
from deadlight.server.runtime.processes import PROGRAM_ID, place_executions, store_executions
from deadlight.server.runtime.room import make_room
from deadlight.server.runtime.rows import execution_rows, observation_rows

# What only a tool read counts as seen for the first time once a program uses it; a hash that comes later is looked at.
_IS_NEWS = """
    (observation.tool AND NOT EXCLUDED.tool OR EXCLUDED.sha256 NOT IN ('', observation.sha256))
"""
_BY_PROGRAM = "CASE WHEN observation.tool AND NOT EXCLUDED.tool THEN EXCLUDED.{name} ELSE observation.{name} END"

_PROGRAM_ID = PROGRAM_ID.format(process="process", path="path", arguments="arguments", sha256="sha256")

# Gives what is kept of containers that did something new; xmax is 0 for a row that was not there before.
_UPSERT = text(
    f"""
    WITH row AS (
        SELECT *, CASE WHEN grade = 'executed' THEN {_PROGRAM_ID} END AS program_id
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(container_id text, grade text, path text, count bigint,
             first_at timestamptz, last_at timestamptz, pid integer, process text, arguments text[], changed boolean,
             program text, user_id bigint, sha256 text, tool boolean, digest bigint)
    ), stored AS (
    INSERT INTO observation (cluster_id, container_id, grade, path, node_name, count, first_at, last_at, pid, process,
                             arguments, changed, program_id, placed, program, user_id, sha256, tool, digest)
    SELECT :cluster_id, container_id, grade, path, :node_name, count, first_at, last_at, pid, process, arguments,
           changed, program_id, true, program, user_id, sha256, tool, digest
    FROM row
    ORDER BY container_id, grade, path
    ON CONFLICT (cluster_id, container_id, grade, path) DO UPDATE SET
        count = observation.count + EXCLUDED.count,
        first_at = least(observation.first_at, EXCLUDED.first_at),
        last_at = greatest(observation.last_at, EXCLUDED.last_at),
        changed = observation.changed OR EXCLUDED.changed,
        {", ".join(f"{name} = {_BY_PROGRAM.format(name=name)}" for name in ("pid", "process", "arguments", "user_id"))},
        program = coalesce(nullif({_BY_PROGRAM.format(name="program")}, ''), EXCLUDED.program),
        tool = observation.tool AND EXCLUDED.tool,
        sha256 = coalesce(nullif(EXCLUDED.sha256, ''), observation.sha256),
        image_id = CASE WHEN {_IS_NEWS} THEN NULL ELSE observation.image_id END,
        program_id = EXCLUDED.program_id, digest = EXCLUDED.digest, placed = true
    RETURNING container_id, xmax = 0 AS is_new
    )
    INSERT INTO observed_container (cluster_id, container_id, kept)
    SELECT :cluster_id, container_id, count(*) FROM stored WHERE is_new GROUP BY container_id ORDER BY container_id
    ON CONFLICT (cluster_id, container_id) DO UPDATE SET kept = observed_container.kept + EXCLUDED.kept
    RETURNING container_id, kept
    """  # noqa: S608 - constant
)


async def take_observations(
    connection: AsyncConnection, principal: AgentPrincipal, batch: wire.ObservationBatch, room: Room = ROOM
) -> wire.ObservationAck:
    """Store a batch of the principal's cluster and join what can be joined; a batch that came before changes nothing.

    Raises:
        BadRequestError: an observation cannot be stored, or is of another node's container; nothing of the batch is.
        ForbiddenError: the agent has been revoked.
    """
    check_storable(batch.observations)
    container_ids = sorted({item.container_id for item in batch.observations})
    check_residence(batch.observations, await find_elsewhere(connection, principal, container_ids), "observations")
    if await accept_batch(connection, principal, batch.batch_id) and batch.observations:
        await _store(connection, principal, batch, room)
    return wire.ObservationAck(batch_id=batch.batch_id)


async def _store(
    connection: AsyncConnection, principal: AgentPrincipal, batch: wire.ObservationBatch, room: Room
) -> None:
    now, cluster_id = datetime.now(UTC), principal.cluster_id
    node_name = principal.node_name or without_zero_bytes(batch.node)
    rows = _json(observation_rows(batch.observations, now))
    parameters = {"cluster_id": cluster_id, "node_name": node_name, "rows": rows}
    kept = (await connection.execute(_UPSERT, parameters)).all()
    await store_executions(connection, cluster_id, execution_rows(batch.observations, now), room.executions)
    container_ids = sorted({item.container_id for item in batch.observations})
    await place_executions(connection, container_ids)
    await join_pending(connection, PENDING_OF_CONTAINERS, container_ids=container_ids)
    excess = {row.container_id: row.kept - room.observations for row in kept if row.kept > room.observations}
    await make_room(connection, cluster_id, excess)  # once it is known what proves something


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
