"""Records of the kernel's ring, as bytes, to events. Names in them were chosen by whoever runs in the container."""

import struct
from dataclasses import dataclass

from deadlight.model.observation import Grade
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import EVENT, CgroupKey, EventFlags, EventKind

MAX_PATH_LENGTH = 4096
"""Characters; PATH_MAX of Linux and the limit of the wire."""

MAX_ARGUMENTS = 64

CUT = "…"
"""Begins the path of a file that lies too deep for the kernel half to name completely."""

GRADES = {EventKind.EXECUTED: Grade.EXECUTED, EventKind.MAPPED: Grade.MAPPED, EventKind.OPENED: Grade.OPENED}
"""The kinds of events that are about a file, with what each proves."""

_KINDS = {int(kind): kind for kind in EventKind}
_FOREIGN = int(EventFlags.UPPER | EventFlags.MEMFD | EventFlags.UNLINKED)
_TMPFS, _MEMFD, _PATH_CUT = int(EventFlags.TMPFS), int(EventFlags.MEMFD), int(EventFlags.PATH_CUT)


class DecodeError(SensorError):
    """The bytes are not a record of `bpf/events.h`."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened on the node.

    `at` is in nanoseconds of CLOCK_MONOTONIC, `pid` as the host counts. `path` is that of the file as its process sees
    it, or of the control group for `CGROUP_MADE`; `arguments` belong to `EXECUTED` alone and hold at most 255 bytes.
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

    @property
    def changed(self) -> bool:
        """Whether the file is not the image's own.

        Written above the image's layers, in no directory, or without a name any more; and code on a tmpfs, which starts
        out empty. Data on a tmpfs is no sign: Kubernetes mounts secrets that way.
        """
        return bool(self.flags & _FOREIGN) or (bool(self.flags & _TMPFS) and self.kind is not EventKind.OPENED)


def decode(record: bytes) -> Event:
    """Read one record.

    Bytes that are no UTF-8 become U+FFFD; no text contains NUL.

    Raises:
        DecodeError: too short, longer than it says, or of an unknown kind.
    """
    try:
        at, cgroup, hierarchy, _, number, bits, pid, path_length, argv_length, comm = EVENT.unpack_from(record)
        kind = _KINDS[number]
    except (struct.error, KeyError) as error:
        raise DecodeError(f"not an event of this version of the object: {error}") from error
    end = EVENT.size + path_length
    if len(record) != end + argv_length:
        raise DecodeError(f"an event of {len(record)} bytes says that it has {end + argv_length}")
    return Event(
        kind=kind,
        at=at,
        cgroup=CgroupKey(cgroup, hierarchy),
        pid=pid,
        process=_text(comm.partition(b"\0")[0]),
        path=_path(record[EVENT.size : end], kind, bits),
        arguments=parse_arguments(record[end:]),
        flags=bits,
    )


def parse_arguments(argv: bytes) -> tuple[str, ...]:
    """The zero-terminated arguments of a program, at most `MAX_ARGUMENTS`; the last may be cut short."""
    if not argv:
        return ()
    return tuple(_text(argv.removesuffix(b"\0")).split("\0", MAX_ARGUMENTS)[:MAX_ARGUMENTS])


def _path(names: bytes, kind: EventKind, bits: int) -> str:
    """The path of zero-terminated `names`, which begin with the file's own and end below the root."""
    parts = _text(names).split("\0")
    if kind is EventKind.CGROUP_MADE or bits & _MEMFD:
        return parts[0]
    parts[-1] = CUT if bits & _PATH_CUT else ""
    parts.reverse()
    return "/".join(parts)[:MAX_PATH_LENGTH] or "/"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
