"""Which package a file of an image belongs to, in the compact form that is kept for each image."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from deadlight.ecosystems import source_of_bytecode
from deadlight.scanner.contents import ImageContents, owners_by_path
from deadlight.scanner.errors import InvalidFactsError
from deadlight.scanner.packed import pack, unpack

_MARK = b"DLX1"


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    purls: list[str]
    paths: str
    """Sorted, each closed by a zero byte."""
    owners: list[int]
    """For each path, the index of its purl."""


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Answers which package owns an absolute path, as a process in the container names it."""

    purls: tuple[str, ...]
    owners: Mapping[str, int]
    """Path -> index into `purls`."""

    @classmethod
    def of(cls, contents: ImageContents) -> "FileIndex":
        """The index of an image's owned files."""
        purls = tuple(dict.fromkeys(package.package.purl for package in contents.packages))
        numbers = {purl: number for number, purl in enumerate(purls)}
        owners = owners_by_path(contents.packages)
        return cls(purls, {path: numbers[contents.packages[owner].package.purl] for path, owner in owners.items()})

    def find(self, path: str) -> str | None:
        """The purl of the package that owns a file; byte code belongs to the owner of its source."""
        owner = self.owners.get(path)
        if owner is None:
            owner = self.owners.get(source_of_bytecode(path))
        return None if owner is None else self.purls[owner]

    def to_bytes(self) -> bytes:
        """The stored form; about 5 bytes a file in a real image."""
        paths = sorted(self.owners)
        stored = _Stored(list(self.purls), "\0".join(paths), [self.owners[path] for path in paths])
        return pack(_MARK, stored, level=12)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "FileIndex":
        """Read the stored form.

        Raises:
            InvalidFactsError: damaged, or written by another version.
        """
        index = unpack(_MARK, stored, _Stored)
        paths = index.paths.split("\0") if index.paths else []
        if len(paths) != len(index.owners) or not all(0 <= owner < len(index.purls) for owner in index.owners):
            raise InvalidFactsError("damaged file index: scan again")
        return cls(tuple(index.purls), dict(zip(paths, index.owners, strict=True)))
