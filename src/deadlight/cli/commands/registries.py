"""The registries that were added."""

from typing import Any

from deadlight.cli.output import Format, Output, plain, print_table, show
from deadlight.cli.service import run


def registries(output: Output = Format.TABLE) -> None:
    """List the registries that images are compared with, and what hinders asking them.

    Example: deadlight registries -o yaml
    """
    found = run(lambda client: client.get("/api/v1/registries"))
    columns = ("Registry", "Host", "Type", "Scanned with", "Trusted", "Last asked", "Problem")
    empty = "No registry is added: every image comes from an untrusted one. Add those you trust in the console."
    show(found, output, lambda: print_table(columns, [_row(item) for item in found], empty=empty))


_SCANNERS = {"deadlight": "Deadlight", "xray": "Xray"}


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(item["name"] or item["host"]),
        plain(item["host"]),
        plain(item["type"]),
        _SCANNERS.get(item["scan_with"], plain(item["scan_with"])),
        "yes" if item["trusted"] else "[yellow]no[/]",
        plain(item["asked_at"] or "never"),
        plain(item["problem"]),
    )
