"""Documents in a zip archive, the form in which osv.dev serves whole ecosystems."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from deadlight.advisories.document import Document, Rejected, RejectionCause, origin_label
from deadlight.advisories.errors import InvalidArchiveError
from deadlight.advisories.limits import Limits, Meter

_DIRECTORY_ENTRY = b"PK\x01\x02"
_CHUNK = 1024 * 1024
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, ValueError)
"""What `zipfile` raises on bytes that are no, or no honest, zip archive."""


def iter_zip(path: Path, limits: Limits) -> Iterator[Document | Rejected]:
    """The `*.json` members of an archive, whatever folder they pretend to be in.

    Raises:
        InvalidArchiveError: when the file is not a zip archive, a member is a bomb, or all are too many or too large.
    """
    _check_member_count(path, limits)
    meter = Meter(path.name, limits, stored=path.stat().st_size)
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise InvalidArchiveError(f"{path.name}: not a zip archive: {error}") from None
    with archive:
        for member in archive.infolist():
            if member.filename.endswith(".json"):
                meter.add_member()
                yield _read(archive, member, origin_label(path.name, member.filename), limits, meter)


def _check_member_count(path: Path, limits: Limits) -> None:
    """Count before `zipfile` reads the whole directory into memory, 600 bytes a member; what it declares may lie."""
    count = 0
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk = tail + chunk
            count += chunk.count(_DIRECTORY_ENTRY)
            tail = chunk[1 - len(_DIRECTORY_ENTRY) :]
    if count > limits.members:
        raise InvalidArchiveError(f"{path.name}: {count} members, more than {limits.members}")


def _read(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, origin: str, limits: Limits, meter: Meter
) -> Document | Rejected:
    if limits.is_bomb(member.file_size, member.compress_size):
        raise InvalidArchiveError(
            f"{origin}: expands from {member.compress_size} to {member.file_size} bytes, more than {limits.ratio} times"
        )
    if member.file_size > limits.document:
        return Rejected(origin, f"{origin}: {member.file_size} bytes, more than {limits.document}")
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        return Rejected(origin, f"{origin}: encrypted, or compressed with another method than deflate")
    meter.add_bytes(member.file_size, origin)
    try:
        return Document(origin, archive.read(member))
    except _BROKEN as error:
        return Rejected(origin, f"{origin}: cannot be unpacked: {error}", RejectionCause.DAMAGED)
