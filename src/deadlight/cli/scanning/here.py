"""Scanning an image in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from deadlight.advisories.errors import AdvisoryError
from deadlight.cli.home import Target
from deadlight.cli.output import advise, plain
from deadlight.cli.scanning.inspection import Inspected, inspect_image
from deadlight.cli.scanning.local_report import report_locally
from deadlight.cli.scanning.matching import Matched, match_with_advisories, match_with_service, packages_to_match
from deadlight.cli.scanning.report import Report
from deadlight.cli.scanning.scope import Scope
from deadlight.cli.scanning.sources import Source, open_files, open_reference
from deadlight.client.errors import ClientError
from deadlight.client.rest import RestClient
from deadlight.model.image import ImageReference, Platform
from deadlight.model.scan_configuration import Scanner
from deadlight.registry import RegistryError
from deadlight.scanner import ScannerError


def scan_here(
    target: Path | ImageReference,
    wanted: str,
    platform: Platform,
    scope: Scope,
    advice: Path | Target | None,
) -> Report:
    """Read an image and match its packages; a problem ends the command with advice and exit code 1.

    `wanted` says which image of a folder or archive. `advice` is a collection of advisories, or the service that
    matches; without it nothing is matched.
    """
    try:
        return asyncio.run(_scan(target, wanted, platform, scope, advice))
    except (RegistryError, ScannerError, AdvisoryError) as error:
        advise(f"[red]error:[/] {plain(error)}")
    except ClientError as error:
        advise(f"[red]error:[/] packages cannot be matched: {plain(error)} (with --advisories nobody is asked)")
    raise typer.Exit(1)


async def _scan(
    target: Path | ImageReference,
    wanted: str,
    platform: Platform,
    scope: Scope,
    advice: Path | Target | None,
) -> Report:
    async with _open(target, wanted, platform) as source:
        total = sum({layer.digest: layer.size for layer in source.image.layers}.values())
        with _progress(source.name, total) as advance:
            inspected = await inspect_image(source, scope, advance)
        matched = await _match(inspected, advice) if Scanner.SCA in scope.scanners else None
        return report_locally(source, scope, inspected, matched)


@asynccontextmanager
async def _open(target: Path | ImageReference, wanted: str, platform: Platform) -> AsyncIterator[Source]:
    if isinstance(target, Path):
        yield await open_files(target, wanted, platform)
    else:
        async with open_reference(target, platform) as source:
            yield source


async def _match(inspected: Inspected, advice: Path | Target | None) -> Matched | None:
    packages = packages_to_match(inspected.packages)
    if advice is None:
        return None
    if isinstance(advice, Path):
        return await asyncio.to_thread(match_with_advisories, packages, advice)
    async with RestClient(advice.url, advice.token) as client:
        return await match_with_service(client, packages)


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes of layers that are read; nothing where nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"reading {plain(name)}", total=total or None)
        yield lambda count: progress.advance(task, count)
