"""How far an image's scans are and what it exposes, for people to read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deadlight.cli.output import SEVERITY_STYLES, plain, print_table
from deadlight.model.scan_configuration import Scanner

SHOWN = 20
"""Exposures in a table for people; programs get all of them."""

_STATES = {
    "DONE": "[green]done[/]",
    "SCANNING": "[blue]scanning[/]",
    "FAILED": "[red]failed[/]",
    "NOT_SUPPORTED": "[yellow]not supported[/]",
    "NOT_SCANNED": "not scanned",
}


def scan_facts(status: Mapping[str, Any], exposures: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """A line for each scanner: how far it is, and why it has no result."""
    details = status["details"]
    found = Counter(item["category"] for item in exposures)
    parts = {Scanner.SCA: details["sca"], Scanner.CONTEXTUAL_ANALYSIS: details["contextual_analysis"]}
    parts |= {Scanner(name): part for name, part in details["exposures"]["categories"].items()}
    return [(scanner.label, _state(part, found[scanner.value])) for scanner, part in parts.items()]


def _state(part: Mapping[str, Any], found: int) -> str:
    reason = f": {plain(part['reason'])}" if part["reason"] else ""
    return f"{_STATES[part['status']]}{reason}{f', {found} found' if found else ''}"


def print_exposures(exposures: Sequence[Mapping[str, Any]]) -> None:
    """The gravest of them, as a table."""
    shown = exposures[:SHOWN]
    more = f" ({len(exposures) - SHOWN} more with -o json)" if len(exposures) > SHOWN else ""
    rows = [
        (
            f"[{SEVERITY_STYLES[item['severity']]}]{item['severity']}[/]",
            plain(item["title"]),
            plain(", ".join(part for part in (item["path"], item["location"]) if part)),
        )
        for item in shown
    ]
    print_table(("Severity", f"Exposure{more}", "Found in"), rows, empty="")
