"""Feeds: where advisories come from, and how far each source has been taken."""

from typing import Annotated, Any

import typer

from deadlight.advisories.feeds.feed import FeedName
from deadlight.cli.output import Format, Output, advise, plain, print_table, show
from deadlight.cli.service import run

FEEDS = "/api/v1/feeds"
MEBIBYTE = 1024 * 1024

_STYLES = {"current": "green", "failed": "red", "refreshing": "blue", "off": "dim", "waiting": "yellow"}


def feeds(*, output: Output = Format.TABLE) -> None:
    """Show where advisories come from: each source, what was taken of it and when, and what went wrong.

    Examples:
      deadlight advisories feeds
      deadlight advisories feeds -o json
    """
    found = run(lambda client: client.get(FEEDS))
    show(found, output, lambda: _print_feeds(found))


def refresh(
    name: Annotated[FeedName | None, typer.Argument(help="One source; all that are switched on by default.")] = None,
    *,
    output: Output = Format.TABLE,
) -> None:
    """Ask sources for what is new now rather than when their time comes; it is taken in the background.

    Examples:
      deadlight advisories refresh
      deadlight advisories refresh kev
    """
    found = _refresh(name) if name else _refresh_all()
    show(found, output, lambda: _print_feeds(found))
    advise("Look again with `deadlight advisories feeds` in a while: a first copy takes minutes.")


def _refresh(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = run(lambda client: client.post(f"{FEEDS}/{name}/refresh"))
    return answer


def _refresh_all() -> dict[str, Any]:
    """Refresh what is switched on and has anything to be fetched."""
    found: dict[str, Any] = run(lambda client: client.get(FEEDS))
    names = [item["name"] for item in found["feeds"] if item["state"] != "off" and item["parts"]]
    if not names:
        advise(f"[red]error:[/] not fetched: {plain(found['notice'] or 'nothing is due to be fetched yet')}")
        raise typer.Exit(1)
    return [_refresh(name) for name in names][-1]


def _print_feeds(found: dict[str, Any]) -> None:
    rows = [row for item in found["feeds"] for row in _rows(item)]
    print_table(
        ("Feed", "Part", "State", "Records", "Last Success", "Next", "Problem"), rows, empty="There are no feeds."
    )
    stored, budget = found["stored_bytes"] / MEBIBYTE, found["budget_bytes"] / MEBIBYTE
    advise(f"Advisories take {stored:,.0f} MiB of at most {budget:,.0f} MiB.")
    if found["notice"]:
        advise(f"[yellow]{plain(found['notice'])}[/]")
    if found["outdated_advisories"]:
        advise(
            f"[yellow]{found['outdated_advisories']} advisories were read by an earlier version of Deadlight: those of "
            "feeds follow by themselves, import the others again.[/]"
        )


def _rows(item: dict[str, Any]) -> list[tuple[str, ...]]:
    parts = item["parts"] or [{**item, "part": ""}]
    return [_row(item, part) for part in parts]


def _row(item: dict[str, Any], part: dict[str, Any]) -> tuple[str, ...]:
    state = part["state"]
    return (
        plain(item["name"]),
        plain(part["part"]),
        f"[{_STYLES[state]}]{state}[/]",
        f"{part['records']:,}",
        plain(part["succeeded_at"] or "never"),
        plain(part["next_attempt_at"] or ""),
        plain(part["problem"] or (item["problem"] if state == "off" else "")),
    )
