"""Advisories: what is known about vulnerabilities."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from deadlight.advisories.document import Document, Rejected
from deadlight.advisories.feeds.files import find_feed
from deadlight.cli.output import Format, Output, advise, plain, show
from deadlight.cli.service import run
from deadlight.client.rest import ApiError, RestClient

DOCUMENTS_AT_ONCE = 500
BYTES_AT_ONCE = 8 * 1024 * 1024

BUSY = "advisories_busy"
"""The code of the service's answer while it takes others."""

BUSY_PAUSE_SECONDS = 2.0
WAITING = "waiting until the service has taken the advisories of a feed"


def import_advisories(
    path: Annotated[
        Path,
        typer.Argument(
            exists=True,
            help="A folder, zip, .json, .jsonl or .jsonl.zst of OSV or CVE records, CISA's catalogue of known "
            "exploited vulnerabilities or FIRST's EPSS scores, as they are served.",
        ),
    ],
    source: Annotated[str, typer.Option(help="Names the collection; the file's name by default.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Import advisories and what is known of CVEs; running images they concern are matched again at once.

    What a file is, its content says. Of CVE records and EPSS scores those count whose CVE an advisory names: import
    advisories first.

    Examples:
      deadlight advisories import all.zip --source osv.dev
      deadlight advisories import known_exploited_vulnerabilities.json
      deadlight advisories import epss_scores-current.csv.gz
    """
    total: dict[str, Any] = {}
    feed = find_feed(path)

    async def send(client: RestClient) -> None:
        if feed is not None:
            _add(total, await client.upload(f"/api/v1/feeds/{feed.value}/import", path.read_bytes()), [])
            return
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("importing", total=None)
            for documents, refused in _batches(path):
                body = {"source": source or path.name, "documents": documents}
                answer = await _post(client, body, lambda: progress.update(task, description=WAITING))
                _add(total, answer, refused)
                progress.update(task, advance=len(documents), description=f"imported {_handled(total)} records")

    run(send)
    show(total, output, lambda: _print_import(total))
    if total.get("rejected") and not _handled(total):
        raise typer.Exit(1)


async def _post(client: RestClient, body: dict[str, Any], wait: Callable[[], None]) -> dict[str, Any]:
    """Import once the service is not about others, such as a feed's; `wait` is told where that takes longer."""
    while True:
        try:
            answer: dict[str, Any] = await client.post("/api/v1/advisories/import", body)
        except ApiError as error:
            if error.code != BUSY:
                raise
            wait()
            await asyncio.sleep(BUSY_PAUSE_SECONDS)
        else:
            return answer


def _batches(path: Path) -> Iterator[tuple[list[dict[str, str]], list[str]]]:
    """Documents to send together, with the reasons why others of the archive could not be read."""
    from deadlight.advisories.archive import iter_documents  # noqa: PLC0415 - brings what no other command needs

    documents: list[dict[str, str]] = []
    refused: list[str] = []
    size = 0
    for item in iter_documents(path):
        if isinstance(item, Rejected):
            refused.append(item.reason)
            continue
        size += len(item.content)
        documents.append(_document(item))
        if len(documents) >= DOCUMENTS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield documents, refused
            documents, refused, size = [], [], 0
    yield documents, refused


def _document(item: Document) -> dict[str, str]:
    return {"origin": item.origin, "content": item.content.decode("utf-8", errors="replace")}


def _add(total: dict[str, Any], answer: dict[str, Any], refused: list[str]) -> None:
    for name, value in answer.items():
        total[name] = total.get(name, [] if isinstance(value, list) else 0) + value
    total["rejected"] += len(refused)
    total["rejections"] += refused


def _handled(total: dict[str, Any]) -> int:
    return sum(total.get(name, 0) for name in ("added", "changed", "withdrawn", "unchanged", "not_security"))


def _print_import(total: dict[str, Any]) -> None:
    names = ("added", "changed", "withdrawn", "unchanged", "not_security", "rejected")
    typer.echo(", ".join(f"{total.get(name, 0)} {name.replace('_', ' ')}" for name in names))
    for reason in total.get("rejections", [])[:20]:
        advise(f"[yellow]rejected:[/] {plain(reason)}")
    more = len(total.get("rejections", [])) - 20
    if more > 0:
        advise(f"[yellow]and {more} more[/]")
