"""The funnel's index: which vulnerabilities running images have and how far each gets, in memory.

The database holds the truth and one packed set per image (`findings.risk`); each process of the service keeps these
sets and answers a funnel from them in about a millisecond, where counting joins takes seconds. It loads what is newer
than what it has whenever it is woken, and never decides anything.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.model.vulnerability import Stage
from deadlight.server.db.engine import autocommit
from deadlight.server.findings.risk import STAGE_BITS

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""Between two looks: whatever happens wakes the index, and most of it changes no risk."""

OVERLAP = 1_000
"""Versions are drawn before they commit, so some of the newest may appear late: that many are looked at again."""

_NEWER = text("SELECT image_id, version, packed FROM image_risk WHERE version > :version")


@dataclass(frozen=True, slots=True)
class Funnel:
    """Distinct vulnerabilities by stage; each stage is part of the one before."""

    counts: tuple[int, ...]

    def __getitem__(self, stage: Stage) -> int:
        return self.counts[stage]


class RiskIndex:
    """Packed sets by image, kept up to date until cancelled."""

    def __init__(self, engine: AsyncEngine, *, sweep: timedelta = timedelta(seconds=5)) -> None:
        self._engine = engine
        self._sweep = sweep.total_seconds()
        self._packed: dict[int, NDArray[np.uint32]] = {}
        self._versions: dict[int, int] = {}
        self._newest = 0
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()

    def wake(self, _payload: str = "") -> None:
        """Look for news now."""
        self._woken.set()

    async def run(self) -> None:
        """Load news when woken and every so often, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:
                logger.exception("loading the risk index failed, trying again")
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                async with asyncio.timeout(self._sweep):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    async def refresh(self) -> None:
        """Load the sets that are newer than what is here."""
        async with self._lock, autocommit(self._engine) as connection:
            rows = await connection.execute(_NEWER, {"version": self._newest - OVERLAP})
            for row in rows:
                if self._versions.get(row.image_id, 0) < row.version:
                    self._packed[row.image_id] = np.frombuffer(row.packed, "<u4")
                    self._versions[row.image_id] = row.version
                    self._newest = max(self._newest, row.version)

    def funnel(self, image_ids: Sequence[int]) -> Funnel:
        """How many distinct vulnerabilities of these images reach each stage."""
        sets = [self._packed[image_id] for image_id in image_ids if image_id in self._packed]
        if not sets:
            return Funnel((0,) * len(Stage))
        values = np.concatenate(sets)
        furthest = furthest_stages(values)
        reached = np.bincount(furthest, minlength=len(Stage))
        return Funnel(tuple(int(count) for count in reached[::-1].cumsum()[::-1]))


def furthest_stages(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The furthest stage of each distinct vulnerability among packed values.

    Sorted, the values of one vulnerability stand together and end with its furthest stage.
    """
    ordered = np.sort(values)
    vulnerability = ordered >> STAGE_BITS
    last = np.ones(len(ordered), dtype=bool)
    last[:-1] = vulnerability[1:] != vulnerability[:-1]
    stages: NDArray[np.uint32] = ordered[last] & np.uint32((1 << STAGE_BITS) - 1)
    return stages


_RUNNING = text(
    """
    SELECT DISTINCT image_tag_image.image_id
    FROM container
    JOIN image_tag_image ON image_tag_image.image_tag_id = container.image_tag_id
    WHERE container.state = 'running' AND container.removed_at IS NULL
      AND (CAST(:clusters AS uuid[]) IS NULL OR container.cluster_id = ANY(:clusters))
      AND (CAST(:namespaces AS text[]) IS NULL OR EXISTS (
            SELECT FROM pod WHERE pod.id = container.pod_id AND pod.namespace = ANY(:namespaces)))
    """
)


async def list_running_images(
    connection: AsyncConnection, clusters: Sequence[str] | None, namespaces: Sequence[str] | None
) -> list[int]:
    """Images of running containers, in these clusters and namespaces where any are given."""
    parameters = {"clusters": list(clusters) if clusters else None, "namespaces": namespaces or None}
    return list((await connection.execute(_RUNNING, parameters)).scalars())
