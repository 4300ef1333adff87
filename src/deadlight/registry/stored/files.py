"""The files of an image: in a folder, or in a tar that is read where it lies."""

import io
import os
import posixpath
import stat
import tarfile
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from deadlight.registry.answers import printable
from deadlight.registry.errors import NotFoundError, UnreadableImageError

MAX_MEMBERS = 100_000
"""Files of an archive; an image has one for each layer and each document."""

MAX_HEADER_BYTES = 1024 * 1024
"""One extended header of an archive."""

MAX_NAME_LENGTH = 4096
"""Linux's PATH_MAX. No document can name what has a longer one, so that is passed over."""

MAX_LINKS = 8
"""Links that lead from one name to the next: `docker save` once wrote them for layers that repeat."""

_COMPRESSIONS = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "unzstd", b"\xfd7zXZ\x00": "unxz", b"BZh": "bunzip2"}
"""First bytes, and what takes such a compression away."""

_BROKEN = (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError)
"""What `tarfile` raises on bytes that are no, or no honest, archive."""


class ImageFiles(Protocol):
    """What documents of an image name."""

    name: str
    """For people."""

    def __contains__(self, path: object) -> bool: ...

    def open(self, path: str) -> BinaryIO:
        """A file of this relative path; raises NotFoundError where there is none."""
        ...

    def size(self, path: str) -> int:
        """Its bytes; 0 where there is none."""
        ...


def read_small(files: ImageFiles, path: str, limit: int) -> bytes:
    """A whole file; raises NotFoundError, and UnreadableImageError where it has more than `limit` bytes."""
    with files.open(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnreadableImageError(f"{files.name}: {printable(path)} has more than the {limit} bytes that are read")
    return content


class Folder:
    """The files below a folder. Only paths that this program makes itself are asked for."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (self._path / path).is_file()

    def open(self, path: str) -> BinaryIO:
        """A regular file: a pipe of that name would wait for ever."""
        try:
            descriptor = os.open(self._path / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NotFoundError(f"{self.name}: {path} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotFoundError(f"{self.name}: {path} is not a file")
        return os.fdopen(descriptor, "rb")

    def size(self, path: str) -> int:
        """The bytes of a file."""
        return (self._path / path).stat().st_size if path in self else 0


class Archive:
    """The members of a tar, found by its headers alone. Names are looked up here and never on the disk."""

    def __init__(self, path: Path) -> None:
        """Index the archive; raises UnreadableImageError where it is none, compressed, or too large."""
        self.name = str(path)
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            with path.open("rb") as file:
                self._refuse_compressed(file.read(8))
                file.seek(0)
                self._index(_Headers(file))
        except OSError as error:
            raise UnreadableImageError(f"{path}: cannot be read: {error.strerror}") from error

    def _refuse_compressed(self, first: bytes) -> None:
        tool = next((tool for magic, tool in _COMPRESSIONS.items() if first.startswith(magic)), "")
        if tool:
            raise UnreadableImageError(
                f"{self.name}: is compressed, and its parts are not read in order: unpack it with `{tool}` first"
            )

    def _index(self, file: "_Headers") -> None:
        try:
            with tarfile.open(fileobj=cast(BinaryIO, file), mode="r:") as archive:
                while member := archive.next():
                    archive.members.clear()  # type: ignore[attr-defined]  # or every header stays in memory
                    self._take(member)
        except _BROKEN as error:
            reason = printable(str(error)) or "it cannot be read"
            raise UnreadableImageError(f"{self.name}: is not a tar of an image: {reason}") from error

    def _take(self, member: tarfile.TarInfo) -> None:
        if len(member.name) + len(member.linkname) > MAX_NAME_LENGTH:
            return
        name = _normalise(member.name)
        if len(self._places) + len(self._links) >= MAX_MEMBERS:
            raise UnreadableImageError(f"{self.name}: has more than {MAX_MEMBERS} files, which no image has")
        if member.isreg() and not member.issparse():
            self._places[name] = (member.offset_data, member.size)
        elif member.issym():
            self._links[name] = _normalise(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            self._links[name] = _normalise(member.linkname)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._find(path) is not None

    def open(self, path: str) -> BinaryIO:
        """A member, as a file of its own."""
        place = self._find(path)
        if place is None:
            raise NotFoundError(f"{self.name}: has no {printable(path)}")
        try:
            return cast(BinaryIO, io.BufferedReader(_Section(self._path, *place), buffer_size=1 << 18))
        except OSError as error:
            raise UnreadableImageError(f"{self.name}: cannot be read: {error.strerror}") from error

    def size(self, path: str) -> int:
        """The bytes of a member."""
        place = self._find(path)
        return place[1] if place else 0

    def _find(self, path: str) -> tuple[int, int] | None:
        name = _normalise(path)
        for _ in range(MAX_LINKS):
            if name in self._places or name not in self._links:
                break
            name = self._links[name]
        return self._places.get(name)


def _normalise(path: str) -> str:
    """A key to look up; that it begins with `..` means nothing but that no document's name is like it."""
    return posixpath.normpath(path).lstrip("/")


class _Headers:
    """An archive to read headers from: whatever claims to be longer than any header is refused before it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


class _Section(io.RawIOBase):
    """A part of a file."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))[: self._left]
        count = self._file.readinto(target) or 0
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
