"""The control groups that exist: where their hierarchies are mounted, and every group in them.

A node has version 2 alone, version 1 alone, or both ("hybrid"). Version 2 names containers wherever it is used; of the
version 1 hierarchies the one of the pids controller stands for all.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deadlight.sensor.layout import CgroupKey
from deadlight.sensor.mountinfo import parse_mounts

MAX_GROUPS = 65_536
"""A walk ends here; a node of 250 pods has some 1,500 groups."""

MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted hierarchy: its number (0 is version 2) and the directory of its root."""

    number: int
    root: str


def parse_hierarchies(mountinfo: str, cgroups: str) -> tuple[Hierarchy, ...]:
    """The hierarchies that matter, from `/proc/self/mountinfo` and `/proc/cgroups` (proc(5)); version 2 first."""
    pids = parse_pids_hierarchy(cgroups)
    found: dict[int, Hierarchy] = {}
    for mount in parse_mounts(mountinfo):
        if mount.kind == "cgroup2":
            found.setdefault(0, Hierarchy(0, mount.place))
        elif mount.kind == "cgroup" and pids and "pids" in mount.options:
            found.setdefault(pids, Hierarchy(pids, mount.place))
    return tuple(found[number] for number in sorted(found))


def parse_pids_hierarchy(cgroups: str) -> int:
    """The number of the version 1 hierarchy of the pids controller in `/proc/cgroups`; 0 where version 2 has it."""
    for line in cgroups.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[0] == "pids" and fields[1].isdigit():
            return int(fields[1])
    return 0


def read_hierarchies(proc: Path = Path("/proc")) -> tuple[Hierarchy, ...]:
    """The hierarchies of this machine."""
    return parse_hierarchies((proc / "self/mountinfo").read_text(), (proc / "cgroups").read_text())


def iter_groups(hierarchies: Sequence[Hierarchy]) -> Iterator[tuple[CgroupKey, str]]:
    """Every group with its path below its hierarchy's root (`/` is the root itself).

    A group's id is the inode number of its directory. Groups that vanish meanwhile are left out. Bytes of a name that
    are no UTF-8 become question marks.
    """
    remaining = MAX_GROUPS
    for hierarchy in hierarchies:
        waiting = [("/", 0)]
        while waiting and remaining:
            path, depth = waiting.pop()
            found = _inspect(hierarchy.root + path)
            if found is None:
                continue
            remaining -= 1
            inode, children = found
            yield CgroupKey(inode, hierarchy.number), path.encode("utf-8", "replace").decode()
            if depth < MAX_DEPTH:
                waiting += [(f"{path.rstrip('/')}/{child}", depth + 1) for child in children]


def _inspect(directory: str) -> tuple[int, list[str]] | None:
    """Inode number and subdirectories."""
    try:
        with os.scandir(directory) as entries:
            children = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return Path(directory).stat().st_ino, children
    except OSError:
        return None
