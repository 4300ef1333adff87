"""The file tree that layers make together, as a process in the container sees it."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from deadlight.scanner.errors import ImageTooLargeError
from deadlight.scanner.facts import Entry, Listing
from deadlight.scanner.limits import Limits
from deadlight.scanner.tar import Kind

_MAX_LINKS = 40
"""Symbolic links followed on one path, as in Linux (path_resolution(7))."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A file by identity: hard links to it are the same object."""

    layer: int
    """Index of the layer that brought it."""
    path: str
    """Its path in that layer's archive."""


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link."""

    target: str


@dataclass(slots=True, eq=False)
class Directory:
    """A folder."""

    entries: "dict[str, Node]" = field(default_factory=dict)


Node: TypeAlias = File | Symlink | Directory


class FileSystem:
    """Layers applied one on the other, bottom first.

    Paths go in with or without a leading slash and come out absolute, free of symbolic links.
    """

    def __init__(self, limits: Limits) -> None:
        self._root = Directory()
        self._limits = limits
        self._nodes = 0
        self._steps = 0
        self._folders: dict[str, tuple[str, Directory]] = {}
        """Folders by path as asked for, without a slash in front, with their real path. Emptied when a folder or link
        goes away."""
        self._absent: set[str] = set()
        """Paths known to be no folder. Emptied when anything is added."""
        self._links: dict[File, list[str]] = {}
        """Paths of files with more than one name."""

    def apply(self, index: int, layer: Listing) -> None:
        """Lay a layer over those before it.

        Raises:
            ImageTooLargeError: more files and folders, or longer chains of links, than the limits allow altogether.
        """
        for path in layer.opaque:
            if (folder := self._find_folder(path)) is not None:
                folder[1].entries.clear()
        self._folders.clear()
        for path in layer.whiteouts:
            self._remove(path)
        for entry in layer.entries:
            self._add(index, entry)

    def find_file(self, path: str, *, follow: bool = False) -> tuple[str, File] | None:
        """The file at a path and its real path. A symbolic link at the path itself is followed only on request."""
        for _ in range(_MAX_LINKS):
            parent, _, name = path.rpartition("/")
            folder = self._find_folder(parent)
            node = folder[1].entries.get(name) if folder else None
            if folder and isinstance(node, File):
                return f"{folder[0]}/{name}", node
            if not (folder and follow and isinstance(node, Symlink)):
                return None
            path = node.target if node.target.startswith("/") else f"{folder[0]}/{node.target}"
        return None

    def find_folder(self, path: str) -> str | None:
        """The real path of the folder at a path, symbolic links followed; empty for the root."""
        folder = self._find_folder(path)
        return folder[0] if folder else None

    def iter_files(self, folder: str, *, outside: Container[str] = ()) -> Iterator[str]:
        """The real paths of all files below a folder, but not of those below folders whose real paths are `outside`."""
        return (path for path, node in self.iter_nodes(folder, outside=outside) if isinstance(node, File))

    def iter_nodes(self, folder: str = "", *, outside: Container[str] = ()) -> Iterator[tuple[str, File | Symlink]]:
        """All files and symbolic links below a folder by real path, with the same left out."""
        start = self._find_folder(folder)
        pending = [start] if start else []
        while pending:
            real, directory = pending.pop()
            for name, node in directory.entries.items():
                path = f"{real}/{name}"
                if not isinstance(node, Directory):
                    yield path, node
                elif path not in outside:
                    pending.append((path, node))

    def iter_link_groups(self) -> Iterator[tuple[str, ...]]:
        """The real paths of each file that has several names."""
        for file, names in self._links.items():
            present = tuple(name for name in dict.fromkeys(names) if self.find_file(name) == (name, file))
            if len(present) > 1:
                yield present

    def _add(self, index: int, entry: Entry) -> None:
        parent, _, name = entry.path.rpartition("/")
        place = self._find_folder(parent) or self._walk(parent, create=True)
        if place is None:
            # Its folder is a loop of links: no container runtime could place it either.
            return
        real_parent, folder = place
        match entry.kind:
            case Kind.FILE:
                self._put(folder, name, File(index, entry.path))
            case Kind.DIRECTORY:
                made = folder.entries.get(name)
                if not isinstance(made, Directory):
                    made = Directory()
                    self._put(folder, name, made)
                self._folders[entry.path] = f"{real_parent}/{name}", made
            case Kind.SYMLINK:
                self._put(folder, name, Symlink(entry.target))
            case Kind.HARD_LINK:
                self._put(folder, name, self._linked(f"{real_parent}/{name}", entry.target) or File(index, entry.path))
            case _:
                assert_never(entry.kind)

    def _linked(self, path: str, target: str) -> File | None:
        found = self.find_file(target)
        if found is None:
            return None
        real_target, file = found
        self._links.setdefault(file, [real_target]).append(path)
        return file

    def _remove(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        place = self._find_folder(parent)
        if place is not None and not isinstance(place[1].entries.pop(name, None), File | None):
            self._folders.clear()

    def _put(self, folder: Directory, name: str, node: Node) -> None:
        if self._absent:
            self._absent.clear()
        replaced = folder.entries.get(name)
        if replaced is None:
            self._nodes += 1
            if self._nodes > self._limits.max_nodes:
                raise ImageTooLargeError(f"the image holds more than {self._limits.max_nodes} files and folders")
        elif not isinstance(replaced, File):
            self._folders.clear()
        folder.entries[name] = node

    def _find_folder(self, path: str) -> tuple[str, Directory] | None:
        path = path.removeprefix("/")
        known = self._folders.get(path)
        if known is None and path not in self._absent:
            known = self._walk(path, create=False)
            if known is None:
                self._absent.add(path)
            else:
                self._folders[path] = known
        return known

    def _walk(self, path: str, *, create: bool) -> tuple[str, Directory] | None:
        """The real path and the folder at `path`, symbolic links followed; None where there is none or links loop."""
        trail = [("", self._root)]
        pending = path.split("/")[::-1]
        links = 0
        while pending:
            name = pending.pop()
            real, folder = trail[-1]
            self._steps += 1
            if self._steps > self._limits.max_steps:
                raise ImageTooLargeError(f"the image's links take more than {self._limits.max_steps} steps to follow")
            if name == "..":
                del trail[max(1, len(trail) - 1) :]
            elif name not in {"", "."}:
                node = folder.entries.get(name)
                if isinstance(node, Symlink):
                    links += 1
                    if links > _MAX_LINKS:
                        return None
                    if node.target.startswith("/"):
                        del trail[1:]
                    pending += node.target.split("/")[::-1]
                    continue
                if not isinstance(node, Directory):
                    if not create:
                        return None
                    node = Directory()
                    self._put(folder, name, node)
                trail.append((f"{real}/{name}", node))
        return trail[-1]
