"""What commands print: tables for people, JSON or YAML for programs. Advice and problems go to standard error."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, assert_never

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SEVERITY_STYLES = {"Critical": "bold red", "High": "red", "Medium": "yellow", "Low": "blue", "Unknown": "dim"}
STATUS_STYLES = {"running": "green", "failed": "red", "stopped": "red", "installation_failed": "yellow"}


# What a terminal obeys, or what turns the direction of what follows, as far as JSON leaves it as it is.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class Format(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]
"""The option of every command that prints what it found."""


def show(value: Any, output: Format, print_for_people: Callable[[], None]) -> None:
    """Print what a command found: all of it for programs, or what people want to see of it."""
    match output:
        case Format.JSON:
            document = json.dumps(value, indent=2, ensure_ascii=False)
            sys.stdout.write(_UNSEEN.sub(lambda found: _written(found[0]), document) + "\n")
        case Format.YAML:
            import yaml  # noqa: PLC0415 - only here

            is_seen = _UNSEEN.search(json.dumps(value, ensure_ascii=False)) is None
            yaml.safe_dump(value, sys.stdout, sort_keys=False, allow_unicode=is_seen)
        case Format.TABLE:
            print_for_people()
        case _ as never:
            assert_never(never)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """A table on standard output, or on standard error what it means that there is none."""
    if not rows:
        advise(empty)
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Names and what they stand for, below each other on standard output; those of nothing are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts:
        if text:
            table.add_row(name, text)
    Console().print(table)


def advise(text: str) -> None:
    """Tell a person something beside what was asked for, on standard error."""
    Console(stderr=True).print(text)


def counted(number: int, noun: str) -> str:
    """`1 program`, `2 programs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def severities(counts: Mapping[str, int] | None) -> str:
    """Counts by severity, worst first, coloured; "not scanned" where nobody knows."""
    if counts is None:
        return "[dim]not scanned[/]"
    shown = [f"[{SEVERITY_STYLES[name]}]{counts[name]} {name}[/]" for name in SEVERITY_STYLES if counts.get(name)]
    return ", ".join(shown) or "none"


def status(name: str) -> str:
    """The name of a status, coloured."""
    text = name.replace("_", " ")
    return f"[{STATUS_STYLES[name]}]{text}[/]" if name in STATUS_STYLES else text


def plain(value: Any) -> str:
    """A value's text with nothing in it taken for markup, and nothing that a terminal would obey."""
    text = str(value if value is not None else "")
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() or letter == "\n" else _written(letter) for letter in text)
    return escape(text)


def _written(letter: str) -> str:
    """What a terminal would obey, or show nothing for, as people and JSON write it."""
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
