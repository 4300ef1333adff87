"""Lists of image tags: filtered, ordered, a page at a time."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import ImageOrder
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.live_columns import LiveColumns, rank
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.live_vectors import Mask
from deadlight.server.assessment.lookups import look_up
from deadlight.server.assessment.selection import Selection, select
from deadlight.server.db.paging import Number, Text, decode_key, encode_key

_KEYS: dict[ImageOrder, tuple[Any, ...]] = {
    ImageOrder.RISKS: (Number, Number),
    ImageOrder.NAME: (Text, Text, Number),
    ImageOrder.REPOSITORY_PATH: (Text, Text, Number),
    ImageOrder.REGISTRY: (Text, Text, Text, Number),
}
"""The values of a page's last row, of which the last is the image tag's id."""


@dataclass(frozen=True, slots=True)
class ImageTagPage:
    """Ids in order, how many there are in all, and the key of the next page (empty at the end)."""

    ids: Sequence[int]
    total: int
    next_key: str


async def select_image_tags(connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter) -> Selection:
    """What a filter selects now; it holds until the next wait of the event loop."""
    found = await look_up(connection, wanted)
    return select(await live.read(connection), wanted, found, datetime.now(UTC))


async def list_image_tags(
    connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter, *, order: ImageOrder, limit: int, next_key: str
) -> ImageTagPage:
    """A page of the image tags that run (or ran within the period) and meet the filter.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    after = tuple(decode_key(next_key, order.value, _KEYS[order])) if next_key else None
    selection = await select_image_tags(connection, live, wanted)
    chosen = selection.tags()
    keys = list(islice(_iter_keys(selection.columns, chosen, order, after), limit + 1))
    more = encode_key(order.value, keys[limit - 1]) if len(keys) > limit else ""
    return ImageTagPage([key[-1] for key in keys[:limit]], int(chosen.sum()), more)


def _iter_keys(
    columns: LiveColumns, chosen: Mask, order: ImageOrder, after: tuple[Any, ...] | None
) -> Iterator[tuple[Any, ...]]:
    """The keys of the chosen image tags that come after one."""
    if order is ImageOrder.RISKS:
        return _iter_risks(columns, chosen, after)
    names = columns.orders.by_registry if order is ImageOrder.REGISTRY else columns.orders.by_name
    rest = islice(names, bisect_right(names, after) if after else 0, None)
    return (key for key in rest if chosen[columns.position[key[-1]]])


def _iter_risks(columns: LiveColumns, chosen: Mask, after: tuple[Any, ...] | None) -> Iterator[tuple[Any, ...]]:
    ids = columns.tag_id.values[chosen]
    ranks = rank(columns.badges[chosen], columns.severities[chosen])
    if after:
        last_rank, last_id = after
        later = (ranks < last_rank) | ((ranks == last_rank) & (ids < last_id))
        ids, ranks = ids[later], ranks[later]
    worst_first = np.lexsort((-ids, -ranks))
    return ((int(ranks[item]), int(ids[item])) for item in worst_first)
