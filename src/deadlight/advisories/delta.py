"""What an import changes: compare a stream of advisories with what is stored, and name what must be matched again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deadlight.advisories.advisory import Advisory, Bucket


class ChangeKind(StrEnum):
    """How an incoming advisory differs from the stored one."""

    NEW = "new"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    UNCHANGED = "unchanged"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Change:
    """One advisory of an import. Unchanged and repeated ones are to be counted and otherwise left alone."""

    kind: ChangeKind
    advisory: Advisory


def iter_changes(stored: Mapping[str, str], incoming: Iterable[Advisory]) -> Iterator[Change]:
    """Compare advisories with those stored, given as advisory id -> content hash.

    Of several records with one identifier the first counts and the others are `REPEATED`, so that importing the same
    stream twice changes nothing the second time.
    """
    seen: set[str] = set()
    for advisory in incoming:
        yield Change(_kind(stored.get(advisory.id), advisory, repeated=advisory.id in seen), advisory)
        seen.add(advisory.id)


def touched_buckets(change: Change, stored_buckets: Iterable[Bucket]) -> frozenset[Bucket]:
    """The buckets whose packages must be matched again: where the advisory matched until now, and where it does now."""
    match change.kind:
        case ChangeKind.UNCHANGED | ChangeKind.REPEATED:
            return frozenset()
        case ChangeKind.NEW | ChangeKind.CHANGED | ChangeKind.WITHDRAWN:
            return change.advisory.buckets.union(stored_buckets)


def _kind(stored_hash: str | None, advisory: Advisory, *, repeated: bool) -> ChangeKind:
    if repeated:
        return ChangeKind.REPEATED
    if stored_hash == advisory.content_hash:
        return ChangeKind.UNCHANGED
    if advisory.is_withdrawn:
        return ChangeKind.WITHDRAWN
    return ChangeKind.NEW if stored_hash is None else ChangeKind.CHANGED
