"""Image tags and where they run, as columns in memory, over which filters are a few passes of numpy.

Rows are only ever added or overwritten in place; a position, once given, stays. Nothing here waits, so what is read
between two waits of the event loop belongs together.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

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

NONE = -1
"""The code of a value that is not there."""

STILL_THERE = np.inf

T = TypeVar("T")


def distinct(values: Ints) -> Ints:
    """Sorted, each once. NumPy's own `unique` hashes, which takes a hundred times as long on tens of thousands."""
    ordered = np.sort(values)
    return ordered[np.append(ordered[1:] != ordered[:-1], values=True)] if len(ordered) else ordered


class Vector:
    """An array that grows at its end."""

    def __init__(self, dtype: Any, width: int = 0, empty: Any = 0) -> None:
        self._empty = empty
        self._values = np.full((1024, width) if width else 1024, empty, dtype)
        self._length = 0

    @property
    def values(self) -> NDArray[Any]:
        """What is in it, to read and to write in place."""
        return self._values[: self._length]

    def append(self, value: Any) -> None:
        """Add one at the end."""
        if self._length == len(self._values):
            more = np.full(self._values.shape, self._empty, self._values.dtype)
            self._values = np.concatenate([self._values, more])
        self._values[self._length] = value
        self._length += 1


class TextOrder:
    """Texts that have codes, sorted."""

    def __init__(self, texts: Sequence[str]) -> None:
        order = sorted(range(len(texts)), key=texts.__getitem__)
        self._sorted = [texts[code] for code in order]
        self.places = np.empty(len(texts), np.int64)
        """The place of each by its code; texts that are the same have the place of the first."""
        self.places[order] = [bisect_left(self._sorted, texts[code]) for code in order]

    def __len__(self) -> int:
        return len(self._sorted)

    def __getitem__(self, place: int) -> str:
        """The text at a place."""
        return self._sorted[place]

    def find(self, text: str) -> float:
        """The place of a text, between its neighbours where it is not there."""
        place = bisect_left(self._sorted, text)
        return place if self._sorted[place : place + 1] == [text] else place - 0.5


class Codes(Generic[T]):
    """Small numbers for values that repeat."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._codes: dict[T, int] = {}

    def __getitem__(self, value: T) -> int:
        """Its number, a new one where it is new."""
        code = self._codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code

    def find(self, values: Iterable[T]) -> list[int]:
        """The numbers of those that are known."""
        return [self._codes[value] for value in values if value in self._codes]


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
        self.tag_names: Codes[str] = Codes()
        self.tag = Vector(np.int64)
        self.architectures: Codes[str] = Codes()
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

        self.placement: dict[tuple[int, int], int] = {}
        """The position of an image tag in a workload, by workload id and image tag id."""
        self.placed_tag = Vector(np.int64)
        self.workload_id = Vector(np.int64)
        self.workload_names: Codes[str] = Codes()
        self.workload = Vector(np.int64)
        self.namespaces: Codes[str] = Codes()
        self.namespace = Vector(np.int64)
        self.workload_types: Codes[str] = Codes()
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
        self._workload_order = TextOrder(())

    @property
    def workload_order(self) -> TextOrder:
        """Names of workloads, sorted."""
        if len(self._workload_order) != len(self.workload_names.values):
            self._workload_order = TextOrder(self.workload_names.values)
        return self._workload_order

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

    @property
    def ranks(self) -> Ints:
        """How bad each image tag is: by its badges, then by its Critical, High and Medium vulnerabilities."""
        counts = np.minimum(self.severities.values.astype(np.int64), 0xFFFF)
        ranks: Ints = self.badges << 48 | counts[:, 0] << 32 | counts[:, 1] << 16 | counts[:, 2]
        return ranks

    def add_tags(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `image_tag`, which never change."""
        for row in rows:
            if row.id in self.position:
                continue
            self.position[row.id] = len(self.digests)
            self.tag_id.append(row.id)
            self.image.append(self.images[ImageName(row.repository, row.registry)])
            self.tag.append(self.tag_names[row.tag])
            self.architecture.append(self.architectures[row.platform.partition("/")[2]])
            self.digests.append(row.digest)
            self.texts.append(f"{row.registry}/{row.repository}:{row.tag}@{row.digest}".lower())
            for unknown in (self.image_id, self.status, self.violation):
                unknown.append(NONE)
            self.severities.append(0)
            for flag in (self.is_scanned, self.is_malicious, self.is_critical_applicable):
                flag.append(False)
            self._orders = None

    def link_images(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `image_tag_image`."""
        for row in rows:
            position = self.position.get(row.image_tag_id)
            if position is None:
                continue
            before = int(self.image_id.values[position])
            if before != NONE:
                self._tags_of_image[before].remove(position)
            self.image_id.values[position] = row.image_id
            self._tags_of_image.setdefault(row.image_id, []).append(position)
            self._set_risk(position, self._risks.get(row.image_id))

    def set_risks(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `image_risk`."""
        for row in rows:
            self._risks[row.image_id] = row
            for position in self._tags_of_image.get(row.image_id, ()):
                self._set_risk(position, row)

    def _set_risk(self, position: int, row: Row[Any] | None) -> None:
        self.is_scanned.values[position] = row is not None
        counts = (row.critical, row.high, row.medium, row.low, row.unknown) if row else (0,) * len(SEVERITIES)
        self.severities.values[position] = counts
        self.is_malicious.values[position] = row is not None and row.malicious > 0
        self.is_critical_applicable.values[position] = row is not None and row.critical_applicable > 0

    def set_verdicts(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `verdict`."""
        for row in rows:
            position = self.position.get(row.image_tag_id)
            if position is not None:
                self.status.values[position] = STATUSES.index(row.status)
                violation = NONE if row.violation_type is None else VIOLATIONS.index(row.violation_type)
                self.violation.values[position] = violation

    def set_placements(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `placement`, with their workloads."""
        for row in rows:
            tag = self.position.get(row.image_tag_id)
            if tag is None:
                continue
            position = self.placement.get((row.workload_id, row.image_tag_id))
            if position is None:
                position = self._place(row, tag)
            self.running.values[position] = row.running
            self.gone_at.values[position] = row.gone_at.timestamp() if row.gone_at else STILL_THERE

    def _place(self, row: Row[Any], tag: int) -> int:
        position = self.placement[row.workload_id, row.image_tag_id] = len(self.placement)
        self.placed_tag.append(tag)
        self.workload_id.append(row.workload_id)
        self.workload.append(self.workload_names[row.name])
        self.namespace.append(self.namespaces[row.namespace])
        self.workload_type.append(self.workload_types[row.kind])
        self.cluster.append(self.cluster_ids[row.cluster_id])
        self.running.append(False)
        self.gone_at.append(STILL_THERE)
        return position

    def set_clusters(self, rows: Iterable[Row[Any]]) -> None:
        """All rows of `cluster`."""
        self.clusters = {
            self.cluster_ids[row.id]: LiveCluster(row.id, row.name, row.provider, row.demonstration) for row in rows
        }

    def count_gone(self, before: datetime) -> int:
        """How many image tags have been gone from a workload since before then."""
        return int((self.gone_at.values < before.timestamp()).sum())
