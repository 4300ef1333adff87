"""SQLite files (`rpmdb.sqlite`), which rpm uses since 4.16: the table `Packages` of header blobs.

Read by the documented format (https://www.sqlite.org/fileformat2.html) instead of by SQLite: a schema in the file could
make a query run code of the attacker's choice (views, triggers, generated columns), a database in memory cannot be
opened with its write-ahead log, and a few hundred lines of table b-trees are all that is needed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from deadlight.ecosystems.rpm.budget import Budget, Pages, UnreadableDatabaseError
from deadlight.ecosystems.rpm.write_ahead_log import NO_CHANGES, read_log

_MAGIC = b"SQLite format 3\0"
_FILE_HEADER = 100
_INTERIOR, _LEAF = 5, 13
_BLOB_TYPES = 12
"""Serial types from here on are blobs and texts of (type - 12) // 2 bytes."""
_MAX_COLUMNS = 100
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of the serial types 0 to 9: NULL, integers, a float, and the constants 0 and 1."""

Value = int | bytes | None


def iter_sqlite_headers(content: bytes, log: bytes = b"") -> Iterator[bytes]:
    """The header blob of each package; `log` is the write-ahead log beside the file, which may hold newer pages.

    Raises:
        UnreadableDatabaseError: not an SQLite file, without the table, or damaged from here on.
    """
    database = _open(content, log)
    root = _find_table(database)
    for row in _iter_rows(database, root):
        if len(row) < 2 or not isinstance(row[1], bytes):
            raise UnreadableDatabaseError("has a row of Packages that is no package")
        yield row[1]


@dataclass(frozen=True, slots=True)
class _Database:
    pages: Pages
    usable: int
    """Bytes of a page that hold content."""
    budget: Budget


def _open(content: bytes, log: bytes) -> _Database:
    if len(content) < _FILE_HEADER or not content.startswith(_MAGIC):
        raise UnreadableDatabaseError("is not an SQLite database")
    (page_size,) = struct.unpack_from(">H", content, 16)
    page_size = 65536 if page_size == 1 else page_size
    if page_size not in {2**power for power in range(9, 17)}:
        raise UnreadableDatabaseError(f"has pages of {page_size} bytes, which SQLite does not write")
    usable = page_size - content[20]
    if usable < 480:
        raise UnreadableDatabaseError("leaves too little room in its pages")
    changes = read_log(log, page_size) if log else NO_CHANGES
    count = changes.page_count or len(content) // page_size
    return _Database(Pages(content, page_size, count, dict(changes.pages)), usable, Budget(len(content) + len(log)))


def _find_table(database: _Database) -> int:
    """The place of the root page of `Packages`; rows of the schema are (type, name, table, root page, SQL)."""
    for row in _iter_rows(database, 0):
        if len(row) >= 4 and row[0] == b"table" and row[1] == b"Packages" and isinstance(row[3], int):
            return row[3] - 1
    raise UnreadableDatabaseError("has no table Packages")


def _iter_rows(database: _Database, root: int) -> Iterator[tuple[Value, ...]]:
    """The rows of a table b-tree in their order."""
    pending = [root]
    while pending:
        number = pending.pop()
        page = database.pages.take(number)
        start = _FILE_HEADER if number == 0 else 0
        kind = page[start]
        if kind == _LEAF:
            for cell in _cells(page, start, 8):
                yield _row(_payload(page, cell, database))
        elif kind == _INTERIOR:
            (last,) = struct.unpack_from(">I", page, start + 8)
            children = [struct.unpack_from(">I", page, cell)[0] for cell in _cells(page, start, 12)]
            pending += [child - 1 for child in (last, *reversed(children))]
            if len(pending) > database.pages.count:
                raise UnreadableDatabaseError("has more branches than pages")
        else:
            raise UnreadableDatabaseError(f"has a page of kind {kind} in a table")


def _cells(page: memoryview, start: int, header: int) -> tuple[int, ...]:
    """Where the cells of a b-tree page begin. Four bytes follow each beginning, even of the shortest cell."""
    (count,) = struct.unpack_from(">H", page, start + 3)
    if start + header + 2 * count > len(page):
        raise UnreadableDatabaseError(f"has a page that claims {count} cells")
    cells: tuple[int, ...] = struct.unpack_from(f">{count}H", page, start + header)
    if any(cell > len(page) - 4 for cell in cells):
        raise UnreadableDatabaseError("has a cell beyond the end of its page")
    return cells


def _payload(page: memoryview, cell: int, database: _Database) -> bytes:
    """The content of a leaf's cell: its beginning in the page, the rest in a chain of others ("B-tree Pages")."""
    length, at = _varint(page, cell)
    _rowid, at = _varint(page, at)
    database.budget.take(length)
    usable = database.usable
    here = length
    if length > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = least if here > usable - 35 else here
    if at + here + (4 if here < length else 0) > usable:
        raise UnreadableDatabaseError("has a cell that does not fit into its page")
    content = bytes(page[at : at + here])
    if here == length:
        return content
    (following,) = struct.unpack_from(">I", page, at + here)
    return content + _overflow(following, length - here, database)


def _overflow(number: int, length: int, database: _Database) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        page = database.pages.take(number - 1)
        (number,) = struct.unpack_from(">I", page)
        parts += page[4 : min(database.usable, 4 + length - len(parts))]
    return bytes(parts)


def _row(record: bytes) -> tuple[Value, ...]:
    """The columns of a record ("Record Format"); floats, which the tables read here do not have, are left None."""
    size, at = _varint(record, 0)
    types: list[int] = []
    while at < size:
        if len(types) == _MAX_COLUMNS:
            raise UnreadableDatabaseError(f"has a row of more than {_MAX_COLUMNS} columns")
        serial, at = _varint(record, at)
        types.append(serial)
    values: list[Value] = []
    for serial in types:
        length = _INTEGER_SIZES[serial] if serial < len(_INTEGER_SIZES) else (serial - _BLOB_TYPES) // 2
        if length < 0 or at + length > len(record):
            raise UnreadableDatabaseError("has a row whose columns are longer than itself")
        values.append(_value(serial, record[at : at + length]))
        at += length
    return tuple(values)


def _value(serial: int, content: bytes) -> Value:
    if serial >= _BLOB_TYPES:
        return content
    if serial in {8, 9}:
        return serial - 8
    return int.from_bytes(content, "big", signed=True) if content and serial != 7 else None


def _varint(content: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number of up to nine bytes of seven bits (the ninth has eight), and where it ends."""
    value = 0
    for index, byte in enumerate(content[at : at + 9]):
        if index == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise UnreadableDatabaseError("has a number that is cut short")
