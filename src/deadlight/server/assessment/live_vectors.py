"""What columns in memory are made of: arrays that grow, and codes for values that repeat."""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

NONE = -1
"""The code of a value that is not there."""

T = TypeVar("T", bound=Hashable)


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

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Any]:
        """What is in it, to read and to write in place."""
        return self._values[: self._length]

    def reach(self, length: int) -> None:
        """Make it at least so long, with empty values."""
        self._length = max(length, self._length)
        while self._length > len(self._values):
            more = np.full(self._values.shape, self._empty, self._values.dtype)
            self._values = np.concatenate([self._values, more])

    def put(self, at: Sequence[int], values: Any) -> None:
        """Write at these positions, reaching as far as the last of them."""
        if len(at):
            self.reach(max(at) + 1)
            self._values[at] = values


class Joined:
    """A column of what positions refer to, read as if it were their own."""

    def __init__(self, refer: Vector, column: Vector) -> None:
        self._refer = refer
        self._column = column

    @property
    def values(self) -> NDArray[Any]:
        """Of every position, to read."""
        return self[:]

    def __getitem__(self, at: Any) -> NDArray[Any]:
        """Of some positions."""
        found: NDArray[Any] = self._column.values[self._refer.values[at]]
        return found


class TextOrder:
    """Texts that have codes, sorted."""

    def __init__(self, texts: Sequence[str]) -> None:
        order = sorted(range(len(texts)), key=texts.__getitem__)
        self._sorted = [texts[code] for code in order]
        is_same = [before == text for before, text in zip(self._sorted, self._sorted[1:], strict=False)]
        first = np.where([False, *is_same][: len(order)], 0, np.arange(len(order)))
        self.places = np.empty(len(texts), np.int64)
        """The place of each by its code; texts that are the same have the place of the first."""
        self.places[order] = np.maximum.accumulate(first)

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
    """Small numbers for values that repeat, in the order in which these came."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._codes: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, value: T) -> bool:
        return value in self._codes

    def __getitem__(self, value: T) -> int:
        """The number of a value that is known; raises KeyError."""
        return self._codes[value]

    def find(self, values: Iterable[T]) -> list[int]:
        """The numbers of those that are known."""
        return [self._codes[value] for value in values if value in self._codes]

    def add(self, values: Iterable[T]) -> list[int]:
        """The numbers of all of them, new ones where they are new."""
        codes = []
        for value in values:
            code = self._codes.get(value)
            if code is None:
                code = self._codes[value] = len(self.values)
                self.values.append(value)
            codes.append(code)
        return codes


class Texts(Codes[str]):
    """Small numbers for texts."""

    def __init__(self) -> None:
        super().__init__()
        self._order = TextOrder(())

    @property
    def order(self) -> TextOrder:
        """The texts sorted; made anew when there are more."""
        if len(self._order) != len(self.values):
            self._order = TextOrder(self.values)
        return self._order
