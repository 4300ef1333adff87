"""Keys with which lists go on after their last row: opaque to clients, and checked when they come back."""

import base64
import binascii
from typing import Any

import msgspec

from deadlight.server.errors import BadRequestError

MAX_KEY_LENGTH = 2048


def encode_key(order: str, values: list[Any]) -> str:
    """The key of a list in this order whose last row has these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode([order, *values])).decode().rstrip("=")


def decode_key(key: str, order: str, kinds: tuple[type, ...]) -> list[Any]:
    """The values of a key; raises BadRequestError unless it was made for a list in this order."""
    encoded = key[:MAX_KEY_LENGTH]
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=list[Any])
    except (ValueError, binascii.Error, msgspec.DecodeError):
        decoded = []
    values = decoded[1:]
    fits = decoded[:1] == [order] and [type(value) for value in values] == list(kinds)
    if not fits:
        raise BadRequestError("next_key does not belong to this list: start again without it")
    return values
