"""Images whose findings a scanner beside their registry states: asked, waited for, kept, and withdrawn again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference
from deadlight.registry.statements import NotYet, Statement, UnscannableError, WithScanner
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.registries.scanning import ScanWith, source_of
from deadlight.server.registries.service import Registry, connection_for
from deadlight.server.scans.store import record_scanned
from deadlight.server.services import Services
from deadlight.server.tables.scans import image_statement

FRESH = timedelta(hours=1)
"""How long a statement is not asked for again: new vulnerabilities are told of images that were scanned long ago."""

PATIENCE = timedelta(hours=1)
"""How long a scan that was asked for may not begin before it is asked for again."""

MAX_DECISION_CHARACTERS = 2_000

# Locked, so that a registry that changes now is only taken notice of when there is something to withdraw.
_BEGIN = text(
    """
    INSERT INTO image_statement (image_id, source)
    SELECT :image_id, :source FROM registry WHERE host = :host AND scan_with = :scan_with FOR SHARE
    ON CONFLICT (image_id) DO UPDATE SET source = EXCLUDED.source, asked_at = now(),
        statement = CASE WHEN image_statement.source = EXCLUDED.source THEN image_statement.statement END,
        requested_at = CASE WHEN image_statement.source = EXCLUDED.source THEN image_statement.requested_at END
    RETURNING statement, requested_at IS NULL OR requested_at < now() - CAST(:patience AS interval) AS may_request
    """
)
# An image of two registries keeps what the scanner of one says for as long as that one is asked.
_IS_FRESH = text(
    """
    SELECT EXISTS (SELECT FROM image_statement WHERE image_id = :image_id AND statement IS NOT NULL
                   AND stated_at > now() - CAST(:fresh AS interval) * CASE WHEN source = :source THEN 1 ELSE 2 END)
    """
)
_WAIT = text(
    """
    UPDATE image_statement SET decision = :decision,
        requested_at = CASE WHEN :requested THEN now() ELSE requested_at END
    WHERE image_id = :image_id
    """
)
# Unless the registry has changed while it was asked.
_STORE = text(
    """
    UPDATE image_statement SET statement = CAST(:statement AS jsonb), decision = :decision, stated_at = now(),
        requested_at = NULL
    WHERE image_id = :image_id
      AND EXISTS (SELECT FROM registry WHERE registry.scan_with || ':' || registry.host = image_statement.source)
    """
)
_WITHDRAW = text(
    """
    DELETE FROM image_statement
    WHERE source = :source AND NOT EXISTS (SELECT FROM registry WHERE host = :host AND scan_with = :scan_with)
    RETURNING image_id
    """
)
_OUTDATED = text(
    """
    SELECT DISTINCT scan.image_tag_id, scan.status
    FROM scan
    JOIN image_tag ON image_tag.id = scan.image_tag_id
    JOIN registry ON registry.host = image_tag.registry AND registry.scan_with = :scan_with
    JOIN container ON container.image_tag_id = scan.image_tag_id
    JOIN image_tag_image ON image_tag_image.image_tag_id = scan.image_tag_id
    LEFT JOIN image_statement AS statement ON statement.image_id = image_tag_image.image_id
    LEFT JOIN scan_configuration AS configuration ON configuration.cluster_id = container.cluster_id
    WHERE container.state = 'running' AND container.removed_at IS NULL
      AND (configuration.cluster_id IS NULL OR 'sca' = ANY(configuration.scanners))
      AND (scan.status = 'done' AND statement.image_id IS NULL
           OR scan.status IN ('done', 'failed') AND statement.asked_at < now() - CAST(:fresh AS interval)
              AND (statement.source = :scan_with || ':' || registry.host OR statement.stated_at IS NULL
                   OR statement.stated_at < now() - 2 * CAST(:fresh AS interval)))
    ORDER BY scan.image_tag_id LIMIT :room
    """
)


class NotScannedYetError(Exception):
    """The scanner has no result yet; the text says why."""

    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a statement."""

    source: str
    statement: Statement | None


async def fetch_statement(
    services: Services, registry: Registry, reference: ImageReference, digest: str, image_id: int
) -> bool:
    """Have what the registry's scanner says of an image, unless that is fresh or Deadlight scans the registry itself.

    Returns False where it was asked and says what it said before.

    Raises:
        NotScannedYetError: there is no result yet; a scan has been asked for where that was needed.
        UnscannableError: there will be none until somebody changes something.
        UnavailableError: it cannot be asked now.
    """
    if registry.scan_with == ScanWith.DEADLIGHT:
        return True
    source = source_of(registry.host)
    async with services.engine.begin() as connection:
        if (await connection.execute(_IS_FRESH, {"image_id": image_id, "source": source, "fresh": FRESH})).scalar_one():
            return True
        asked = {"host": registry.host, "scan_with": registry.scan_with, "patience": PATIENCE}
        row = (await connection.execute(_BEGIN, {"image_id": image_id, "source": source, **asked})).first()
    if row is None:
        return True  # the registry has changed meanwhile
    api = connection_for(services, registry).api
    if not isinstance(api, WithScanner):
        raise UnscannableError(f"{registry.host} has no scanner of its own: have Deadlight scan this registry")
    known = _read(row.statement)
    answer = await api.scanner.ask(reference, digest, known, may_request=row.may_request)
    async with services.engine.begin() as connection:
        if isinstance(answer, NotYet):
            values = {"image_id": image_id, "decision": _bounded(answer.reason), "requested": answer.requested}
            await connection.execute(_WAIT, values)
        else:
            await _store(connection, image_id, answer)
    if isinstance(answer, NotYet):
        raise NotScannedYetError(answer.reason)
    return known is None or answer != replace(known, scanned_at=answer.scanned_at, analyzed_at=answer.analyzed_at)


async def _store(connection: AsyncConnection, image_id: int, statement: Statement) -> None:
    document = without_zero_bytes(msgspec.to_builtins(statement))
    values = {
        "image_id": image_id,
        "statement": msgspec.json.encode(document).decode(),
        "decision": _bounded(statement.decision),
    }
    await connection.execute(_STORE, values)


def _read(document: Mapping[str, Any] | None) -> Statement | None:
    """A stored statement; None where there is none or another version wrote it."""
    try:
        return msgspec.convert(document, Statement) if document else None
    except msgspec.ValidationError:
        return None


def _bounded(decision: str) -> str:
    text_: str = without_zero_bytes(decision[:MAX_DECISION_CHARACTERS])
    return text_


async def find_statement(connection: AsyncConnection, image_id: int) -> Kept | None:
    """Who states an image's findings, and what; None where they come from matching."""
    query = select(image_statement.c.source, image_statement.c.statement).where(image_statement.c.image_id == image_id)
    row = (await connection.execute(query)).first()
    return Kept(row.source, _read(row.statement)) if row else None


async def list_outdated(connection: AsyncConnection, room: int) -> Sequence[Row[tuple[int, str]]]:
    """Up to `room` running image tags of registries with a scanner that is to be asked, or asked again.

    Each has the `status` of its scan: done, or failed for a reason that somebody may have changed since.
    """
    parameters = {"scan_with": ScanWith.XRAY.value, "fresh": FRESH, "room": room}
    return (await connection.execute(_OUTDATED, parameters)).all()


async def note_decision(connection: AsyncConnection, image_id: int, decision: str) -> None:
    """Note why nothing new is stated of an image."""
    values = {"image_id": image_id, "decision": _bounded(decision), "requested": False}
    await connection.execute(_WAIT, values)


async def withdraw_statements(connection: AsyncConnection, host: str) -> None:
    """Forget what a registry's scanner said, where it is not to be asked any more; findings then come from matching."""
    values = {"source": source_of(host), "host": host, "scan_with": ScanWith.XRAY.value}
    withdrawn: Iterable[int] = (await connection.execute(_WITHDRAW, values)).scalars()
    for image_id in sorted(withdrawn):
        await record_scanned(connection, image_id)


_TWINS = text(
    """
    INSERT INTO package (ecosystem, name, version, purl, source_name, source_version, architecture, findings_source)
    SELECT DISTINCT ecosystem, name, version, purl, source_name, source_version, architecture,
                    CAST(:findings_source AS text)
    FROM image_package
    JOIN package ON package.id IN (image_package.package_id, image_package.owner_package_id)
    WHERE image_package.image_id = :image_id AND package.findings_source <> :findings_source
    ORDER BY purl, ecosystem, source_name, source_version
    ON CONFLICT DO NOTHING
    """
)
_MOVES = text(
    """
    SELECT DISTINCT package.id AS before, twin.id AS after
    FROM image_package
    JOIN package ON package.id IN (image_package.package_id, image_package.owner_package_id)
    JOIN package AS twin USING (purl, ecosystem, source_name, source_version)
    WHERE image_package.image_id = :image_id AND package.findings_source <> :findings_source
      AND twin.findings_source = :findings_source
    """
)
_MOVE = tuple(
    text(
        f"""
        UPDATE image_package SET {column} = move.after
        FROM unnest(CAST(:before AS bigint[]), CAST(:after AS bigint[])) AS move(before, after)
        WHERE image_package.image_id = :image_id AND image_package.{column} = move.before
        """  # noqa: S608 - constants
    )
    for column in ("package_id", "owner_package_id")
)
_MARK = text("UPDATE image SET findings_source = :findings_source WHERE id = :image_id")
_SOURCE = text("SELECT findings_source FROM image WHERE id = :image_id FOR NO KEY UPDATE")


async def restate_packages(
    connection: AsyncConnection, image_id: int, findings_source: str
) -> Sequence[Row[tuple[int, int]]] | None:
    """Have an image's packages be those whose findings a source states, or those that are matched where it is empty.

    Returns the ids of packages `before` and `after`, or None where that is what they are, or the image is gone.
    """
    current = (await connection.execute(_SOURCE, {"image_id": image_id})).scalar_one_or_none()
    if current is None or current == findings_source:
        return None
    parameters = {"image_id": image_id, "findings_source": findings_source}
    await connection.execute(_TWINS, parameters)
    moves = (await connection.execute(_MOVES, parameters)).all()
    ids = {"before": [move.before for move in moves], "after": [move.after for move in moves]}
    for statement in _MOVE:
        await connection.execute(statement, {"image_id": image_id, **ids})
    await connection.execute(_MARK, parameters)
    return moves
