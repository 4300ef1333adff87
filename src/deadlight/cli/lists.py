"""What the commands that list something of Live Assessment have in common: filters and pages."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from deadlight.cli.output import advise
from deadlight.model import risk, vulnerability


class TimePeriod(StrEnum):
    """What ran now or at some time within a period."""

    NOW = "now"
    ONE_HOUR = "1 hour"
    ONE_DAY = "24 hours"
    THREE_DAYS = "3 days"
    SEVEN_DAYS = "7 days"
    TEN_DAYS = "10 days"


Risk = Annotated[list[risk.Risk] | None, typer.Option(help="With one of these risks; may be given several times.")]
Severity = Annotated[
    list[vulnerability.Severity] | None,
    typer.Option(case_sensitive=False, help="With vulnerabilities of this severity."),
]
Cve = Annotated[list[str] | None, typer.Option(help="With this vulnerability, by its CVE or another ID.")]
Package = Annotated[list[str] | None, typer.Option(help="With this package.")]
Cluster = Annotated[list[str] | None, typer.Option(help="In this cluster, by name or id.")]
Namespace = Annotated[list[str] | None, typer.Option(help="In this namespace.")]
Period = Annotated[TimePeriod, typer.Option(help="What runs now, or ran at some time within a period.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="So many rows.")]
All = Annotated[bool, typer.Option("--all", help="Every row, however many there are.")]


def tell_rest(shown: Sequence[Any], total: int) -> None:
    """Say how to see what a limit left out."""
    if total > len(shown):
        advise(f"{len(shown)} of {total}; more with --limit or --all")
