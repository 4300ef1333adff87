"""Every table, a file for each owner. Any capability may read any table; only its owner writes it."""

from deadlight.server.tables import (
    advisories,
    attestations,
    auth,
    clusters,
    events,
    findings,
    integrity,
    inventory,
    registries,
    runtime,
    scans,
    workers,
)
from deadlight.server.tables.metadata import metadata

__all__ = [
    "advisories",
    "attestations",
    "auth",
    "clusters",
    "events",
    "findings",
    "integrity",
    "inventory",
    "metadata",
    "registries",
    "runtime",
    "scans",
    "workers",
]
