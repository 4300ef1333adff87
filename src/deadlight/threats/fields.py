"""The fields that conditions can ask about: what each is called, of which type it is, and where it is found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts

Value = str | int | bool


class FieldType(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    PATH = "path"
    NUMBER = "number"
    ADDRESS = "address"
    BOOLEAN = "true or false"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `read` gives its values: none where it is missing; `""` and `None` are not values."""

    name: str
    type: FieldType
    description: str
    read: Callable[[Activity], Iterable[Value | None]]


NAMESPACES = {
    0x00000080: "time",
    0x00020000: "mount",
    0x02000000: "cgroup",
    0x04000000: "uts",
    0x08000000: "ipc",
    0x10000000: "user",
    0x20000000: "pid",
    0x40000000: "network",
}
"""Flags of clone(2), from linux/sched.h."""

_SETUID, _SETGID, _EXECUTE = 0o4000, 0o2000, 0o111


def _of_ancestors(read: Callable[[ProcessFacts], Iterable[Value]]) -> Callable[[Activity], Iterable[Value]]:
    return lambda activity: [value for ancestor in activity.ancestors for value in read(ancestor)]


def _of_parent(read: Callable[[ProcessFacts], Iterable[Value]]) -> Callable[[Activity], Iterable[Value]]:
    return lambda activity: read(activity.ancestors[0]) if activity.ancestors else ()


def _detail(kind: ActivityKind, position: int) -> Callable[[Activity], Iterable[int]]:
    return lambda activity: (activity.detail[position],) if activity.kind is kind else ()


def _mode(bits: int) -> Callable[[Activity], Iterable[bool]]:
    def read(activity: Activity) -> Iterable[bool]:
        return (bool(activity.detail[0] & bits),) if activity.kind is ActivityKind.MODE_CHANGED else ()

    return read


def _mounted(position: int) -> Callable[[Activity], Iterable[str]]:
    return lambda activity: activity.arguments[position : position + 1]


def _namespaces(activity: Activity) -> Iterable[str]:
    if activity.kind is not ActivityKind.NAMESPACE_ENTERED:
        return ()
    flags = activity.detail[0]
    return [name for flag, name in NAMESPACES.items() if flags & flag] or ["any"]


_TABLE = (
    Field("activity.kind", FieldType.TEXT, "what it did", lambda a: (a.kind.value,)),
    Field("process.programs", FieldType.TEXT, "every name its program goes by", lambda a: a.process.programs),
    Field("process.name", FieldType.TEXT, "what the kernel calls it", lambda a: (a.process.name,)),
    Field("process.path", FieldType.PATH, "its program's file", lambda a: (a.process.path,)),
    Field("process.arguments", FieldType.TEXT, "each of its arguments", lambda a: a.process.arguments),
    Field("process.command", FieldType.TEXT, "its arguments as one line", lambda a: (a.process.command,)),
    Field("process.argument_count", FieldType.NUMBER, "how many there are", lambda a: (len(a.process.arguments),)),
    Field("process.user", FieldType.NUMBER, "the user's number", lambda a: (a.process.user,)),
    Field("process.first", FieldType.BOOLEAN, "the container's first program", lambda a: (a.first_program,)),
    Field("parent.programs", FieldType.TEXT, "its parent's", _of_parent(lambda p: p.programs)),
    Field("parent.path", FieldType.PATH, "its parent's", _of_parent(lambda p: (p.path,))),
    Field("parent.command", FieldType.TEXT, "its parent's", _of_parent(lambda p: (p.command,))),
    Field("parent.user", FieldType.NUMBER, "its parent's", _of_parent(lambda p: () if p.user is None else (p.user,))),
    Field("ancestors.programs", FieldType.TEXT, "any ancestor's", _of_ancestors(lambda p: p.programs)),
    Field("ancestors.path", FieldType.PATH, "any ancestor's", _of_ancestors(lambda p: (p.path,))),
    Field("ancestors.command", FieldType.TEXT, "any ancestor's", _of_ancestors(lambda p: (p.command,))),
    Field("ancestors.count", FieldType.NUMBER, "how many the container has", lambda a: (len(a.ancestors),)),
    Field("file.path", FieldType.PATH, "the file it is about", lambda a: (a.file_path,)),
    Field("file.changed", FieldType.BOOLEAN, "not the image's own", lambda a: (a.changed,)),
    Field("file.upper", FieldType.BOOLEAN, "made or changed above the image", lambda a: (a.upper,)),
    Field("file.memfd", FieldType.BOOLEAN, "lives in memory, in no directory", lambda a: (a.memfd,)),
    Field("file.unlinked", FieldType.BOOLEAN, "has no name any more", lambda a: (a.unlinked,)),
    Field("file.tmpfs", FieldType.BOOLEAN, "on a file system in memory", lambda a: (a.tmpfs,)),
    Field("file.setuid", FieldType.BOOLEAN, "became setuid", _mode(_SETUID)),
    Field("file.setgid", FieldType.BOOLEAN, "became setgid", _mode(_SETGID)),
    Field("file.executable", FieldType.BOOLEAN, "became executable", _mode(_EXECUTE)),
    Field("network.address", FieldType.ADDRESS, "the other side's, or its own", lambda a: (a.address,)),
    Field("network.port", FieldType.NUMBER, "the other side's, or its own", lambda a: (a.port or None,)),
    Field("mount.source", FieldType.TEXT, "what was mounted", _mounted(0)),
    Field("mount.type", FieldType.TEXT, "the type of its file system", _mounted(1)),
    Field("trace.request", FieldType.NUMBER, "ptrace's", _detail(ActivityKind.TRACED, 0)),
    Field("trace.pid", FieldType.NUMBER, "of the process it controls", _detail(ActivityKind.TRACED, 1)),
    Field("user.before", FieldType.NUMBER, "before it changed", _detail(ActivityKind.PRIVILEGE_CHANGED, 0)),
    Field("user.after", FieldType.NUMBER, "after it changed", _detail(ActivityKind.PRIVILEGE_CHANGED, 1)),
    Field("namespace.types", FieldType.TEXT, f"{', '.join(NAMESPACES.values())}, any", _namespaces),
)

FIELDS = {field.name: field for field in _TABLE}
"""By name."""
