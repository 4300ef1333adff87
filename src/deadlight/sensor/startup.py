"""What already runs when the sensor starts: each container process's program and the files it has mapped as code.

Events only tell what happens from now on, and a service that started yesterday may never open its libraries again.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deadlight.sensor.decode import MAX_PATH_LENGTH, Event, parse_arguments
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.mountinfo import parse_mounts

MAX_MAPPINGS = 65_536
"""Lines of one process's maps that are read; the kernel's own default limit is 65,530 (vm.max_map_count)."""

MAX_ARGUMENT_BYTES = 255
"""As many as the kernel half reports."""

_MAPPED_AS_CODE = re.compile(rb"[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [1-9][0-9]* +(/.+)")
_NO_FILES = (b"/dev/zero", b"/anon_hugepage")
"""Names that the kernel gives to shared memory without a file."""

_DELETED = b" (deleted)"
_MEMFD = b"/memfd:"
_NOWHERE = CgroupKey(0, 0)
"""The container of these events is known already."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: a container's id with an event for each file, and how many processes could not be read."""

    found: tuple[tuple[str, Event], ...]
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Process:
    directory: Path
    pid: int
    root: bytes
    """Its root directory as this process names it: `/` for a container that pivoted, more inside a mere chroot."""
    upper: str
    """Where its overlay keeps what is not the image's own, on the host; empty without an overlay."""


def parse_cgroup_paths(text: str) -> tuple[str, ...]:
    """A process's groups that can name a container, from `/proc/<pid>/cgroup`: version 2's, then that of pids."""
    version_2, pids = [], []
    for line in text.splitlines():
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


def parse_upper_directory(mountinfo: str) -> str:
    """The upper directory of the overlay that is the process's root, from `/proc/<pid>/mountinfo`; else empty."""
    root = next((mount for mount in parse_mounts(mountinfo) if mount.place == "/"), None)
    return root.find_option("upperdir") if root and root.kind == "overlay" else ""


def survey(
    attribute: Callable[[str], str | None], *, host_mount_namespace: int, at: int, proc: Path = Path("/proc")
) -> Survey:
    """Look at every process whose group `attribute` gives a container id for. `at` becomes the time of the events.

    Processes in the host's mount namespace are left out, as the kernel half does.
    """
    found: list[tuple[str, Event]] = []
    unreadable = 0
    for directory in proc.iterdir():
        if not directory.name.isdecimal():
            continue
        try:
            container_id = _container(directory, attribute)
            if container_id and not _in_namespace(directory, host_mount_namespace):
                found += [(container_id, event) for event in _iter_events(_read_process(directory), at)]
        except PermissionError:
            unreadable += 1
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended, or it is the kernel's
    return Survey(tuple(found), unreadable)


def _container(directory: Path, attribute: Callable[[str], str | None]) -> str | None:
    paths = parse_cgroup_paths((directory / "cgroup").read_text(errors="replace"))
    return next((container_id for path in paths if (container_id := attribute(path))), None)


def _in_namespace(directory: Path, mount_namespace: int) -> bool:
    return str((directory / "ns/mnt").readlink()) == f"mnt:[{mount_namespace}]"


def _read_process(directory: Path) -> _Process:
    return _Process(
        directory=directory,
        pid=int(directory.name),
        root=os.fsencode((directory / "root").readlink()),
        upper=parse_upper_directory((directory / "mountinfo").read_text(errors="replace")),
    )


def _iter_events(process: _Process, at: int) -> Iterator[Event]:
    """One for its program, then one for each file that it has mapped as code."""
    name = (process.directory / "comm").read_text(errors="replace").strip()
    with (process.directory / "cmdline").open("rb") as cmdline:
        arguments = parse_arguments(cmdline.read(MAX_ARGUMENT_BYTES))
    with (process.directory / "maps").open("rb") as maps:
        mapped = parse_mapped_files(b"".join(islice(maps, MAX_MAPPINGS)))
    program = os.fsencode((process.directory / "exe").readlink())
    files = [(EventKind.EXECUTED, program), *((EventKind.MAPPED, path) for path in mapped if path != program)]
    for kind, raw in files:
        path, flags = _identify(raw, process)
        if path:
            executed = kind is EventKind.EXECUTED
            yield Event(kind, at, _NOWHERE, process.pid, name, path, arguments if executed else (), flags)


def _identify(raw: bytes, process: _Process) -> tuple[str, int]:
    """The path as the process sees it and what is special about the file; an empty path for what is no file."""
    path, flags = raw.removesuffix(_DELETED), 0
    if path in _NO_FILES:
        return "", flags
    if path.startswith(_MEMFD):
        return _text(path[1:]), EventFlags.MEMFD
    if path != raw:
        flags |= EventFlags.UNLINKED
    path = path.removeprefix(process.root.rstrip(b"/")) or b"/"
    if process.upper and _is_in(process.upper, path):
        flags |= EventFlags.UPPER
    return _text(path), flags


def _is_in(upper: str, path: bytes) -> bool:
    """Whether the overlay's upper directory has the file. From a pod, the host's files are below its first process."""
    inside = os.fsencode(upper) + path
    return os.path.lexists(b"/proc/1/root" + inside) or os.path.lexists(inside)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace").replace("\0", "")[:MAX_PATH_LENGTH]
