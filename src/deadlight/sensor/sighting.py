"""Observations as rows of the journal: what makes two the same, what the later one adds, their bytes. Pure."""

from datetime import UTC, datetime
from hashlib import blake2b
from struct import Struct

import msgspec

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation, subject_digest
from deadlight.sensor.database import ROW_BYTES

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Observation)
_NUMBERS = Struct(">qq")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An observation as it becomes a row."""

    seen: Observation
    identity: tuple[int, int]
    body: bytes
    size: int
    """About how many bytes the row takes."""

    def values(self, container: int) -> tuple[int | float | bytes, ...]:
        """Of a new row: container, rank, subject, variant, count, latest time, content."""
        seen = self.seen
        return (container, seen.grade.rank, *self.identity, seen.count, seen.last_at.timestamp(), self.body)


def enter(seen: Observation) -> Entry:
    """What is to be kept of an observation."""
    body = pack(seen)
    return Entry(seen, identify(seen), body, len(body) + ROW_BYTES)


def identify(seen: Observation) -> tuple[int, int]:
    """What an observation is about, and which of its variants it is: signed 64-bit numbers.

    The first is the hash that `observation_digest` sums up. Of an executed program each name, list of arguments and
    content is a variant; both numbers together are beyond what somebody who chooses names can make collide.
    """
    parts = [seen.grade, seen.path]
    if seen.grade is Grade.EXECUTED:
        parts += [seen.process, seen.sha256, *seen.arguments]
    variant = blake2b(_encoder.encode(parts), digest_size=8).digest()
    numbers: tuple[int, int] = _NUMBERS.unpack(subject_digest(seen.grade, seen.path) + variant)
    return numbers


def merge(body: bytes, seen: Observation) -> bytes | None:
    """The row's content with what `seen` adds to it; None where that is nothing but another time.

    A program that does not just read whatever there is is better evidence: its process takes the other's place.
    """
    known = _decoder.decode(body)
    best = seen if known.tool and not seen.tool else known
    merged = msgspec.structs.replace(
        best,
        container_id="",
        count=known.count,
        first_at=min(known.first_at, seen.first_at),
        last_at=known.last_at,
        changed=known.changed or seen.changed,
        running=known.running if seen.running is None else seen.running,
        sha256=best.sha256 or known.sha256 or seen.sha256,
    )
    return None if merged == known else _encoder.encode(merged)


def pack(seen: Observation) -> bytes:
    """A row's content. Its container, count and latest time have columns of their own."""
    return _encoder.encode(msgspec.structs.replace(seen, container_id="", count=1))


def unpack(body: bytes, container_id: str, count: int, last_at: float) -> Observation:
    """The observation of a row; where it is told once more it counts at least one.

    Raises:
        msgspec.MsgspecError: no bytes of `pack`.
    """
    latest = datetime.fromtimestamp(last_at, UTC)
    return msgspec.structs.replace(
        _decoder.decode(body), container_id=container_id, count=max(1, count), last_at=latest
    )
