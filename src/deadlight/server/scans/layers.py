"""What is known of layers, in one part for each analyzer, so that a new version of one is all that reads them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.tables.scans import layer_part

_FIND = text(
    """
    SELECT analyzed_layer.digest, analyzed_layer.analyzers, layer_part.analyzer, layer_part.facts
    FROM analyzed_layer
    LEFT JOIN layer_part ON layer_part.digest = analyzed_layer.digest AND layer_part.analyzer = ANY(:names)
    WHERE analyzed_layer.digest = ANY(:digests)
    """
)
_STORE = text(
    """
    INSERT INTO analyzed_layer (digest, analyzers) VALUES (:digest, CAST(:analyzers AS jsonb))
    ON CONFLICT (digest) DO UPDATE SET analyzers = analyzed_layer.analyzers || EXCLUDED.analyzers, analyzed_at = now()
    """
)
_FORGET = text("DELETE FROM analyzed_layer WHERE digest = ANY(:digests)")
_FORGET_PARTS = text("DELETE FROM layer_part WHERE digest = :digest AND analyzer = ANY(:names)")


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """What is stored of a layer, of what was asked for."""

    parts: Mapping[str, bytes] = field(default_factory=dict)
    """By analyzer; without those that kept nothing."""
    missing: frozenset[str] = frozenset()
    """Analyzers that have not read it, or only in another version."""


async def find_layers(
    connection: AsyncConnection, digests: Sequence[str], analyzers: Mapping[str, int]
) -> Mapping[str, KnownLayer]:
    """What analyzers of these versions kept of each of the layers."""
    versions: dict[str, Mapping[str, int]] = {}
    parts: dict[str, dict[str, bytes]] = {digest: {} for digest in digests}
    for row in await connection.execute(_FIND, {"digests": list(digests), "names": list(analyzers)}):
        versions[row.digest] = row.analyzers
        if row.facts is not None and row.analyzers.get(row.analyzer) == analyzers[row.analyzer]:
            parts[row.digest][row.analyzer] = row.facts
    return {digest: KnownLayer(parts[digest], _missing(versions.get(digest, {}), analyzers)) for digest in digests}


def _missing(known: Mapping[str, int], wanted: Mapping[str, int]) -> frozenset[str]:
    return frozenset(name for name, version in wanted.items() if known.get(name) != version)


async def store_layer(
    connection: AsyncConnection, digest: str, analyzers: Mapping[str, int], parts: Mapping[str, bytes]
) -> None:
    """Keep what these analyzers kept of a layer; another process may have read it at the same time."""
    await connection.execute(_STORE, {"digest": digest, "analyzers": msgspec.json.encode(analyzers).decode()})
    await connection.execute(_FORGET_PARTS, {"digest": digest, "names": list(analyzers)})
    rows = [{"digest": digest, "analyzer": name, "facts": facts} for name, facts in parts.items()]
    if rows:
        await connection.execute(layer_part.insert(), rows)


async def forget_layers(connection: AsyncConnection, digests: Sequence[str]) -> None:
    """Have layers read again when they are next needed."""
    await connection.execute(_FORGET, {"digests": list(digests)})
