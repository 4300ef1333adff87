"""What of an observation can be stored. A message may say more than PostgreSQL's columns and indexes hold."""

from collections.abc import Sequence

from deadlight.model import wire
from deadlight.server.errors import BadRequestError

MAX_INTEGER = 2**31 - 1
MAX_CONTAINER_ID_BYTES = 512
"""A runtime's have 64. With a path as long as it may be, this is what an index can hold."""


def check_storable(observations: Sequence[wire.Observation]) -> None:
    """Refuse a batch before any of it is stored.

    Raises:
        BadRequestError: names the observation, the field and what is wrong with it.
    """
    for number, item in enumerate(observations):
        reason = _reason_against(item)
        if reason:
            raise BadRequestError(f"observations[{number}].{reason}")


def _reason_against(item: wire.Observation) -> str:
    if len(item.container_id.encode()) > MAX_CONTAINER_ID_BYTES:
        return f"container_id has more than {MAX_CONTAINER_ID_BYTES} bytes"
    if not 0 <= item.pid <= MAX_INTEGER:
        return f"pid {item.pid} is not between 0 and {MAX_INTEGER}"
    if not 1 <= item.count <= MAX_INTEGER:
        return f"count {item.count} is not between 1 and {MAX_INTEGER}"
    naive = [name for name in ("first_at", "last_at") if getattr(item, name).tzinfo is None]
    return f"{naive[0]} has no time zone" if naive else ""
