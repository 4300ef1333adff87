"""Commands about exposure windows: how long risks have been live, and what is done about them."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from deadlight.cli.commands import Json, run
from deadlight.cli.output import plain, print_json, print_table
from deadlight.client.rest import RestClient

app = typer.Typer(help="Exposure windows: how long risks have been live.", invoke_without_command=True)

_ADDRESS = "/api/v1/exposure-windows"
_PAGE = 100
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.callback()
def windows(
    context: typer.Context,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Those that are not closed.")] = False,
    risk: Annotated[
        list[str] | None,
        typer.Option(help="malicious, integrity_violation, critical_applicable_cves or untrusted_registry."),
    ] = None,
    cluster: Annotated[list[str] | None, typer.Option(help="A cluster's name.")] = None,
    namespace: Annotated[list[str] | None, typer.Option(help="A namespace.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="A team.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List exposure windows, the newest first.

    Examples: deadlight windows --open | deadlight windows ack 7 --note "rolling back"
    """
    if context.invoked_subcommand:
        return
    query = {"risk": risk or [], "cluster": cluster or [], "namespace": namespace or [], "team": team or []}
    found, total = run(lambda client: _list(client, query | {"state": ["open"] * open_only}, limit))
    if as_json:
        print_json(found)
        return
    now = datetime.now(UTC)
    print_table(
        ("ID", "State", "Risk", "Workload", "Image", "Opened", "Exposed for", "Team"),
        [_row(item, now) for item in found],
        empty="No exposure window matches: nothing was live as far as Deadlight knows.",
    )
    if total > len(found):
        Console(stderr=True).print(f"{len(found)} of {total}; more with --limit")


async def _list(client: RestClient, query: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], int]:
    found: list[dict[str, Any]] = []
    key = ""
    while True:
        paging = {"limit": min(_PAGE, limit - len(found)), "next_key": key}
        page = await client.get(_ADDRESS, {**query, **paging})
        found += page["windows"]
        key = page["next_key"]
        if not key or len(found) >= limit:
            return found, page["total"]


def _row(item: dict[str, Any], now: datetime) -> tuple[str, ...]:
    opened = datetime.fromisoformat(item["opened_at"])
    closed = datetime.fromisoformat(item["closed_at"]) if item["closed_at"] else now
    return (
        str(item["id"]),
        item["state"],
        plain(item["violation_type"] or item["risk"]),
        plain(f"{item['cluster']}/{item['namespace']}/{item['workload']}"),
        plain(item["image"]),
        f"{opened:%Y-%m-%d %H:%M}",
        str(timedelta(seconds=int((closed - opened).total_seconds()))),
        plain(item["team"]),
    )


Id = Annotated[int, typer.Argument(help="A window's ID, as `deadlight windows` lists it.")]


@app.command()
def ack(
    window_id: Id,
    note: Annotated[str, typer.Option(help="What you do about it.")] = "",
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    as_json: Json = False,
) -> None:
    """Say that you take care of a window."""
    address = f"{_ADDRESS}/{window_id}/{'unacknowledge' if undo else 'acknowledge'}"
    _tell(run(lambda client: client.post(address, None if undo else {"note": note})), as_json=as_json)


@app.command()
def suppress(
    window_id: Id,
    reason: Annotated[str, typer.Option(help="Why the risk is accepted.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="The last day, or a time, UTC.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Keep a window's risk on its workload quiet until a day.

    Example: deadlight windows suppress 7 --reason "patched in the next release" --until 2026-12-31
    """
    body = {"reason": reason, "until": _end(until).isoformat()}
    _tell(run(lambda client: client.post(f"{_ADDRESS}/{window_id}/suppress", body)), as_json=as_json)


def _end(until: datetime) -> datetime:
    """A day lasts until it is over."""
    whole_day = until.time() == time.min
    return (until + timedelta(days=1) if whole_day else until).replace(tzinfo=UTC)


@app.command()
def unsuppress(window_id: Id, *, as_json: Json = False) -> None:
    """End a suppression before its time; what is open alerts again."""
    _tell(run(lambda client: client.post(f"{_ADDRESS}/{window_id}/unsuppress")), as_json=as_json)


def _tell(window: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(window)
    else:
        typer.echo(f"window {window['id']} is {window['state']}")
