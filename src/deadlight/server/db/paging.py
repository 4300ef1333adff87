"""Lists a page at a time: how they are ordered, and the keys with which they go on after their last row.

A key holds the values of the last row that the list is ordered by. It is opaque to clients, and checked when it comes
back.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from sqlalchemy import Row

from deadlight.server.errors import BadRequestError

MAX_KEY_LENGTH = 2048

Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What PostgreSQL's bigint can hold."""

Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]
"""What PostgreSQL's text can hold."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a list is ordered by: SQL expressions that are never null, the last of them unique, all up or all down."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[Any, ...]
    """Their types, `Number`, `Text` or what else msgspec can convert to."""
    descending: bool = False

    def page(self, columns: str, matching: str, *, after: bool) -> str:
        """The SQL of a page; parameters are `limit` and, `after` a row, those of `bounds`."""
        keys = ", ".join(f"{column} AS key_{index}" for index, column in enumerate(self.columns))
        direction, comparison = ("DESC", "<") if self.descending else ("ASC", ">")
        order = ", ".join(f"{column} {direction}" for column in self.columns)
        bounds = ", ".join(f":after_{index}" for index in range(len(self.columns)))
        condition = f"AND ({', '.join(self.columns)}) {comparison} ({bounds})" if after else ""
        return f"SELECT {columns}, {keys} {matching} {condition} ORDER BY {order} LIMIT :limit"

    def bounds(self, key: str) -> Mapping[str, Any]:
        """The parameters of the page after a key; raises BadRequestError unless it is one of this order."""
        return {f"after_{index}": value for index, value in enumerate(decode_key(key, self.name, self.kinds))}

    def key(self, row: Row[Any]) -> str:
        """The key of the page after a row."""
        return encode_key(self.name, [getattr(row, f"key_{index}") for index in range(len(self.columns))])


def encode_key(order: str, values: Sequence[Any]) -> str:
    """The key of a list in this order whose last row has these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode([order, *values])).decode().rstrip("=")


def decode_key(key: str, order: str, kinds: Sequence[Any]) -> list[Any]:
    """The values of a key; raises BadRequestError unless it was made for a list in this order."""
    encoded = key[:MAX_KEY_LENGTH]
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=list[Any])
        values = [msgspec.convert(value, kind) for value, kind in zip(decoded[1:], kinds, strict=True)]
        fits = decoded[0] == order
    except (ValueError, IndexError, binascii.Error, msgspec.MsgspecError, RecursionError):
        fits = False
    if not fits:
        raise BadRequestError("next_key does not belong to this list: start again without it")
    return values
