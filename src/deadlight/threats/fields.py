"""The fields that conditions can ask about: what each is called, of which type it is, and where it is found."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

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
    """One field."""

    name: str
    label: str
    """The same in plain words, for people who read what a rule looked at."""
    type: FieldType
    description: str
    get: Callable[[Activity], Any]
    """Its value, `""` or None where it is missing; of a field with `many`, a sequence of values."""
    many: bool = False


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

_NOBODY = ProcessFacts()


def _of_ancestors(attribute: str) -> Callable[[Activity], list[str]]:
    get = attrgetter(attribute)
    return lambda activity: [get(ancestor) for ancestor in activity.ancestors]


def _ancestors_programs(activity: Activity) -> list[str]:
    return [name for ancestor in activity.ancestors for name in ancestor.programs]


def _of_parent(attribute: str) -> Callable[[Activity], Any]:
    get = attrgetter(attribute)
    return lambda activity: get(activity.ancestors[0] if activity.ancestors else _NOBODY)


def _detail(kind: ActivityKind, position: int) -> Callable[[Activity], int | None]:
    return lambda activity: activity.detail[position] if activity.kind is kind else None


def _mode(bits: int) -> Callable[[Activity], bool | None]:
    return lambda activity: bool(activity.detail[0] & bits) if activity.kind is ActivityKind.MODE_CHANGED else None


def _mounted(position: int) -> Callable[[Activity], str]:
    return lambda activity: activity.arguments[position] if len(activity.arguments) > position else ""


def _namespaces(activity: Activity) -> list[str]:
    if activity.kind is not ActivityKind.NAMESPACE_ENTERED:
        return []
    flags = activity.detail[0]
    return [name for flag, name in NAMESPACES.items() if flags & flag] or ["any"]


_TEXT, _PATH, _NUMBER, _BOOLEAN = FieldType.TEXT, FieldType.PATH, FieldType.NUMBER, FieldType.BOOLEAN

_TABLE = (
    Field("activity.kind", "Activity", _TEXT, "what it did", attrgetter("kind")),
    Field(
        "process.programs",
        "Program names",
        _TEXT,
        "every name its program goes by",
        attrgetter("process.programs"),
        many=True,
    ),
    Field("process.name", "Process name", _TEXT, "what the kernel calls it", attrgetter("process.name")),
    Field("process.path", "Program file", _PATH, "its program's file", attrgetter("process.path")),
    Field("process.arguments", "Arguments", _TEXT, "each of its arguments", attrgetter("process.arguments"), many=True),
    Field("process.command", "Command line", _TEXT, "its arguments as one line", attrgetter("process.command")),
    Field(
        "process.argument_count",
        "Number of arguments",
        _NUMBER,
        "how many there are",
        lambda a: len(a.process.arguments),
    ),
    Field("process.user", "User id", _NUMBER, "the number of its user", attrgetter("process.user")),
    Field(
        "process.first",
        "First program of the container",
        _BOOLEAN,
        "it is the container's first program",
        attrgetter("first_program"),
    ),
    Field("parent.programs", "Parent's program names", _TEXT, "the parent's", _of_parent("programs"), many=True),
    Field("parent.path", "Parent's program file", _PATH, "the parent's", _of_parent("path")),
    Field("parent.command", "Parent's command line", _TEXT, "the parent's", _of_parent("command")),
    Field("parent.user", "Parent's user id", _NUMBER, "the parent's", _of_parent("user")),
    Field("ancestors.programs", "Ancestors' program names", _TEXT, "any ancestor's", _ancestors_programs, many=True),
    Field("ancestors.path", "Ancestors' program files", _PATH, "any ancestor's", _of_ancestors("path"), many=True),
    Field(
        "ancestors.command", "Ancestors' command lines", _TEXT, "any ancestor's", _of_ancestors("command"), many=True
    ),
    Field(
        "ancestors.count",
        "Number of ancestors",
        _NUMBER,
        "how many of them the container has",
        lambda a: len(a.ancestors),
    ),
    Field("file.path", "File", _PATH, "the file it is about", attrgetter("file_path")),
    Field("file.changed", "Not the image's own", _BOOLEAN, "it is not the image's own", attrgetter("changed")),
    Field(
        "file.upper",
        "Made or changed above the image",
        _BOOLEAN,
        "it was made or changed above the image",
        attrgetter("upper"),
    ),
    Field("file.memfd", "Lives in memory only", _BOOLEAN, "it lives in memory, in no directory", attrgetter("memfd")),
    Field("file.unlinked", "Has no name any more", _BOOLEAN, "it has no name any more", attrgetter("unlinked")),
    Field(
        "file.tmpfs", "On a file system in memory", _BOOLEAN, "it is on a file system in memory", attrgetter("tmpfs")
    ),
    Field("file.setuid", "Became setuid", _BOOLEAN, "it became setuid", _mode(_SETUID)),
    Field("file.setgid", "Became setgid", _BOOLEAN, "it became setgid", _mode(_SETGID)),
    Field("file.executable", "Became executable", _BOOLEAN, "it became executable", _mode(_EXECUTE)),
    Field(
        "network.address",
        "Network address",
        FieldType.ADDRESS,
        "the other side's; its own if listening",
        attrgetter("address"),
    ),
    Field("network.port", "Network port", _NUMBER, "the other side's; its own if listening", lambda a: a.port or None),
    Field("mount.source", "Mounted", _TEXT, "what was mounted", _mounted(0)),
    Field("mount.type", "File system", _TEXT, "the type of its file system", _mounted(1)),
    Field("trace.request", "Request to ptrace", _NUMBER, "ptrace's", _detail(ActivityKind.TRACED, 0)),
    Field("trace.pid", "Traced process", _NUMBER, "of the process it controls", _detail(ActivityKind.TRACED, 1)),
    Field("user.before", "User id before", _NUMBER, "before it changed", _detail(ActivityKind.PRIVILEGE_CHANGED, 0)),
    Field("user.after", "User id after", _NUMBER, "after it changed", _detail(ActivityKind.PRIVILEGE_CHANGED, 1)),
    Field(
        "namespace.types",
        "Namespaces",
        _TEXT,
        f"some of {', '.join(NAMESPACES.values())}; or any",
        _namespaces,
        many=True,
    ),
)

FIELDS = {field.name: field for field in _TABLE}
"""By name."""

_TOLD_BESIDE = {
    "file.sha256": "SHA-256 of the file",
    "image.path": "File in the image",
    "image.sha256": "SHA-256 in the image",
    "rule.id": "Rule",
}
"""What detections tell that no condition can ask about."""


def label_of(name: str) -> str:
    """The name of a fact in plain words; the name itself where there are none."""
    field = FIELDS.get(name)
    return field.label if field else _TOLD_BESIDE.get(name, name)
