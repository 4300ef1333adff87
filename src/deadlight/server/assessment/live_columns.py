"""Image tags and where they run, as columns in memory, over which filters are a few passes of numpy.

Rows are only ever added or overwritten in place; a position, once given, stays. Nothing here waits, so what is read
between two waits of the event loop belongs together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_vectors import NONE, Codes, Ints, Joined, Mask, TextOrder, Texts, Vector

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

UNRESOLVED = 0
"""The id of no image."""


def risk_bits(row: Row[Any]) -> int:
    """The badges that a row of `image_risk` or `program_risk` brings."""
    malicious, critical = RISK_BITS[Risk.MALICIOUS], RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]
    return (malicious if row.malicious else 0) | (critical if row.critical_applicable else 0)


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
        self._ids = list(columns.position.values)

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
    """A position for each image tag, and one for each image tag in each workload that has or had it."""

    def __init__(self) -> None:
        self.position: Codes[int] = Codes()
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
        self.status = Vector(np.int8, empty=NONE)
        self.violation = Vector(np.int8, empty=NONE)

        self._contents = Vector(np.int64)
        self._image_ids: Codes[int] = Codes()
        self._ids = Vector(np.int64)
        self._severities = Vector(np.int32, width=len(SEVERITIES))
        self._risk_bits = Vector(np.int64)
        self._applicabilities = Vector(np.int64)
        self._is_scanned = Vector(np.bool_)
        self._add_images([UNRESOLVED])
        self.image_id = Joined(self._contents, self._ids)
        """Of the contents; UNRESOLVED until they are known."""
        self.severities = Joined(self._contents, self._severities)
        """How many vulnerabilities there are, in the order of `SEVERITIES`."""
        self.applicabilities = Joined(self._contents, self._applicabilities)
        """What contextual analysis found of these, as `APPLICABILITY_BITS`."""
        self.is_scanned = Joined(self._contents, self._is_scanned)

        self.placement: Codes[tuple[int, int]] = Codes()
        """The position of an image tag in a workload, by workload id and image tag id."""
        self.placed_tag = Vector(np.int64)
        self.workload_ids: Codes[int] = Codes()
        self.workload = Vector(np.int64)
        self.workload_names, self.workload_name = Texts(), Vector(np.int64)
        self.namespaces, self.namespace = Texts(), Vector(np.int64)
        self.workload_types, self.workload_type = Texts(), Vector(np.int64)
        self.cluster_ids: Codes[UUID] = Codes()
        self.cluster = Vector(np.int64)
        self.running = Vector(np.bool_)
        self.gone_at = Vector(np.float64)
        """Seconds since 1970; STILL_THERE while it is."""
        self.detections = Vector(np.int32, width=len(SEVERITIES))
        """How many are open, in the order of `SEVERITIES`."""

        self.clusters: dict[int, LiveCluster] = {}
        """By code; a cluster that was removed is not in it."""
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
            self._risk_bits.values[self._contents.values]
            + RISK_BITS[Risk.INTEGRITY_VIOLATION] * (self.violation.values != NONE)
            + RISK_BITS[Risk.UNTRUSTED_REGISTRY] * untrusted
        )
        return bits

    @property
    def in_known_clusters(self) -> Mask:
        """The places in clusters that have not been removed."""
        known = np.zeros(len(self.cluster_ids), dtype=bool)
        known[list(self.clusters)] = True
        of_place: Mask = known[self.cluster.values]
        return of_place

    def add_tags(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `image_tag`, which never change."""
        new = [row for row in rows if row.id not in self.position]
        at = self.position.add(row.id for row in new)
        self.tag_id.put(at, [row.id for row in new])
        self.image.put(at, self.images.add(ImageName(row.repository, row.registry) for row in new))
        self.registry.put(at, self.registries.add(row.registry for row in new))
        self.tag.put(at, self.tag_names.add(row.tag for row in new))
        self.architecture.put(at, self.architectures.add(row.platform.partition("/")[2] for row in new))
        self.digests += [row.digest for row in new]
        self.texts += [f"{row.registry}/{row.repository}:{row.tag}@{row.digest}".lower() for row in new]
        for unknown in (self.status, self.violation, self._contents):
            unknown.reach(len(self.position))
        if new:
            self._orders = None

    def link_images(self, rows: Iterable[Row[Any]]) -> list[int]:
        """Rows of `image_tag_image`; returns their image tags."""
        known = [row for row in rows if row.image_tag_id in self.position]
        tags = [self.position[row.image_tag_id] for row in known]
        self._contents.put(tags, self._add_images(row.image_id for row in known))
        return tags

    def _add_images(self, image_ids: Iterable[int]) -> list[int]:
        at = self._image_ids.add(image_ids)
        self._ids.put(at, [self._image_ids.values[code] for code in at])
        for column in (self._severities, self._risk_bits, self._applicabilities, self._is_scanned):
            column.reach(len(self._image_ids))
        return at

    def set_risks(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `image_risk`."""
        at = self._add_images(row.image_id for row in rows)
        self._severities.put(at, [(row.critical, row.high, row.medium, row.low, row.unknown) for row in rows])
        self._risk_bits.put(at, [risk_bits(row) for row in rows])
        self._applicabilities.put(at, [row.applicabilities for row in rows])
        self._is_scanned.put(at, True)

    def set_verdicts(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `verdict`."""
        known = [row for row in rows if row.image_tag_id in self.position]
        at = [self.position[row.image_tag_id] for row in known]
        self.status.put(at, [STATUSES.index(row.status) for row in known])
        self.violation.put(
            at, [NONE if row.violation_type is None else VIOLATIONS.index(row.violation_type) for row in known]
        )

    def set_placements(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `placement`, with their workloads."""
        known = [row for row in rows if row.image_tag_id in self.position]
        at = self.placement.add((row.workload_id, row.image_tag_id) for row in known)
        self.placed_tag.put(at, [self.position[row.image_tag_id] for row in known])
        self.workload.put(at, self.workload_ids.add(row.workload_id for row in known))
        self.workload_name.put(at, self.workload_names.add(row.name for row in known))
        self.namespace.put(at, self.namespaces.add(row.namespace for row in known))
        self.workload_type.put(at, self.workload_types.add(row.kind for row in known))
        self.cluster.put(at, self.cluster_ids.add(row.cluster_id for row in known))
        self.running.put(at, [row.running for row in known])
        self.gone_at.put(at, [row.gone_at.timestamp() if row.gone_at else STILL_THERE for row in known])
        self.detections.put(at, [row.detections for row in known])

    def order_clusters(self) -> TextOrder:
        """By name, with the place of every code; what was removed has no name."""
        known = self.clusters
        return TextOrder([known[code].name if code in known else "" for code in range(len(self.cluster_ids))])

    def set_clusters(self, rows: Sequence[Row[Any]]) -> None:
        """All rows of `cluster`."""
        codes = self.cluster_ids.add(row.id for row in rows)
        found = [LiveCluster(row.id, row.name, row.provider, row.demonstration) for row in rows]
        self.clusters = dict(zip(codes, found, strict=True))

    def count_gone(self, before: datetime) -> int:
        """How many image tags have been gone from a workload since before then."""
        return int((self.gone_at.values < before.timestamp()).sum())
