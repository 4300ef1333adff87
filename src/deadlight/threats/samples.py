"""Samples: activities as rule files write them down, which a rule must match or must not."""

from dataclasses import dataclass

from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.errors import RuleError
from deadlight.threats.fields import NAMESPACES
from deadlight.threats.tables import Table

MAX_ANCESTORS = 8
MAX_ARGUMENTS = 64
MAX_PATH = 4096
_MAX_NUMBER = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Sample:
    """An activity that a rule must match, or must not."""

    says: str
    matches: bool
    activity: Activity


def read_sample(table: Table, usual: ActivityKind | None) -> Sample:
    """A sample; `usual` is the kind of its activity where it does not say.

    Raises:
        RuleError: something is missing, wrong, or not known.
    """
    says, matches = table.take_text("says", most=200), table.take_boolean("matches")
    return Sample(says, matches, read_activity(table, usual))


def read_activity(table: Table, usual: ActivityKind | None = None) -> Activity:
    """An activity; where a program was executed and nothing else is said, the file is the process's program.

    Raises:
        RuleError: something is missing, wrong, or not known.
    """
    kind = table.take_one_of("kind", ActivityKind, default=usual)
    process = _process(table.take_table("process"))
    default = process.path if kind is ActivityKind.EXECUTED else ""
    activity = Activity(
        kind=kind,
        at=0,
        container_id="sample",
        process=process,
        ancestors=tuple(_process(each) for each in table.take_tables("ancestors", most=MAX_ANCESTORS)),
        file_path=table.take_text("file", most=MAX_PATH, default=default),
        changed=table.take_boolean("changed", default=False),
        upper=table.take_boolean("upper", default=False),
        memfd=table.take_boolean("memfd", default=False),
        unlinked=table.take_boolean("unlinked", default=False),
        tmpfs=table.take_boolean("tmpfs", default=False),
        first_program=table.take_boolean("first", default=False),
        address=table.take_text("address", most=100, default=""),
        port=table.take_number("port", least=0, most=65_535, default=0),
        arguments=table.take_texts("mounted", most=2),
        detail=_detail(table, kind),
    )
    table.refuse_others()
    return activity


def _process(table: Table) -> ProcessFacts:
    user = table.take_number("user", least=-1, most=_MAX_NUMBER, default=-1)
    process = ProcessFacts(
        name=table.take_text("name", most=64, default=""),
        path=table.take_text("path", most=MAX_PATH, default=""),
        arguments=table.take_texts("arguments", most=MAX_ARGUMENTS, length=MAX_PATH),
        user=user if user >= 0 else None,
    )
    table.refuse_others()
    return process


def _detail(table: Table, kind: ActivityKind) -> tuple[int, int]:
    match kind:
        case ActivityKind.TRACED:
            return _number(table, "request"), _number(table, "traced_pid")
        case ActivityKind.PRIVILEGE_CHANGED:
            return _number(table, "user_before"), _number(table, "user_after")
        case ActivityKind.MODE_CHANGED:
            return _number(table, "mode"), 0
        case ActivityKind.NAMESPACE_ENTERED:
            return _namespaces(table), 0
        case _:
            return 0, 0


def _number(table: Table, name: str) -> int:
    return table.take_number(name, least=0, most=_MAX_NUMBER, default=0)


def _namespaces(table: Table) -> int:
    flags = {name: flag for flag, name in NAMESPACES.items()}
    names = table.take_texts("namespaces", most=len(flags))
    for name in names:
        if name not in flags:
            raise RuleError(f"{table.place('namespaces')}: expected some of {', '.join(flags)}, not {name!r}")
    return sum({flags[name] for name in names})
