"""The trail of what people changed about rules, exceptions and blocking. Rows are only ever added."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.tables.detections import threat_change

SHOWN = 200

# Changes get their numbers in the order of their commits: whoever sees one, sees all that went before.
_LOCK = text("LOCK TABLE threat_change IN SHARE ROW EXCLUSIVE MODE")


class Subject(StrEnum):
    """What was changed."""

    RULE = "rule"
    EXCEPTION = "exception"
    BLOCKING = "blocking"


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to what, and anything else that is worth knowing (JSON-able)."""

    subject: Subject
    name: str
    action: str
    details: Mapping[str, Any]


async def hold_changes(connection: AsyncConnection) -> None:
    """Let nobody else change anything before this transaction is over."""
    await connection.execute(_LOCK)


async def record_change(connection: AsyncConnection, change: Change, actor: str) -> None:
    """Note a change in the transaction that makes it; `actor` is empty for the service itself."""
    await hold_changes(connection)
    await connection.execute(insert(threat_change).values(actor=actor, **asdict(change)))


async def list_changes(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """The last `SHOWN` changes, newest first."""
    query = select(threat_change).order_by(threat_change.c.at.desc(), threat_change.c.id.desc()).limit(SHOWN)
    return (await connection.execute(query)).all()
