"""What the service was told, what it should know, and the difference. No clock, no network.

Changes coalesce: only an object's latest state is ever sent, and an object that came and went between two batches is
not sent at all. Batches are cut from here in an order that keeps references whole: nodes, namespaces, workloads, pods,
and tombstones only after everything that exists.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from deadlight.model.wire import (
    KindDigest,
    NamespaceRecord,
    NodeRecord,
    PodRecord,
    Removed,
    StateDigest,
    WorkloadRecord,
)

Record: TypeAlias = NodeRecord | NamespaceRecord | WorkloadRecord | PodRecord
Change: TypeAlias = Record | Removed


class Kind(StrEnum):
    """What an inventory is made of, in the order in which references point backwards."""

    NODE = "node"
    NAMESPACE = "namespace"
    WORKLOAD = "workload"
    POD = "pod"


_KIND_OF: dict[type[Record], Kind] = {
    NodeRecord: Kind.NODE,
    NamespaceRecord: Kind.NAMESPACE,
    WorkloadRecord: Kind.WORKLOAD,
    PodRecord: Kind.POD,
}


@dataclass(slots=True)
class _Shelf:
    """All objects of one kind."""

    held: dict[str, Record] = field(default_factory=dict)
    """What exists, by uid."""
    told: dict[str, int] = field(default_factory=dict)
    """Hash of what the service was told, by uid."""
    refused: dict[str, int] = field(default_factory=dict)
    """Hash of what the service would not take; not sent again until it changes."""
    checksum: int = 0
    """Sum of the hashes in `told`, modulo 2**64."""
    changed: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Uids to look at for the next batch, in order of arrival. An OrderedDict, because taking the first key out of a
    dict again and again is quadratic."""
    vanished: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Uids the service was told of that exist no more."""
    owed: int = 0
    """How many of the first uids in `changed` a sync in progress still has to announce."""

    def put(self, record: Record) -> bool:
        """Returns whether this is news."""
        old = self.held.get(record.uid)
        if old is not None and old.hash == record.hash:
            return False
        self.held[record.uid] = record
        self.vanished.pop(record.uid, None)
        self.changed.setdefault(record.uid)
        return True

    def remove(self, uid: str) -> bool:
        """Returns whether this is news."""
        if self.held.pop(uid, None) is None:
            return False
        self.refused.pop(uid, None)
        if uid in self.told:
            self.vanished[uid] = None
        return True

    def announce_all(self) -> None:
        """Forget what the service was told."""
        self.told.clear()
        self.vanished.clear()
        self.checksum = 0
        self.changed = OrderedDict.fromkeys(self.held)
        self.owed = len(self.changed)

    def take(self, limit: int) -> Iterator[Record]:
        """At most `limit` records that the service lacks."""
        while self.changed and limit:
            uid, _ = self.changed.popitem(last=False)
            self.owed = max(0, self.owed - 1)
            record = self.held.get(uid)
            if record is not None and record.hash not in {self.told.get(uid), self.refused.get(uid)}:
                self._tell(uid, record.hash)
                limit -= 1
                yield record

    def take_vanished(self, limit: int) -> Iterator[str]:
        """At most `limit` uids that the service holds and that exist no more."""
        while self.vanished and limit:
            uid, _ = self.vanished.popitem(last=False)
            self._untell(uid)
            limit -= 1
            yield uid

    def refuse(self, uid: str) -> None:
        """The service would not take the object as it was told last."""
        if uid in self.told:
            self.refused[uid] = self.told[uid]
            self._untell(uid)
            self.vanished.pop(uid, None)

    def digest(self) -> KindDigest:
        """What the service should hold."""
        return KindDigest(count=len(self.told), checksum=self.checksum)

    def _tell(self, uid: str, content: int) -> None:
        self.checksum = (self.checksum + content - self.told.get(uid, 0)) % 2**64
        self.told[uid] = content

    def _untell(self, uid: str) -> None:
        self.checksum = (self.checksum - self.told.pop(uid)) % 2**64


@dataclass(frozen=True, slots=True)
class Cut:
    """What goes into one batch. `sync_id` is empty outside of a sync; `digest` is None until a sync is complete."""

    records: tuple[Record, ...]
    removed: tuple[Removed, ...]
    sync_id: str
    sync_complete: bool
    digest: StateDigest | None

    @property
    def is_empty(self) -> bool:
        """Whether the service would learn nothing from it."""
        return not self.records and not self.removed and not self.sync_id


class Deltas:
    """The inventory as it is and as the service knows it."""

    def __init__(self) -> None:
        self._shelves = {kind: _Shelf() for kind in Kind}
        self._sync_id = ""

    def apply(self, change: Change) -> bool:
        """Take in a change; returns whether it is news (an unchanged record is none)."""
        if isinstance(change, Removed):
            return self._shelves[Kind(change.kind)].remove(change.uid)
        return self._shelves[_KIND_OF[type(change)]].put(change)

    def begin_sync(self, sync_id: str) -> None:
        """Forget what the service was told: from the next cut on, everything is announced under `sync_id`."""
        self._sync_id = sync_id
        for shelf in self._shelves.values():
            shelf.announce_all()

    def cut(self, limit: int) -> Cut:
        """The next batch of at most `limit` objects, counted as told from now on."""
        records = tuple(self._take(limit))
        removed = tuple(self._take_vanished(limit - len(records)))
        sync_id, complete = self._sync_id, not any(shelf.owed for shelf in self._shelves.values())
        if complete:
            self._sync_id = ""
        return Cut(records, removed, sync_id, bool(sync_id) and complete, self.digest() if complete else None)

    def refuse(self, uids: Iterable[str]) -> None:
        """The service would not take these objects: it holds them no more, and they are not sent until they change."""
        for uid in uids:
            for shelf in self._shelves.values():
                shelf.refuse(uid)

    def digest(self) -> StateDigest:
        """What the service should hold."""
        return StateDigest(**{kind.value: shelf.digest() for kind, shelf in self._shelves.items()})

    @property
    def pending(self) -> int:
        """How many objects wait to be looked at."""
        return sum(len(shelf.changed) + len(shelf.vanished) for shelf in self._shelves.values())

    @property
    def is_syncing(self) -> bool:
        """Whether a sync was begun and its last batch not yet cut."""
        return bool(self._sync_id)

    def held(self) -> dict[str, int]:
        """How many objects of each kind exist."""
        return {kind.value: len(shelf.held) for kind, shelf in self._shelves.items()}

    def _take(self, limit: int) -> Iterator[Record]:
        for shelf in self._shelves.values():
            for record in shelf.take(limit):
                limit -= 1
                yield record

    def _take_vanished(self, limit: int) -> Iterator[Removed]:
        for kind, shelf in reversed(self._shelves.items()):
            for uid in shelf.take_vanished(limit):
                limit -= 1
                yield Removed(kind=kind.value, uid=uid)
