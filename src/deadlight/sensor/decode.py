"""Records of the kernel's ring, as bytes, to events. Names in them were chosen by whoever runs in the container."""

import struct
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from deadlight.model.observation import Grade
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import EVENT, CgroupKey, EventFlags, EventKind

MAX_PATH_LENGTH = 4096
"""Characters; PATH_MAX of Linux and the limit of the wire."""

MAX_ARGUMENTS = 64

CUT = "…"
"""Begins the path of a file that lies too deep for the kernel half to name completely."""

_GRADES = {EventKind.EXECUTED: Grade.EXECUTED, EventKind.MAPPED: Grade.MAPPED, EventKind.OPENED: Grade.OPENED}
GRADES = tuple(_GRADES.get(EventKind(number)) if number else None for number in range(max(EventKind) + 1))
"""What an event proves of its file, by the number of its kind; None where it proves nothing. (To find an enumerator in
a dictionary takes longer than anything else that is done to an event.)"""

_REMEMBERED = 256
"""Groups and names of processes that are not made anew for each event: the same ones come one after the other."""

_KINDS = {int(kind): kind for kind in EventKind}
_CODE = (EventKind.EXECUTED, EventKind.MAPPED)

_FOREIGN = int(EventFlags.UPPER | EventFlags.MEMFD | EventFlags.UNLINKED)
_MOUNTED = int(EventFlags.MOUNTED)
_TMPFS, _MEMFD, _PATH_CUT = int(EventFlags.TMPFS), int(EventFlags.MEMFD), int(EventFlags.PATH_CUT)


class DecodeError(SensorError):
    """The bytes are not a record of `bpf/events.h`."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened on the node.

    `at` is in nanoseconds of CLOCK_MONOTONIC; `pid`, `parent_pid` and `user` are as the host counts. `path` is that of
    the file as its process sees it, of the control group for `CGROUP_MADE`, the address for `CONNECTED` and
    `LISTENING`, the target for `MOUNTED`, and the name for `MODULE_LOADED`. `arguments` are those of the program for
    `EXECUTED`, at most 255 bytes, and (source, type) for `MOUNTED`; else there are none.

    (A msgspec structure because it is made ten times as fast as a frozen dataclass.)
    """

    kind: EventKind
    at: int
    cgroup: CgroupKey
    pid: int
    process: str
    path: str
    arguments: tuple[str, ...] = ()
    flags: int = 0
    """A sum of `EventFlags`; a plain number, because the operators of flags cost more than the rest of an event."""
    parent_pid: int = 0
    user: int | None = None
    inode: int = 0
    """Of the file, as the kernel has it in memory; through overlayfs, stat(2) may give another number."""
    device: int = 0
    """The file system of the file, as the kernel writes it: major << 20 | minor."""
    changed_at: int = 0
    """The file's change time (ctime), in nanoseconds since the Unix epoch."""
    detail: tuple[int, int] = (0, 0)
    """What the kind says: `EXECUTED` (pids of the parent's parent and of that one's, 0 where not known), `EXITED`
    (status as wait(2) gives it, 0), `PTRACED` (request, target's pid),
    `PRIVILEGE_CHANGED` (effective user before, after), `CONNECTED` and `LISTENING` (family << 16 | port, protocol),
    `NAMESPACE_ENTERED` (CLONE_NEW... flags, 0), `MODE_CHANGED` (mode, 0).
    """
    mode: int = 0
    """The file's type and permissions (st_mode)."""

    @property
    def changed(self) -> bool:
        """Whether the file is not the image's own.

        Written above the image's layers, in no directory, or without a name any more; and code on a tmpfs, which starts
        out empty. Data on a tmpfs is no sign: Kubernetes mounts secrets that way.
        """
        return is_foreign(self.kind, self.flags)

    @property
    def outside_image(self) -> bool:
        """Whether the file proves nothing of the image: what is `changed`, and whatever was mounted into the container.

        That a program comes from a volume is no sign of an attack; but it is not the image's program.
        """
        return is_outside_image(self.kind, self.flags)


def is_foreign(kind: EventKind, flags: int) -> bool:
    """Whether the file of an event of this kind is not the image's own: see `Event.changed`."""
    return bool(flags & _FOREIGN) or (bool(flags & _TMPFS) and kind in _CODE)


def is_outside_image(kind: EventKind, flags: int) -> bool:
    """Whether the file of an event of this kind proves nothing of the image: see `Event.outside_image`."""
    return bool(flags & _MOUNTED) or is_foreign(kind, flags)


def decode(record: bytes) -> Event:
    """Read one record.

    Bytes that are no UTF-8 become U+FFFD; no text contains NUL.

    Raises:
        DecodeError: too short, longer than it says, or of an unknown kind.
    """
    try:
        values = EVENT.unpack_from(record)
        kind = _KINDS[values[4]]
    except (struct.error, KeyError) as error:
        raise DecodeError(f"not an event of this version of the object: {error}") from error
    at, cgroup, hierarchy, _, _, bits, pid, parent, user, device, inode, changed_at = values[:12]
    first, second, mode, path_length, argv_length, comm = values[12:]
    end = EVENT.size + path_length
    if len(record) != end + argv_length:
        raise DecodeError(f"an event of {len(record)} bytes says that it has {end + argv_length}")
    # By position: names take longer than the structure itself.
    return Event(
        kind,
        at,
        _group(cgroup, hierarchy),
        pid,
        _name(comm),
        _PATHS[kind](record[EVENT.size : end], bits),
        parse_arguments(record[end:]) if argv_length else (),
        bits,
        parent,
        user,
        inode,
        device,
        changed_at,
        (first, second),
        mode,
    )


@lru_cache(_REMEMBERED)
def _group(number: int, hierarchy: int) -> CgroupKey:
    return CgroupKey(number, hierarchy)


@lru_cache(_REMEMBERED)
def _name(comm: bytes) -> str:
    return _text(comm.partition(b"\0")[0])


def parse_arguments(argv: bytes) -> tuple[str, ...]:
    """The zero-terminated arguments of a program, at most `MAX_ARGUMENTS`; the last may be cut short."""
    if not argv:
        return ()
    return tuple(_text(argv.removesuffix(b"\0")).split("\0", MAX_ARGUMENTS)[:MAX_ARGUMENTS])


def _file(names: bytes, bits: int) -> str:
    """The path of zero-terminated `names`, which begin with the file's own and end below the root."""
    parts = names.decode("utf-8", "replace").split("\0")
    if bits & _MEMFD:
        return parts[0]
    parts[-1] = CUT if bits & _PATH_CUT else ""
    parts.reverse()
    return "/".join(parts)[:MAX_PATH_LENGTH] or "/"


def _process(names: bytes, bits: int) -> str:
    """That of a process's program, where there is one."""
    return _file(names, bits) if names else ""


def _literal(text: bytes, _bits: int) -> str:
    return _text(text).partition("\0")[0]


def _address(raw: bytes, _bits: int) -> str:
    """An IPv4 or IPv6 address of 4 or 16 bytes; an IPv4 address inside an IPv6 one is written as the former."""
    try:
        address = ip_address(raw)
    except ValueError as error:
        raise DecodeError(f"no address has {len(raw)} bytes") from error
    return str(getattr(address, "ipv4_mapped", None) or address)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


_READERS = {
    EventKind.CONNECTED: _address,
    EventKind.LISTENING: _address,
    EventKind.CGROUP_MADE: _literal,
    EventKind.MODULE_LOADED: _literal,
    **dict.fromkeys((*_CODE, EventKind.OPENED, EventKind.WRITTEN, EventKind.MODE_CHANGED, EventKind.MOUNTED), _file),
}
_PATHS = tuple(
    _READERS.get(EventKind(number), _process) if number else _process for number in range(max(EventKind) + 1)
)
"""How the text of an event becomes its path, by the number of its kind."""
