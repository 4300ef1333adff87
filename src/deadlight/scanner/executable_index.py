"""The digests of an image's executables, in the compact form that is kept for each image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

import msgspec

from deadlight.scanner.analyzers import EXECUTABLES, SHA256_BYTES
from deadlight.scanner.contents import ImageContents
from deadlight.scanner.errors import InvalidFactsError
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import FileSystem, Symlink
from deadlight.scanner.links import find_target, resolve
from deadlight.scanner.packed import pack, unpack
from deadlight.scanner.tar import Kind

MAX_INDEX_BYTES = 64 * 1024 * 1024
"""Paths and digests of one image. Of a larger one the files that are no executables are left out, or, where that does
not do, everything; then no path is said to be absent."""

_MARK = b"DLE1"


class Presence(StrEnum):
    """What is known of a path in an image."""

    HASHED = "hashed"
    """An executable, and its digest is known."""
    UNREAD = "unread"
    """It may be in the image, but what it holds is not known: too large, sparse, or one of too many."""
    NOT_EXECUTABLE = "not_executable"
    """In the image, where it may not be executed. Its digest was not made."""
    ABSENT = "absent"
    """The image has no file there."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What an image has at a path."""

    path: str
    """The path with all symbolic links resolved; below a folder that the image lacks as far as it can be."""
    presence: Presence
    sha256: str = ""
    """In hexadecimal, where the file is hashed."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """Paths are sorted and joined by zero bytes, which no path has."""

    executables: str
    digests: bytes
    """Of each executable, in their order."""
    others: str
    unread: str
    links: str
    """Each link's path and what it leads to, by turns."""
    complete: bool


@dataclass(frozen=True, slots=True)
class ExecutableIndex:
    """Answers what the SHA-256 of a file of an image is, by an absolute path as a process in the container names it.

    Paths are resolved as the kernel resolves them in a fresh container: `/bin/sh` is `/usr/bin/dash` where the image
    has it so. The answer is of the image alone: what a container has changed, or mounted over it, is not in here.
    Whiteouts are applied, and every hard link to an executable has its digest.
    """

    digests: Mapping[str, bytes] = field(default_factory=dict)
    """Executables: real path -> SHA-256, 32 bytes."""
    others: frozenset[str] = frozenset()
    """Real paths of files that are no executables."""
    unread: frozenset[str] = frozenset()
    """Real paths of files of which it is not known what they hold."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links to files and folders of the image: their path, of which only the last part is a link -> the real
    path they lead to."""
    complete: bool = True
    """Whether all files of the image are in here."""

    @classmethod
    def of(cls, contents: ImageContents, max_bytes: int = MAX_INDEX_BYTES) -> "ExecutableIndex":
        """The index of an image whose layers were read by `image_analyzers`.

        Raises:
            ImageTooLargeError: its symbolic links take too many steps to follow.
        """
        return _bounded(_gather(contents.examined.tree, contents.examined.layers), max_bytes)

    def find(self, path: str) -> ImageFile:
        """What the image has at an absolute path."""
        real = path if path in self.digests else resolve(path, self.links)
        if (digest := self.digests.get(real)) is not None:
            return ImageFile(real, Presence.HASHED, digest.hex())
        if real in self.others:
            return ImageFile(real, Presence.NOT_EXECUTABLE)
        return ImageFile(real, Presence.ABSENT if self.complete and real not in self.unread else Presence.UNREAD)

    def to_bytes(self) -> bytes:
        """The stored form; in a real image about 40 bytes an executable and 6 for each other file or link."""
        paths = sorted(self.digests)
        stored = _Stored(
            "\0".join(paths),
            b"".join(self.digests[path] for path in paths),
            "\0".join(sorted(self.others)),
            "\0".join(sorted(self.unread)),
            "\0".join(part for link in sorted(self.links.items()) for part in link),
            self.complete,
        )
        return pack(_MARK, stored, level=6)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "ExecutableIndex":
        """Read the stored form.

        Raises:
            InvalidFactsError: damaged, or written by another version.
        """
        index = unpack(_MARK, stored, _Stored)
        paths, links = _split(index.executables), _split(index.links)
        if len(index.digests) != SHA256_BYTES * len(paths) or len(links) % 2:
            raise InvalidFactsError("damaged executable index: scan again")
        starts = range(0, len(index.digests), SHA256_BYTES)
        return cls(
            {path: index.digests[at : at + SHA256_BYTES] for path, at in zip(paths, starts, strict=True)},
            frozenset(_split(index.others)),
            frozenset(_split(index.unread)),
            dict(zip(links[::2], links[1::2], strict=True)),
            index.complete,
        )


def _split(paths: str) -> list[str]:
    return paths.split("\0") if paths else []


def _gather(tree: FileSystem, layers: Sequence[LayerFacts]) -> ExecutableIndex:
    """Everything an image put together has, without bounds."""
    kept = [layer.of(EXECUTABLES[0]) for layer in layers]
    dangling = _hard_links(layers)
    digests: dict[str, bytes] = {}
    others: list[str] = []
    unread: list[str] = []
    links: dict[str, str] = {}
    for path, node in tree.iter_nodes():
        if isinstance(node, Symlink):
            if (target := find_target(tree, path)) is not None:
                links[path] = target
        elif (digest := kept[node.layer].files.get(node.path)) is not None:
            digests[path] = digest
        elif node.path in kept[node.layer].unread or (node.layer, node.path) in dangling:
            unread.append(path)
        else:
            others.append(path)
    return ExecutableIndex(digests, frozenset(others), frozenset(unread), links)


def _hard_links(layers: Sequence[LayerFacts]) -> set[tuple[int, str]]:
    """Layer and path of hard links. A file of that name is one whose target no layer has."""
    return {
        (number, entry.path)
        for number, layer in enumerate(layers)
        for entry in layer.listing.entries
        if entry.kind is Kind.HARD_LINK
    }


def _bounded(index: ExecutableIndex, max_bytes: int) -> ExecutableIndex:
    """The index, or as much of it as fits."""
    if _size(index) <= max_bytes:
        return index
    smaller = replace(index, others=frozenset(), complete=False)
    return smaller if _size(smaller) <= max_bytes else ExecutableIndex(complete=False)


def _size(index: ExecutableIndex) -> int:
    """Characters of paths, and bytes of digests."""
    paths = chain(index.digests, index.others, index.unread, index.links, index.links.values())
    return sum(map(len, paths)) + SHA256_BYTES * len(index.digests)
