"""What is read from files, by the batch and beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` items, as they come."""
    while batch := list(islice(items, size)):
        yield batch


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The same of what is there already."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def in_thread(items: Iterator[T]) -> AsyncIterator[T]:
    """What an iterator that reads and unpacks yields, without keeping the event loop from its other work."""

    def following() -> T | None:
        return next(items, None)

    while (item := await asyncio.to_thread(following)) is not None:
        yield item
