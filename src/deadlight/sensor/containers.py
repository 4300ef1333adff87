"""Which container a control group belongs to.

Container runtimes name the control group after the container, each in its own way; an id of theirs is 64 hexadecimal
digits. What `container_of` reads:

    /kubepods/burstable/pod<uid>/<id>                                     cgroupfs driver: containerd, CRI-O, Docker
    /kubepods.slice/kubepods-burstable.slice/.../cri-containerd-<id>.scope      systemd driver, containerd
    /kubepods.slice/.../crio-<id>.scope                                         systemd driver, CRI-O
    /system.slice/docker-<id>.scope, /docker/<id>, /ecs/<task>/<id>             Docker by itself and under ECS
    /machine.slice/libpod-<id>.scope/container                                  Podman
    /system.slice/containerd.service/kubepods-...-pod<uid>.slice:cri-containerd:<id>  drivers that do not match
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deadlight.sensor.layout import CgroupKey

MAX_CGROUPS = 16_384
"""As many as the kernel half's map of verdicts."""

MAX_STARTING = 1_024
"""More containers than a node starts within the seconds that a start takes."""

_ID = re.compile(r"(?:(?P<runtime>.*)[-:])?(?P<id>[0-9a-f]{64})(?:\.scope)?", re.ASCII)
_KUBERNETES = re.compile(r"(?:kubelet-)?kubepods[^/]*")


@dataclass(frozen=True, slots=True)
class Container:
    """The container that a control group belongs to; `own` where it is the container's own group, not one inside."""

    id: str
    own: bool


def container_of(path: str, prefixes: Sequence[str] = ()) -> Container | None:
    """The container of the control group at `path`, or None for the host's own.

    The outermost id counts: what runs inside a container belongs to it. Only below the last `kubepods` the count starts
    anew, because a node can itself be a container (kind) whose kubelet starts others. Each direct child of one of
    `prefixes` is a container by its own name, which serves bare runc, whose ids are free.
    """
    for prefix in prefixes:
        below = path.removeprefix(prefix.rstrip("/") + "/")
        if below != path and below:
            name, _, inside = below.partition("/")
            return Container(name, own=not inside)
    parts = path.split("/")
    for index in range(_first_part(parts), len(parts)):
        match = _ID.fullmatch(parts[index])
        # conmon is Podman's and CRI-O's monitor of a container: a process of the host.
        if match and not (match["runtime"] or "").endswith("conmon"):
            return Container(match["id"], own=index == len(parts) - 1)
    return None


def _first_part(parts: Sequence[str]) -> int:
    """The last `kubepods...` component, or 0."""
    return max((index for index, part in enumerate(parts) if _KUBERNETES.fullmatch(part)), default=0)


class ContainerTable:
    """What is known of the node's control groups, bounded; the least recently used is forgotten first.

    A container is *starting* from the moment its group is made until its first program runs. In between, the runtime
    itself is at work in the group, still with the host's files.
    """

    def __init__(self, prefixes: Sequence[str] = (), *, limit: int = MAX_CGROUPS) -> None:
        self._prefixes = tuple(prefixes)
        self._limit = limit
        self._containers: OrderedDict[CgroupKey, str | None] = OrderedDict()
        self._starting: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, cgroup: CgroupKey) -> bool:
        return cgroup in self._containers

    def __iter__(self) -> Iterator[CgroupKey]:
        return iter(self._containers)

    def iter_containers(self) -> Iterator[tuple[CgroupKey, str]]:
        """Every group that is a container's, with the container's id."""
        return ((cgroup, container_id) for cgroup, container_id in self._containers.items() if container_id)

    def learn(self, cgroup: CgroupKey, path: str) -> str | None:
        """Record a group that was found at `path`; gives its container's id, None for the host's."""
        return self._record(cgroup, container_of(path, self._prefixes))

    def announce(self, cgroup: CgroupKey, path: str) -> str | None:
        """Record a group that was just made at `path`, and that its container is starting."""
        container = container_of(path, self._prefixes)
        if container and container.own:
            self._starting[container.id] = None
            if len(self._starting) > MAX_STARTING:
                self._starting.popitem(last=False)
        return self._record(cgroup, container)

    def find(self, cgroup: CgroupKey) -> str | None:
        """The id of the group's container; None for the host's and for groups never heard of."""
        if cgroup not in self._containers:
            return None
        self._containers.move_to_end(cgroup)
        return self._containers[cgroup]

    def is_starting(self, container_id: str) -> bool:
        """Whether the container's first program has not run yet."""
        return container_id in self._starting

    def started(self, container_id: str) -> None:
        """The container's first program runs."""
        self._starting.pop(container_id, None)

    def _record(self, cgroup: CgroupKey, container: Container | None) -> str | None:
        self._containers[cgroup] = container.id if container else None
        self._containers.move_to_end(cgroup)
        if len(self._containers) > self._limit:
            self._containers.popitem(last=False)
        return self._containers[cgroup]
