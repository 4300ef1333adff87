"""The prioritisation funnel."""

from typing import Any

from deadlight.cli.output import Format, Output, advise, plain, print_table, show
from deadlight.cli.service import run


def funnel(output: Output = Format.TABLE) -> None:
    """Show the prioritisation funnel."""
    found = run(lambda client: client.get("/api/v1/funnel"))
    show(found, output, lambda: _print_funnel(found))


def _print_funnel(found: dict[str, Any]) -> None:
    rows = [(stage["label"], str(stage["count"]), stage["description"]) for stage in found["stages"]]
    print_table(("Stage", "CVEs", ""), rows, empty="")
    for advice in (found["scan_advice"], found["installation_advice"]):
        if advice:
            advise(f"[yellow]{plain(advice)}[/]")
