"""Image tags and where they run, as columns in memory, over which filters are a few passes of numpy.

Rows are only ever added or overwritten in place; a position, once given, stays. Nothing here waits, so what is read
between two waits of the event loop belongs together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_vectors import NONE, Codes, Ints, Texts, Vector

STATUSES = tuple(IntegrityStatus)
VIOLATIONS = tuple(ViolationType)
SEVERITIES = tuple(Severity)
"""Worst first: the order of the columns of `LiveColumns.severities`."""

RISK_BITS = {
    Risk.MALICIOUS: 8,
    Risk.INTEGRITY_VIOLATION: 4,
    Risk.CRITICAL_APPLICABLE_CVES: 2,
    Risk.UNTRUSTED_REGISTRY: 1,
}
"""The graver, the higher, so that badges compare as numbers."""

STILL_THERE = np.inf


def rank(badges: Ints, severities: NDArray[Any]) -> Ints:
    """How bad things are: by their badges, then by their Critical, High and Medium vulnerabilities."""
    counts = np.minimum(severities[:, :3].astype(np.int64), 0xFFFF)
    ranks: Ints = badges << 48 | counts[:, 0] << 32 | counts[:, 1] << 16 | counts[:, 2]
    return ranks


@dataclass(frozen=True, slots=True)
class LiveCluster:
    """A cluster as lists show it."""

    id: UUID
    name: str
    provider: str
    demonstration: bool


class ImageName(NamedTuple):
    """What the tags of an image have in common, in the order of lists."""

    repository: str
    registry: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}"


class NameOrders:
    """Images and image tags in the orders that follow from their names; made anew when there are more."""

    def __init__(self, columns: "LiveColumns") -> None:
        self._images = list(columns.images.values)
        self._names = [self._images[code] for code in columns.image.values.tolist()]
        self._tags = [columns.tag_names.values[code] for code in columns.tag.values.tolist()]
        self._ids = columns.tag_id.values.tolist()

    @cached_property
    def images(self) -> list[ImageName]:
        """Every image, sorted."""
        return sorted(self._images)

    @cached_property
    def of_image(self) -> Ints:
        """The place of each image in `images`, by its code."""
        places = np.empty(len(self._images), np.int64)
        places[sorted(range(len(places)), key=self._images.__getitem__)] = np.arange(len(places))
        return places

    @cached_property
    def by_name(self) -> list[tuple[Any, ...]]:
        """Repository, tag and id, sorted."""
        return sorted(zip((item.repository for item in self._names), self._tags, self._ids, strict=True))

    @cached_property
    def by_registry(self) -> list[tuple[Any, ...]]:
        """Registry, repository, tag and id, sorted."""
        names = self._names
        registries, repositories = (item.registry for item in names), (item.repository for item in names)
        return sorted(zip(registries, repositories, self._tags, self._ids, strict=True))


class LiveColumns:
    """One position for each image tag, and one for each image tag in each workload that has or had it."""

    def __init__(self) -> None:
        self.position: dict[int, int] = {}
        """Of an image tag, by its id."""
        self.tag_id = Vector(np.int64)
        self.images: Codes[ImageName] = Codes()
        self.image = Vector(np.int64)
        self.registries = Texts()
        self.registry = Vector(np.int64)
        self.tag_names = Texts()
        self.tag = Vector(np.int64)
        self.architectures = Texts()
        self.architecture = Vector(np.int64)
        self.digests: list[str] = []
        self.texts: list[str] = []
        """What a search looks at."""
        self.image_id = Vector(np.int64, empty=NONE)
        """Of the image's contents; NONE until they are resolved."""
        self.status = Vector(np.int8, empty=NONE)
        self.violation = Vector(np.int8, empty=NONE)
        self.severities = Vector(np.int32, width=len(SEVERITIES))
        self.is_scanned = Vector(np.bool_)
        self.is_malicious = Vector(np.bool_)
        self.is_critical_applicable = Vector(np.bool_)
        self.applicabilities = Vector(np.int64)
        """What contextual analysis found of its vulnerabilities, as `APPLICABILITY_BITS`."""

        self.placement: dict[tuple[int, int], int] = {}
        """The position of an image tag in a workload, by workload id and image tag id."""
        self.placed_tag = Vector(np.int64)
        self.workload_ids: Codes[int] = Codes()
        self.workload = Vector(np.int64)
        self.workload_names = Texts()
        self.workload_name = Vector(np.int64)
        self.namespaces = Texts()
        self.namespace = Vector(np.int64)
        self.workload_types = Texts()
        self.workload_type = Vector(np.int64)
        self.cluster_ids: Codes[UUID] = Codes()
        self.cluster = Vector(np.int64)
        self.running = Vector(np.bool_)
        self.gone_at = Vector(np.float64)
        """Seconds since 1970; STILL_THERE while it is."""

        self.clusters: dict[int, LiveCluster] = {}
        """By code; a cluster that was removed is not in it."""
        self._risks: dict[int, Row[Any]] = {}
        self._tags_of_image: dict[int, list[int]] = {}
        self._orders: NameOrders | None = None

    @property
    def orders(self) -> NameOrders:
        """Images and image tags by their names."""
        if self._orders is None:
            self._orders = NameOrders(self)
        return self._orders

    @property
    def badges(self) -> Ints:
        """The risks of each image tag, as `RISK_BITS`."""
        untrusted = self.status.values == STATUSES.index(IntegrityStatus.UNTRUSTED_REGISTRY)
        bits: Ints = (
            RISK_BITS[Risk.MALICIOUS] * self.is_malicious.values.astype(np.int64)
            + RISK_BITS[Risk.INTEGRITY_VIOLATION] * (self.violation.values != NONE)
            + RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES] * self.is_critical_applicable.values
            + RISK_BITS[Risk.UNTRUSTED_REGISTRY] * untrusted
        )
        return bits

    def tags_of_image(self, image_id: int) -> Sequence[int]:
        """The image tags that have these contents."""
        return self._tags_of_image.get(image_id, ())

    def add_tags(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `image_tag`, which never change."""
        new = [row for row in rows if row.id not in self.position]
        if not new:
            return
        self.position.update(zip((row.id for row in new), count(len(self.position)), strict=False))
        self.tag_id.extend([row.id for row in new])
        self.image.extend([self.images[ImageName(row.repository, row.registry)] for row in new])
        self.registry.extend([self.registries[row.registry] for row in new])
        self.tag.extend([self.tag_names[row.tag] for row in new])
        self.architecture.extend([self.architectures[row.platform.partition("/")[2]] for row in new])
        self.digests += [row.digest for row in new]
        self.texts += [f"{row.registry}/{row.repository}:{row.tag}@{row.digest}".lower() for row in new]
        for unknown in (self.image_id, self.status, self.violation, self.severities, self.applicabilities):
            unknown.grow(len(new))
        for flag in (self.is_scanned, self.is_malicious, self.is_critical_applicable):
            flag.grow(len(new))
        self._orders = None

    def link_images(self, rows: Iterable[Row[Any]]) -> list[int]:
        """Rows of `image_tag_image`; returns the image tags that have other contents now."""
        linked = []
        for row in rows:
            position = self.position.get(row.image_tag_id)
            before = NONE if position is None else int(self.image_id.values[position])
            if position is None or before == row.image_id:
                continue
            if before != NONE:
                self._tags_of_image[before].remove(position)
            self.image_id.values[position] = row.image_id
            self._tags_of_image.setdefault(row.image_id, []).append(position)
            self._set_risk(position, self._risks.get(row.image_id))
            linked.append(position)
        return linked

    def set_risks(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `image_risk`."""
        for row in rows:
            self._risks[row.image_id] = row
            for position in self.tags_of_image(row.image_id):
                self._set_risk(position, row)

    def _set_risk(self, position: int, row: Row[Any] | None) -> None:
        self.is_scanned.values[position] = row is not None
        counts = (row.critical, row.high, row.medium, row.low, row.unknown) if row else (0,) * len(SEVERITIES)
        self.severities.values[position] = counts
        self.is_malicious.values[position] = row is not None and row.malicious > 0
        self.is_critical_applicable.values[position] = row is not None and row.critical_applicable > 0
        self.applicabilities.values[position] = row.applicabilities if row else 0

    def set_verdicts(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `verdict`."""
        for row in rows:
            position = self.position.get(row.image_tag_id)
            if position is not None:
                self.status.values[position] = STATUSES.index(row.status)
                violation = NONE if row.violation_type is None else VIOLATIONS.index(row.violation_type)
                self.violation.values[position] = violation

    def set_placements(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `placement`, with their workloads."""
        known = [row for row in rows if row.image_tag_id in self.position]
        self._place([row for row in known if (row.workload_id, row.image_tag_id) not in self.placement])
        at = [self.placement[row.workload_id, row.image_tag_id] for row in known]
        self.running.values[at] = [row.running for row in known]
        self.gone_at.values[at] = [row.gone_at.timestamp() if row.gone_at else STILL_THERE for row in known]

    def _place(self, rows: Sequence[Row[Any]]) -> None:
        keys = ((row.workload_id, row.image_tag_id) for row in rows)
        self.placement.update(zip(keys, count(len(self.placement)), strict=False))
        self.placed_tag.extend([self.position[row.image_tag_id] for row in rows])
        self.workload.extend([self.workload_ids[row.workload_id] for row in rows])
        self.workload_name.extend([self.workload_names[row.name] for row in rows])
        self.namespace.extend([self.namespaces[row.namespace] for row in rows])
        self.workload_type.extend([self.workload_types[row.kind] for row in rows])
        self.cluster.extend([self.cluster_ids[row.cluster_id] for row in rows])
        for later in (self.running, self.gone_at):
            later.grow(len(rows))

    def set_clusters(self, rows: Iterable[Row[Any]]) -> None:
        """All rows of `cluster`."""
        self.clusters = {
            self.cluster_ids[row.id]: LiveCluster(row.id, row.name, row.provider, row.demonstration) for row in rows
        }

    def count_gone(self, before: datetime) -> int:
        """How many image tags have been gone from a workload since before then."""
        return int((self.gone_at.values < before.timestamp()).sum())
