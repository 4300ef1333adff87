"""Scanning an image before it runs."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from deadlight.cli.output import SEVERITY_STYLES, Format, Output, advise, plain, print_table, show
from deadlight.cli.service import run
from deadlight.client.rest import RestClient


def scan(
    image: Annotated[str, typer.Argument(help="registry/repository:tag or @digest; the registry must be added.")],
    platform: Annotated[str, typer.Option(help="os/architecture.")] = "linux/amd64",
    output: Output = Format.TABLE,
) -> None:
    """Scan an image before it is deployed; what is found is what will be shown when it runs.

    Example: deadlight scan registry.example.com/shop/web:1.2.3
    """

    async def scan_and_wait(client: RestClient) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        queued = await client.post("/api/v1/scans", {"image": image, "platform": platform})
        address = f"/api/v1/image-tags/{queued['image_tag_id']}"
        with Console(stderr=True).status(f"scanning {plain(image)}"):
            detail = await _until_scanned(client, address)
        found = await client.get(f"{address}/vulnerabilities")
        return detail, found["vulnerabilities"]

    detail, findings = run(scan_and_wait)
    show({"image": detail, "vulnerabilities": findings}, output, lambda: _print_scan(detail, findings))
    if detail["scan_status"] != "done":
        raise typer.Exit(1)


async def _until_scanned(client: RestClient, address: str) -> dict[str, Any]:
    while True:
        detail: dict[str, Any] = await client.get(address)
        if detail["scan_status"] in {"failed", "skipped"} or detail["severities"] is not None:
            return detail
        await asyncio.sleep(0.3)


def _print_scan(detail: dict[str, Any], findings: list[dict[str, Any]]) -> None:
    if detail["scan_error"]:
        advise(f"[red]not scanned:[/] {plain(detail['scan_error'])}")
        return
    rows = [
        (
            f"[{SEVERITY_STYLES[item['severity']]}]{item['severity']}[/]",
            plain(item["vulnerability"]) + (" [bold red]exploited[/]" if item["known_exploited"] else ""),
            plain(f"{item['package']} {item['version']}"),
            plain(item["fix_version"]),
            plain(item["applicability"]),
        )
        for item in findings
    ]
    columns = ("Severity", "Vulnerability", "Package", "Fixed in", "Applicability")
    print_table(columns, rows, empty=f"{detail['packages_count']} packages, no known vulnerability.")
