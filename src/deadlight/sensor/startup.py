"""What already runs when the sensor starts: each container process's program, and the files it has mapped or open.

Events only tell what happens from now on, and a service that started yesterday may never open its libraries again.
"""

import os
import re
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from deadlight.sensor.decode import MAX_PATH_LENGTH, Event, is_outside_image, parse_arguments
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.mountinfo import parse_mounts
from deadlight.sensor.processes import MAX_ANCESTORS, FileId, Process
from deadlight.sensor.redact import redact
from deadlight.threats.activity import ProcessFacts

MAX_MAPPINGS = 65_536
"""Lines of one process's maps that are read; the kernel's own default limit is 65,530 (vm.max_map_count)."""

MAX_DESCRIPTORS = 4_096
"""Open files of one process that are looked at."""

MAX_ARGUMENT_BYTES = 255
"""As many as the kernel half reports."""

_MAPPED_AS_CODE = re.compile(rb"[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [1-9][0-9]* +(/.+)")
_NO_FILES = (b"/dev/zero", b"/anon_hugepage")
"""Names that the kernel gives to shared memory without a file."""

_MADE_UP = (b"/proc/", b"/sys/")
"""Where the kernel answers questions instead of storing files."""

_DELETED = b" (deleted)"
_MEMFD = b"/memfd:"
_NOWHERE = CgroupKey(0, 0)
"""The container of these events is known already."""


Found = TypeVar("Found")


class Status(NamedTuple):
    """What `/proc/<pid>/status` tells. `first` is the process that began its PID namespace: a container's."""

    parent_pid: int
    user: int
    first: bool


class Mounts(NamedTuple):
    """What of a process's files is not its image's."""

    upper: str
    """Where its overlay keeps what is not the image's own, on the host; empty without an overlay."""
    places: tuple[bytes, ...] = ()
    """Where other file systems are mounted, each ending in a slash; of a file, the place is the file and a slash."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A process of a container and where to look for its files."""

    process: Process
    flags: int
    directory: Path
    root: bytes
    """Its root directory as this process names it: `/` for a container that pivoted, more inside a mere chroot."""
    mounts: Mounts


def parse_cgroup_paths(text: str) -> tuple[str, ...]:
    """A process's groups that can name a container, from `/proc/<pid>/cgroup`: version 2's, then that of pids."""
    version_2, pids = [], []
    for line in text.split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            version_2.append(path)
        elif "pids" in controllers.split(","):
            pids.append(path)
    return (*version_2, *pids)


def parse_mapped_files(maps: bytes) -> tuple[bytes, ...]:
    """The distinct files mapped as code in `/proc/<pid>/maps`, in order of address."""
    matches = (_MAPPED_AS_CODE.fullmatch(line) for line in maps.split(b"\n"))
    return tuple(dict.fromkeys(match[1].replace(rb"\012", b"\n") for match in matches if match))


def parse_own_mounts(mountinfo: str) -> Mounts:
    """What a process's root is and what is mounted over it, from `/proc/<pid>/mountinfo`."""
    mounts = parse_mounts(mountinfo)
    root = next((mount for mount in mounts if mount.place == "/"), None)
    upper = root.find_option("upperdir") if root and root.kind == "overlay" else ""
    places = (os.fsencode(mount.place) for mount in mounts if mount.place != "/")
    return Mounts(upper, tuple(dict.fromkeys(place.rstrip(b"/") + b"/" for place in places)))


def parse_status(text: str) -> Status:
    """A process's parent, user and standing from `/proc/<pid>/status` (proc(5)); zeros for what is not there."""
    fields = {name: rest.split() for name, _, rest in (line.partition(":") for line in text.split("\n"))}
    numbers = {name: [int(word) if word.isdecimal() else 0 for word in words] for name, words in fields.items()}
    parents, users, inside = (numbers.get(name) or [0] for name in ("PPid", "Uid", "NSpid"))
    return Status(parents[0], users[0], first=len(inside) > 1 and inside[-1] == 1)


class Survey:
    """Looks at every process whose control group `attribute` gives a container id for.

    Processes in the host's mount namespace are left out, as the kernel half does.
    """

    def __init__(
        self, attribute: Callable[[str], str | None], *, host_mount_namespace: int, proc: Path = Path("/proc")
    ) -> None:
        self._attribute = attribute
        self._host = f"mnt:[{host_mount_namespace}]"
        self._proc = proc
        self.unreadable = 0
        """Processes that could not be looked at."""

    def list_existing(self) -> frozenset[int]:
        """The numbers of all processes of the machine."""
        return frozenset(int(place.name) for place in self._proc.iterdir() if place.name.isdecimal())

    def iter_found(self, at: int, only: Container[str] | None = None) -> Iterator[tuple[Event, Process]]:
        """Each container's processes, and then their files: the program, what is mapped as code, what is open.

        `at` becomes the time of the events; `only` names the containers to look at.
        """
        running = list(self._iter_running(self.list_existing(), at))
        wanted = [found for found in running if only is None or found.process.container_id in only]
        for found in wanted:
            yield _executed(found, at), found.process
        for found in wanted:
            for event in self._try(lambda found=found: list(_iter_files(found, at))) or ():  # type: ignore[misc]
                yield event, found.process

    def iter_processes(self, pids: Iterable[int], at: int) -> Iterator[tuple[Event, Process]]:
        """Those of some processes that are a container's, without their files."""
        for found in self._iter_running(pids, at):
            yield _executed(found, at), found.process

    def _iter_running(self, pids: Iterable[int], at: int) -> Iterator[_Running]:
        read = (self._try(lambda pid=pid: self._read(pid, at)) for pid in sorted(pids))  # type: ignore[misc]
        running = [found for found in read if found]
        processes = {found.process.facts.pid: found.process for found in running}
        for found in running:
            found.process.ancestors = _lineage(found.process, processes)
        return iter(running)

    def _read(self, pid: int, at: int) -> _Running | None:
        directory = self._proc / str(pid)
        container_id = self._container(directory)
        if container_id is None or str((directory / "ns/mnt").readlink()) == self._host:
            return None
        return _read_process(directory, container_id, at)

    def _container(self, directory: Path) -> str | None:
        paths = parse_cgroup_paths(_read_lines(directory / "cgroup"))
        return next((container_id for path in paths if (container_id := self._attribute(path))), None)

    def _try(self, look: Callable[[], Found]) -> Found | None:
        try:
            return look()
        except PermissionError:
            self.unreadable += 1
        except OSError:
            pass  # it has ended, or it is the kernel's
        return None


def _lineage(process: Process, processes: Mapping[int, Process]) -> tuple[ProcessFacts, ...]:
    ancestors: list[ProcessFacts] = []
    parent = processes.get(process.parent_pid)
    while parent and parent.container_id == process.container_id and len(ancestors) < MAX_ANCESTORS:
        ancestors.append(parent.facts)
        parent = processes.get(parent.parent_pid)
    return tuple(ancestors)


def _read_process(directory: Path, container_id: str, at: int) -> _Running:
    status = parse_status(_read_lines(directory / "status"))
    root = os.fsencode((directory / "root").readlink())
    mounts = parse_own_mounts(_read_lines(directory / "mountinfo", errors="surrogateescape"))
    with (directory / "cmdline").open("rb") as cmdline:
        arguments = parse_arguments(cmdline.read(MAX_ARGUMENT_BYTES))
    program = (directory / "exe").stat()
    path, flags = _identify(os.fsencode((directory / "exe").readlink()), root, mounts)
    name = (directory / "comm").read_text(errors="replace").strip()
    process = Process(
        container_id=container_id,
        facts=ProcessFacts(name, path, redact(arguments), int(directory.name), status.user),
        parent_pid=status.parent_pid,
        started_at=at,
        file=FileId(kernel_device(program.st_dev), program.st_ino, program.st_ctime_ns),
        changed=is_outside_image(EventKind.EXECUTED, flags),
        first=status.first,
    )
    return _Running(process, flags, directory, root, mounts)


def _read_lines(place: Path, *, errors: str = "replace") -> str:
    """A file of the kernel's. Its lines end in a newline; what else some readers take for an end can be in a name."""
    return place.read_bytes().decode(errors=errors)


def kernel_device(device: int) -> int:
    """The number of a file system as the kernel has it inside, from how stat(2) gives it."""
    return os.major(device) << 20 | os.minor(device)


def _executed(running: _Running, at: int) -> Event:
    process = running.process
    facts, file = process.facts, process.file
    return Event(
        kind=EventKind.EXECUTED,
        at=at,
        cgroup=_NOWHERE,
        pid=facts.pid,
        process=facts.name,
        path=facts.path,
        arguments=facts.arguments,
        flags=running.flags,
        parent_pid=process.parent_pid,
        user=facts.user,
        inode=file.inode,
        device=file.device,
        changed_at=file.changed_at,
    )


def _iter_files(running: _Running, at: int) -> Iterator[Event]:
    """One for each file that it has mapped as code or open."""
    with (running.directory / "maps").open("rb") as maps:
        mapped = parse_mapped_files(b"".join(islice(maps, MAX_MAPPINGS)))
    yield from _events(running, at, EventKind.MAPPED, mapped)
    yield from _events(running, at, EventKind.OPENED, _iter_open_files(running.directory / "fd"))


def _events(running: _Running, at: int, kind: EventKind, files: Iterable[bytes]) -> Iterator[Event]:
    facts = running.process.facts
    for raw in files:
        path, flags = _identify(raw, running.root, running.mounts)
        if path and path != facts.path:
            yield Event(kind, at, _NOWHERE, facts.pid, facts.name, path, flags=flags)


def _iter_open_files(descriptors: Path) -> Iterator[bytes]:
    """Regular files open for reading, on file systems that store something."""
    with os.scandir(descriptors) as entries:
        for entry in islice(entries, MAX_DESCRIPTORS):
            try:
                target = os.fsencode(Path(entry.path).readlink())
                if target.startswith(b"/") and not target.startswith(_MADE_UP) and _is_read(entry):
                    yield target
            except FileNotFoundError:
                continue  # closed meanwhile


def _is_read(descriptor: "os.DirEntry[str]") -> bool:
    """A regular file that is open for reading: the link's own permissions are those of the open file."""
    readable = descriptor.stat(follow_symlinks=False).st_mode & stat.S_IRUSR
    return bool(readable) and stat.S_ISREG(descriptor.stat().st_mode)


def _identify(raw: bytes, root: bytes, mounts: Mounts) -> tuple[str, int]:
    """The path as the process sees it and what is special about the file; an empty path for what is no file."""
    path, flags = raw.removesuffix(_DELETED), 0
    if path in _NO_FILES:
        return "", flags
    if path.startswith(_MEMFD):
        return _text(path[1:]), EventFlags.MEMFD
    if path != raw:
        flags |= EventFlags.UNLINKED
    path = path.removeprefix(root.rstrip(b"/")) or b"/"
    if (path + b"/").startswith(mounts.places):
        flags |= EventFlags.MOUNTED
    elif mounts.upper and _is_in(mounts.upper, path):
        flags |= EventFlags.UPPER
    return _text(path), flags


def _is_in(upper: str, path: bytes) -> bool:
    """Whether the overlay's upper directory has the file. From a pod, the host's files are below its first process."""
    inside = os.fsencode(upper) + path
    return os.path.lexists(b"/proc/1/root" + inside) or os.path.lexists(inside)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace").replace("\0", "")[:MAX_PATH_LENGTH]
