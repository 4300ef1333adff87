"""rpm databases with packages of one's choice, written apart from the code that reads them.

The SQLite kind is written by SQLite; ndb and Berkeley DB byte by byte, as rpm and Berkeley DB 5.3 lay them out.
"""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

INT32, STRING, STRING_ARRAY, I18N_STRING = 4, 6, 8, 9
SCHEMA = "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"

Tag = tuple[int, int, Sequence[str | int]]


def header(
    name: str = "bash",
    version: str = "5.1.8-9.el9",
    *,
    epoch: int | None = None,
    architecture: str = "x86_64",
    source: str = "",
    module: str = "",
    files: Sequence[str] = (),
    extra: Sequence[Tag] = (),
) -> bytes:
    """A header with the tags that rpm always has and those that are given."""
    number, _, release = version.partition("-")
    folders = list(dict.fromkeys(path.rpartition("/")[0] + "/" for path in files))
    tags: list[Tag] = [
        (1000, STRING, [name]),
        (1001, STRING, [number]),
        (1002, STRING, [release]),
        (1004, I18N_STRING, ["A summary", "Eine Zusammenfassung"]),
        (1022, STRING, [architecture]),
    ]
    if epoch is not None:
        tags.append((1003, INT32, [epoch]))
    if source:
        tags.append((1044, STRING, [source]))
    if module:
        tags.append((5096, STRING, [module]))
    if files:
        tags.append((1116, INT32, [folders.index(path.rpartition("/")[0] + "/") for path in files]))
        tags.append((1117, STRING_ARRAY, [path.rpartition("/")[2] for path in files]))
        tags.append((1118, STRING_ARRAY, folders))
    return header_of([*tags, *extra])


def header_of(tags: Sequence[Tag]) -> bytes:
    """A header with just these tags: (number, type, values)."""
    index, data = bytearray(), bytearray()
    for number, kind, values in tags:
        if kind == INT32:
            data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", number, kind, len(data), len(values))
        for value in values:
            data += struct.pack(">I", value) if isinstance(value, int) else value.encode() + b"\0"
    return struct.pack(">II", len(tags), len(data)) + index + data


def sqlite_database(blobs: Sequence[bytes], *, page_size: int = 4096) -> bytes:
    """As rpm 4.16 and later write it, with one of the tables beside."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("CREATE TABLE Name (key TEXT, hnum INTEGER, idx INTEGER)")
        connection.execute(SCHEMA)
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def sqlite_database_with_log(folder: Path, before: Sequence[bytes], after: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A database of which a part is only in its write-ahead log: the file, and the log."""
    path = folder / "rpmdb.sqlite"
    connection = sqlite3.connect(path)
    try:
        connection.execute(SCHEMA)
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in before])
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")
        for blob in after:
            connection.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
            connection.commit()
        return path.read_bytes(), (folder / "rpmdb.sqlite-wal").read_bytes()
    finally:
        connection.close()


def ndb_database(blobs: Sequence[bytes], *, slot_pages: int = 1) -> bytes:
    """As rpm's ndb backend writes it: slots, then blobs in blocks of 16 bytes."""
    slots, content = bytearray(), bytearray()
    for number, blob in enumerate(blobs, 1):
        block = (slot_pages * 4096 + len(content)) // 16
        size = -(-(16 + len(blob) + 12) // 16) * 16
        slots += struct.pack("<4sIII", b"Slot", number, block, size // 16)
        entry = struct.pack("<4sIII", b"BlbS", number, 7, len(blob)) + blob
        entry += bytes(size - 12 - len(entry))
        content += entry + struct.pack("<II4s", zlib.adler32(entry), len(blob), b"BlbE")
    slots += struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((slot_pages * 4096 - 32 - len(slots)) // 16)
    return struct.pack("<4sIII16x", b"RpmP", 0, 7, slot_pages) + slots + content


def berkeley_database(blobs: Sequence[bytes], *, page_size: int = 4096, order: str = "<") -> bytes:
    """As Berkeley DB writes a hash: small values beside their keys, large ones on pages of their own."""
    pages: list[bytes] = []
    items = [struct.pack("<BI", 1, 0), struct.pack("<BI", 1, len(blobs))]
    for number, blob in enumerate(blobs, 1):
        items.append(struct.pack("<BI", 1, number))
        if len(blob) < page_size // 4:
            items.append(b"\x01" + blob)
        else:
            first = len(pages) + 1
            pages += _chain(blob, first, page_size, order)
            items.append(struct.pack(f"{order}B3xII", 3, first, len(blob)))
    while items:
        page, items = _hash_page(items, page_size, order)
        pages.append(page)
    metadata = struct.pack(f"{order}8xIIIIBBBxIII", 0, 0x061561, 9, page_size, 0, 8, 0, 0, len(pages), 0)
    return b"".join(page.ljust(page_size, b"\0") for page in (metadata, *pages))


def _chain(blob: bytes, first: int, page_size: int, order: str) -> list[bytes]:
    room = page_size - 26
    parts = [blob[at : at + room] for at in range(0, len(blob), room)]
    last = first + len(parts) - 1
    return [
        struct.pack(f"{order}8xIIIHHBB", at, 0, 0 if at == last else at + 1, 1, len(part), 0, 7) + part
        for at, part in enumerate(parts, first)
    ]


def _hash_page(items: list[bytes], page_size: int, order: str) -> tuple[bytes, list[bytes]]:
    """A page with as many pairs as fit, and the items that are left."""
    page, end = bytearray(page_size), page_size
    starts: list[int] = []
    while items and end - len(items[0]) - len(items[1]) > 26 + 2 * (len(starts) + 2):
        for item in items[:2]:
            end -= len(item)
            page[end : end + len(item)] = item
            starts.append(end)
        items = items[2:]
    struct.pack_into(f"{order}8xIIIHHBB", page, 0, 0, 0, 0, len(starts), end, 0, 13)
    struct.pack_into(f"{order}{len(starts)}H", page, 26, *starts)
    return bytes(page), items
