"""Changing valid inputs into such as nobody thought of. Pure: the same edits give the same bytes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never


class Kind(IntEnum):
    """How an input is changed at a place."""

    OVERWRITE = 0
    INSERT = 1
    REMOVE = 2
    REPEAT = 3
    CUT = 4


INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\x80",
    b"-1",
    b"[" * 64,
)
"""Where numbers turn over, and what nests."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `place` is a share of the input, 0 to 1."""

    kind: Kind
    place: float
    content: bytes = b""
    length: int = 1


def mutate(seed: bytes, edits: Sequence[Edit], limit: int) -> bytes:
    """The seed with the edits made one after the other, at most `limit` bytes."""
    data = seed
    for edit in edits:
        at = int(edit.place * len(data))
        data = _edited(data, at, edit)[:limit]
    return data


def _edited(data: bytes, at: int, edit: Edit) -> bytes:
    match edit.kind:
        case Kind.OVERWRITE:
            return data[:at] + edit.content + data[at + len(edit.content) :]
        case Kind.INSERT:
            return data[:at] + edit.content + data[at:]
        case Kind.REMOVE:
            return data[:at] + data[at + edit.length :]
        case Kind.REPEAT:
            return data[:at] + data[at : at + edit.length] * 16 + data[at + edit.length :]
        case Kind.CUT:
            return data[:at]
    assert_never(edit.kind)


def random_edits(chance: random.Random) -> list[Edit]:
    """Some edits, drawn by chance."""
    return [_random_edit(chance) for _ in range(chance.choice((1, 1, 2, 3, 8)))]


def _random_edit(chance: random.Random) -> Edit:
    content = chance.choice(INTERESTING) if chance.random() < 0.4 else chance.randbytes(chance.choice((1, 1, 2, 4, 8)))
    return Edit(chance.choice(list(Kind)), chance.random(), content, chance.choice((1, 2, 4, 16, 128)))
