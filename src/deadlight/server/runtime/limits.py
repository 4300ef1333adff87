"""What of an observation can be stored, and how much of one container.

A message may say more than PostgreSQL's columns and indexes hold, and a container do more than anybody has a use for.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from deadlight.model import wire
from deadlight.server.errors import BadRequestError

MAX_INTEGER = 2**31 - 1
MAX_USER = 2**32 - 1
SHA256 = re.compile("(?:[0-9a-f]{64})?")
"""In lower-case hexadecimal, or nothing."""

MAX_CONTAINER_ID_BYTES = 512
"""A runtime's have 64. With a path as long as it may be, this is what an index can hold."""


class Room(NamedTuple):
    """How much is kept of one container."""

    observations: int
    executions: int
    """Programs, each with its arguments and hash."""


ROOM = Room(observations=40_000, executions=10_000)
"""As many observations as a sensor's journal keeps of a container: what a sensor knows all of, the service can hold.

Ten minutes of a few services under load came to 10,700, in all of their containers together. Of a program sensors tell
32 lists of arguments apart, so that only who executes ever new files has 10,000 programs.
"""


def check_storable(observations: Sequence[wire.Observation]) -> None:
    """Refuse a batch before any of it is stored.

    Raises:
        BadRequestError: names the observation, the field and what is wrong with it.
    """
    for number, item in enumerate(observations):
        reason = _reason_against(item)
        if reason:
            raise BadRequestError(f"observations[{number}].{reason}")


_RANGES = {
    "pid": (0, MAX_INTEGER),
    "parent_pid": (0, MAX_INTEGER),
    "user": (0, MAX_USER),
    "count": (0, MAX_INTEGER),
}


def _reason_against(item: wire.Observation) -> str:
    if len(item.container_id.encode()) > MAX_CONTAINER_ID_BYTES:
        return f"container_id has more than {MAX_CONTAINER_ID_BYTES} bytes"
    for name, (lowest, highest) in _RANGES.items():
        number = getattr(item, name)
        if number is not None and not lowest <= number <= highest:
            return f"{name} {number} is not between {lowest} and {highest}"
    if not SHA256.fullmatch(item.sha256):
        return "sha256 is not 64 hexadecimal digits, or empty"
    naive = [name for name in ("first_at", "last_at") if getattr(item, name).tzinfo is None]
    return f"{naive[0]} has no time zone" if naive else ""
