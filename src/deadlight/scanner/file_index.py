"""Which package a file of an image belongs to, in the compact form that is kept for each image."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from deadlight.ecosystems import source_of_bytecode
from deadlight.scanner.contents import ImageContents, holders_by_path
from deadlight.scanner.errors import InvalidFactsError
from deadlight.scanner.filesystem import FileSystem
from deadlight.scanner.links import iter_links, resolve
from deadlight.scanner.packed import pack, unpack

_MARK = b"DLX1"


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    purls: list[str]
    paths: str
    """Sorted, each closed by a zero byte."""
    owners: list[int]
    """For each path, the index of its purl; from the number of purls on, the index of a group."""
    groups: list[list[int]] = []
    """Indexes of purls, for files that belong to several packages. Indexes stored before there were such lack it."""
    links: str = ""
    """Symbolic links and what they lead to, by turns, each closed by a zero byte. Earlier indexes lack it."""


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Answers which packages an absolute path belongs to, as a process in the container names it."""

    purls: tuple[str, ...]
    owners: Mapping[str, tuple[int, ...]]
    """Path -> indexes into `purls`."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links to folders and to owned files, as `iter_links` gives them."""

    @classmethod
    def of(cls, contents: ImageContents) -> "FileIndex":
        """The index of an image's owned files.

        Raises:
            ImageTooLargeError: its symbolic links take too many steps to follow.
        """
        purls = tuple(dict.fromkeys(package.package.purl for package in contents.packages))
        numbers = {purl: number for number, purl in enumerate(purls)}
        owners: dict[str, tuple[int, ...]] = {}
        groups: dict[tuple[int, ...], tuple[int, ...]] = {}
        for path, holders in holders_by_path(contents.packages).items():
            group = tuple(dict.fromkeys(numbers[contents.packages[holder].package.purl] for holder in holders))
            owners[path] = groups.setdefault(group, group)
        return cls(purls, owners, dict(_useful_links(contents.examined.tree, owners)))

    def find(self, path: str) -> tuple[str, ...]:
        """The purls of the packages a file belongs to, its owner first; byte code is where its source is."""
        found = self._find(path)
        if not found and self.links and (real := resolve(path, self.links)) != path:
            found = self._find(real)
        return tuple(self.purls[number] for number in found)

    def _find(self, path: str) -> tuple[int, ...]:
        return self.owners.get(path) or self.owners.get(source_of_bytecode(path), ())

    def to_bytes(self) -> bytes:
        """The stored form; about 5 bytes a file in a real image."""
        paths = sorted(self.owners)
        groups = list(dict.fromkeys(group for group in self.owners.values() if len(group) > 1))
        numbers = {group: number for number, group in enumerate([*_each_alone(self.purls), *groups])}
        owners = [numbers[self.owners[path]] for path in paths]
        links = "\0".join(part for link in sorted(self.links.items()) for part in link)
        stored = _Stored(list(self.purls), "\0".join(paths), owners, [list(group) for group in groups], links)
        return pack(_MARK, stored, level=6)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "FileIndex":
        """Read the stored form.

        Raises:
            InvalidFactsError: damaged, or written by another version.
        """
        index = unpack(_MARK, stored, _Stored)
        paths = index.paths.split("\0") if index.paths else []
        groups = [*_each_alone(index.purls), *map(tuple, index.groups)]
        valid = all(group and all(0 <= number < len(index.purls) for number in group) for group in index.groups)
        links = index.links.split("\0") if index.links else []
        valid = valid and len(links) % 2 == 0
        if not valid or len(paths) != len(index.owners) or not all(0 <= owner < len(groups) for owner in index.owners):
            raise InvalidFactsError("damaged file index: scan again")
        owners = {path: groups[n] for path, n in zip(paths, index.owners, strict=True)}
        return cls(tuple(index.purls), owners, dict(zip(links[::2], links[1::2], strict=True)))


def _useful_links(tree: FileSystem, owners: Container[str]) -> Iterator[tuple[str, str]]:
    """Links through which a package's file can be reached."""
    return ((path, target) for path, target in iter_links(tree) if target in owners or tree.find_folder(target))


def _each_alone(purls: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """The packages as the groups of one that most files belong to."""
    return ((number,) for number in range(len(purls)))
