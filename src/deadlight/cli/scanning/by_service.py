"""Having a service scan an image."""

import asyncio
from typing import Any

import typer
from rich.console import Console

from deadlight.cli.home import Target
from deadlight.cli.output import advise, plain
from deadlight.cli.scanning.report import Report, report_from_service
from deadlight.cli.service import run
from deadlight.client.rest import RestClient
from deadlight.model.image import Platform

_POLL_SECONDS = 0.3

_NOTHING_YET = frozenset({"failed", "skipped", "waiting"})
"""Statuses of a scan that came to nothing; where it waits, the service tries again by itself."""


def scan_by_service(image: str, platform: Platform, service: Target) -> Report:
    """Queue a scan and wait for what comes of it; a problem ends the command with advice and exit code 1."""

    async def scan_and_wait(client: RestClient) -> Report:
        queued = await client.post("/api/v1/scans", {"image": image, "platform": str(platform)})
        address = f"/api/v1/image-tags/{queued['image_tag_id']}"
        console = Console(stderr=True)
        if console.is_terminal:
            with console.status(f"scanning {plain(image)}"):
                detail = await _until_scanned(client, address)
        else:
            detail = await _until_scanned(client, address)
        if detail["scan_status"] != "done":
            advise(f"[red]not scanned:[/] {plain(detail['scan_error'])}")
            raise typer.Exit(1)
        packages = await client.get(f"{address}/packages")
        found = await client.get(f"{address}/vulnerabilities")
        exposures = await client.get(f"{address}/exposures")
        _tell_of_cut_lists(packages=packages, vulnerabilities=found, exposures=exposures)
        return report_from_service(detail, packages["packages"], found["vulnerabilities"], exposures, service.url)

    return run(scan_and_wait, service)


async def _until_scanned(client: RestClient, address: str) -> dict[str, Any]:
    while True:
        detail: dict[str, Any] = await client.get(address)
        if detail["scan_status"] in _NOTHING_YET or detail["severities"] is not None:
            return detail
        await asyncio.sleep(_POLL_SECONDS)


def _tell_of_cut_lists(**answers: dict[str, Any]) -> None:
    for name, answer in answers.items():
        if answer["total"] > len(answer[name]):
            advise(f"[yellow]only the first {len(answer[name])} of {answer['total']} {name} are shown[/]")
