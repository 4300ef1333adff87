"""What the commands that list something of Live Assessment have in common: filters and pages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, advise, show
from deadlight.cli.service import run
from deadlight.model import risk, vulnerability
from deadlight.model.live_list import TimePeriod

Risk = Annotated[list[risk.Risk] | None, typer.Option(help="With one of these risks; may be given several times.")]
Severity = Annotated[
    list[vulnerability.Severity] | None,
    typer.Option(case_sensitive=False, help="With vulnerabilities of this severity."),
]
Detection = Annotated[
    list[vulnerability.Severity] | None,
    typer.Option(case_sensitive=False, help="With an open detection of this severity."),
]
Cve = Annotated[list[str] | None, typer.Option(help="With this vulnerability, by its CVE or another ID.")]
Package = Annotated[list[str] | None, typer.Option(help="With this package.")]
Cluster = Annotated[list[str] | None, typer.Option(help="In this cluster, by name or id.")]
Namespace = Annotated[list[str] | None, typer.Option(help="In this namespace.")]
Period = Annotated[TimePeriod, typer.Option(help="What runs now, or ran at some time within a period.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="So many rows.")]
All = Annotated[bool, typer.Option("--all", help="Every row, however many there are.")]


def show_rows(
    path: str,
    field: str,
    query: Mapping[str, Any],
    *,
    limit: int | None,
    output: Format,
    print_rows: Callable[[list[dict[str, Any]]], None],
) -> None:
    """Ask for up to `limit` rows, all where that is None, and show them; `field` is where a page has its rows."""
    found, total = run(lambda client: client.list_rows(path, field, query, limit))

    def table() -> None:
        print_rows(found)
        _tell_rest(found, total)

    show(found, output, table)


def _tell_rest(shown: Sequence[Any], total: int) -> None:
    if total > len(shown):
        advise(f"{len(shown)} of {total}; more with --limit or --all")
