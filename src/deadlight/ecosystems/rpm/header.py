"""rpm's header blobs, as its databases keep them: an index of tags, and the data that it points into.

Numbers are big-endian. The format is rpm's docs/manual/format_header.md; tags are those of include/rpm/rpmtag.h.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MAX_FILES = 1_000_000
"""Files of all packages of one database; an image has about 50,000."""
MAX_PATHS_LENGTH = 64 * 1024 * 1024
"""Characters of all their paths together."""
MAX_PATH_LENGTH = 4096
"""Linux's PATH_MAX."""

_PREAMBLE = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")
_MAX_ENTRIES = 65_536


class _Kind(IntEnum):
    INT32 = 4
    STRING = 6
    STRING_ARRAY = 8
    I18N_STRING = 9


class _Tag(IntEnum):
    NAME = 1000
    VERSION = 1001
    RELEASE = 1002
    EPOCH = 1003
    ARCH = 1022
    OLD_FILENAMES = 1027
    SOURCE_RPM = 1044
    DIR_INDEXES = 1116
    BASENAMES = 1117
    DIR_NAMES = 1118
    MODULARITY_LABEL = 5096


_KNOWN_TAGS = frozenset(_Tag)


class InvalidHeaderError(ValueError):
    """A header is damaged or beyond a bound; the text says where."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which package a header is of. Texts are empty, and the epoch 0, where it does not say."""

    name: str
    epoch: int
    version: str
    release: str
    architecture: str
    source_rpm: str
    """File name of the source package: `util-linux-2.32.1-42.el8_8.src.rpm`."""
    modularity_label: str
    """`nodejs:14:8040020210817133458:522a0ee4`: module, stream, version and context."""


@dataclass(slots=True)
class FileBounds:
    """How many more files may be listed: one for all headers of a database."""

    files: int = MAX_FILES
    length: int = MAX_PATHS_LENGTH

    def take(self, path: str) -> None:
        """Account for one path.

        Raises:
            InvalidHeaderError: it, or all of them together, are too long.
        """
        self.files -= 1
        self.length -= len(path)
        if len(path) > MAX_PATH_LENGTH or self.files < 0 or self.length < 0:
            raise InvalidHeaderError("lists more files, or longer paths, than are read")


class Header:
    """One package's header; only the tags that are of interest, each decoded when asked for.

    Raises:
        InvalidHeaderError: when it is damaged or exceeds a bound; so do its methods.
    """

    def __init__(self, blob: bytes) -> None:
        if len(blob) < _PREAMBLE.size:
            raise InvalidHeaderError("has no beginning")
        entries, size = _PREAMBLE.unpack_from(blob)
        start = _PREAMBLE.size + entries * _ENTRY.size
        if entries > _MAX_ENTRIES or start + size > len(blob):
            raise InvalidHeaderError(f"claims {entries} entries and {size} bytes, more than it has")
        self._data = blob[start : start + size]
        self._index: dict[int, tuple[int, int, int]] = {}
        for tag, kind, offset, count in _ENTRY.iter_unpack(memoryview(blob)[_PREAMBLE.size : start]):
            # What rpm adds when it installs stands behind what was signed; the first of two is the signed one.
            if tag in _KNOWN_TAGS and tag not in self._index:
                self._index[tag] = kind, offset, count

    def identity(self) -> Identity:
        """Name, version and origin of the package."""
        return Identity(
            name=self._text(_Tag.NAME),
            epoch=next(iter(self._numbers(_Tag.EPOCH)), 0),
            version=self._text(_Tag.VERSION),
            release=self._text(_Tag.RELEASE),
            architecture=self._text(_Tag.ARCH),
            source_rpm=self._text(_Tag.SOURCE_RPM),
            modularity_label=self._text(_Tag.MODULARITY_LABEL),
        )

    def iter_files(self, bounds: FileBounds) -> Iterator[str]:
        """Absolute paths of its files, folders included: a name and the number of a folder each.

        Packages built before rpm 4 list whole paths.
        """
        for path in self._texts(_Tag.OLD_FILENAMES):
            bounds.take(path)
            yield path
        names, folders = self._texts(_Tag.BASENAMES), self._texts(_Tag.DIR_NAMES)
        places = self._numbers(_Tag.DIR_INDEXES)
        if len(names) != len(places) or any(place >= len(folders) for place in places):
            raise InvalidHeaderError(f"has {len(names)} names of files in {len(places)} of {len(folders)} folders")
        if any(len(folder) > MAX_PATH_LENGTH for folder in folders):
            raise InvalidHeaderError("names a folder longer than a path can be")
        for name, place in zip(names, places, strict=True):
            path = folders[place] + name
            bounds.take(path)
            yield path

    def _text(self, tag: _Tag) -> str:
        """The first text of a tag; empty where the header does not have it."""
        offset = self._place(tag, (_Kind.STRING, _Kind.STRING_ARRAY, _Kind.I18N_STRING))[0]
        return "" if offset is None else self._strings(tag, offset, 1)[0]

    def _texts(self, tag: _Tag) -> list[str]:
        """All texts of a tag."""
        offset, count = self._place(tag, (_Kind.STRING_ARRAY,))
        return [] if offset is None else self._strings(tag, offset, count)

    def _numbers(self, tag: _Tag) -> tuple[int, ...]:
        """All numbers of a tag, none of them negative."""
        offset, count = self._place(tag, (_Kind.INT32,))
        if offset is None:
            return ()
        if offset + 4 * count > len(self._data):
            raise InvalidHeaderError(f"ends within {tag.name}")
        return struct.unpack_from(f">{count}I", self._data, offset)

    def _place(self, tag: _Tag, kinds: tuple[_Kind, ...]) -> tuple[int | None, int]:
        if tag not in self._index:
            return None, 0
        kind, offset, count = self._index[tag]
        if kind not in kinds or offset > len(self._data) or count > MAX_FILES:
            raise InvalidHeaderError(f"has an impossible entry for {tag.name}")
        return offset, count

    def _strings(self, tag: _Tag, offset: int, count: int) -> list[str]:
        """Texts that follow each other, each closed by a zero byte."""
        parts = self._data[offset:].split(b"\0", count)
        if len(parts) <= count:
            raise InvalidHeaderError(f"ends within {tag.name}")
        return [part.decode("utf-8", "replace") for part in parts[:count]]
