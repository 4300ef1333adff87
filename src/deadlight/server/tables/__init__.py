"""Every table, a file for each owner. Any capability may read any table; only its owner writes it."""

from deadlight.server.tables import (
    advisories,
    assessment,
    attestations,
    auth,
    clusters,
    detections,
    events,
    findings,
    integrity,
    inventory,
    ledger,
    owners,
    registries,
    runtime,
    scans,
    workers,
)
from deadlight.server.tables.metadata import metadata

__all__ = [
    "advisories",
    "assessment",
    "attestations",
    "auth",
    "clusters",
    "detections",
    "events",
    "findings",
    "integrity",
    "inventory",
    "ledger",
    "metadata",
    "owners",
    "registries",
    "runtime",
    "scans",
    "workers",
]
