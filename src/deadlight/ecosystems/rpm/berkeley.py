"""Berkeley DB's hash files (`Packages`), which rpm used up to 4.16: package number -> header blob.

Read page by page, without the hash: db_page.h of Berkeley DB 5.3 describes the pages. Numbers are in the byte order of
the machine that wrote them.
"""

import struct
from collections.abc import Iterator

from deadlight.ecosystems.rpm.budget import Budget, Pages, UnreadableDatabaseError

_MAGIC = 0x061561
_METADATA_BYTES = 72
_PAGE_HEADER = 26
_HASH_PAGES = (2, 13)
"""Unsorted and sorted; all other kinds hold no entries."""
_HASH_METADATA, _OVERFLOW = 8, 7
_INLINE, _ELSEWHERE = 1, 3


def iter_berkeley_headers(content: bytes) -> Iterator[bytes]:
    """The header blob of each package.

    Raises:
        UnreadableDatabaseError: not a hash file of Berkeley DB, encrypted, or damaged from here on.
    """
    order, page_size = _layout(content)
    count = len(content) // page_size
    (last,) = struct.unpack_from(f"{order}I", content, 32)
    overflow = Pages(content, page_size, count)
    budget = Budget(len(content))
    for number in range(1, count):
        page = content[number * page_size : (number + 1) * page_size]
        if page[25] in _HASH_PAGES:
            yield from _iter_values(page, order, overflow, budget)
    if last >= count:
        raise UnreadableDatabaseError(f"is cut short after page {count - 1} of {last}")


def _layout(content: bytes) -> tuple[str, int]:
    """The byte order as `struct` writes it, and the size of pages."""
    if len(content) < _METADATA_BYTES:
        raise UnreadableDatabaseError("is too short for a Berkeley DB")
    for order in "<>":
        magic, _version, page_size = struct.unpack_from(f"{order}III", content, 12)
        encryption, kind = content[24], content[25]
        if magic != _MAGIC or kind != _HASH_METADATA:
            continue
        if encryption:
            raise UnreadableDatabaseError("is encrypted")
        if page_size not in {2**power for power in range(9, 17)}:
            raise UnreadableDatabaseError(f"has pages of {page_size} bytes, which Berkeley DB does not write")
        return order, page_size
    raise UnreadableDatabaseError("is not a hash file of Berkeley DB")


def _iter_values(page: bytes, order: str, overflow: Pages, budget: Budget) -> Iterator[bytes]:
    """Keys and values alternate; items lie one before the other from the end of the page, so each ends at the last."""
    (items,) = struct.unpack_from(f"{order}H", page, 20)
    if _PAGE_HEADER + 2 * items > len(page):
        raise UnreadableDatabaseError(f"has a page that claims {items} items")
    starts = struct.unpack_from(f"{order}{items}H", page, _PAGE_HEADER)
    ends = (len(page), *starts)
    for key_at, value_at, key_end in zip(starts[::2], starts[1::2], ends[::2], strict=False):
        if not _PAGE_HEADER <= value_at < key_at < key_end <= len(page):
            raise UnreadableDatabaseError("has a page whose items are out of order")
        # Package 0 is no package: its value is the highest number given so far.
        if any(page[key_at + 1 : key_end]):
            yield _value(page[value_at:key_at], order, overflow, budget)


def _value(item: bytes, order: str, overflow: Pages, budget: Budget) -> bytes:
    if item[0] == _INLINE:
        budget.take(len(item) - 1)
        return item[1:]
    if item[0] != _ELSEWHERE or len(item) < 12:
        raise UnreadableDatabaseError(f"has an item of the unexpected kind {item[0]}")
    number, length = struct.unpack_from(f"{order}II", item, 4)
    budget.take(length)
    return _chain(number, length, order, overflow)


def _chain(number: int, length: int, order: str, overflow: Pages) -> bytes:
    """A value over several pages, each with the number of the next one and how many of its bytes count."""
    parts = bytearray()
    while number:
        page = overflow.take(number)
        number, used = struct.unpack_from(f"{order}I2xH", page, 16)
        if page[25] != _OVERFLOW or used > len(page) - _PAGE_HEADER:
            raise UnreadableDatabaseError("has a chain of pages that leads to something else")
        parts += page[_PAGE_HEADER : _PAGE_HEADER + used]
    if len(parts) != length:
        raise UnreadableDatabaseError(f"has {len(parts)} of {length} bytes of a header")
    return bytes(parts)
