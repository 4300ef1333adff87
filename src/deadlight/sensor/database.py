"""The SQLite file in the sensor's state directory, for the journal and the spool: opened, synced, set aside.

The write-ahead log is synced when it is folded into the file and not at each commit: a killed sensor loses nothing, a
node that loses its power the last moments, and the card or disk below is spared.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

VERSION = 1
"""Of all tables together; a file of another version is begun anew."""

ROW_BYTES = 100
"""About what a row costs beside its content, with its indexes."""

FOLD_BYTES = 1 << 20
"""How large the write-ahead log gets before it is folded into the file."""

_CACHE_KIBIBYTES = 512
_BUSY_SECONDS = 5.0
_SUFFIXES = ("", "-wal", "-shm")

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The file is no database, or not one with our tables. Other errors are the disk's."""


class OtherVersionError(sqlite3.DatabaseError):
    """The file was written by another version of the sensor."""


def open_file(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, which threads may pass on; the file is made where there is none, mode 0600.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it is damaged or of another version, or its file system cannot hold a write-ahead log.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The log and its index get the file's mode from SQLite.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
        _log_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_memory() -> sqlite3.Connection:
    """The same without a disk."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _prepare(connection)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in {0, VERSION}:
        raise OtherVersionError(f"it is of version {version}, this sensor's are of {VERSION}")
    for pragma in (
        f"user_version = {VERSION}",
        f"cache_size = -{_CACHE_KIBIBYTES}",
        "synchronous = NORMAL",
        "wal_autocheckpoint = 0",  # `fold` does it, where nobody waits for the disk
        f"journal_size_limit = {4 * FOLD_BYTES}",
        "secure_delete = FAST",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _log_ahead(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError("its file system cannot hold a write-ahead log")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's statements or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def log_bytes(path: Path) -> int:
    """How large the write-ahead log of the file is."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def fold(path: Path) -> None:
    """Sync the write-ahead log and fold it into the file, over a connection of its own: writers need not wait.

    Raises:
        sqlite3.Error: the disk fails.
    """
    existing = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(existing, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def is_damaged(error: Exception) -> bool:
    """Whether an error means that the file is unusable, rather than that the disk cannot be written."""
    if isinstance(error, OtherVersionError | msgspec.MsgspecError):
        return True
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN)  # ours have none
    return code & 0xFF in _DAMAGED


def set_aside(path: Path) -> None:
    """Rename an unusable file, over one that was set aside before.

    Raises:
        OSError: that fails.
    """
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(part.with_name(f"{path.name}.damaged{suffix}"))
