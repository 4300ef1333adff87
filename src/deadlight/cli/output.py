"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

SEVERITY_STYLES = {"Critical": "bold red", "High": "red", "Medium": "yellow", "Low": "blue", "Unknown": "dim"}


def print_json(value: Any) -> None:
    """The value as JSON on standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """A table on standard output, or on standard error what it means that there is none."""
    if not rows:
        Console(stderr=True).print(empty)
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def severities(counts: Mapping[str, int] | None) -> str:
    """Counts by severity, worst first, coloured; "not scanned" where nobody knows."""
    if counts is None:
        return "[dim]not scanned[/]"
    shown = [f"[{SEVERITY_STYLES[name]}]{counts[name]} {name}[/]" for name in SEVERITY_STYLES if counts.get(name)]
    return ", ".join(shown) or "none"


def plain(value: Any) -> str:
    """A value's text with nothing in it taken for markup."""
    return escape(str(value if value is not None else ""))
