"""Commands about exposure windows: how long risks have been live, and what is done about them."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

import typer

from deadlight.cli import lists
from deadlight.cli.output import Format, Output, plain, print_table, show
from deadlight.cli.service import run
from deadlight.model.risk import WindowRisk

app = typer.Typer(help="Exposure windows: how long risks have been live.", invoke_without_command=True)

_ADDRESS = "/api/v1/exposure-windows"
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.command("list")
@app.callback()
def list_windows(
    context: typer.Context,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Those that are not closed.")] = False,
    risk: Annotated[list[WindowRisk] | None, typer.Option(help="Of one of these risks.")] = None,
    cluster: lists.Cluster = None,
    namespace: lists.Namespace = None,
    team: Annotated[list[str] | None, typer.Option(help="A team.")] = None,
    limit: lists.Limit = 50,
    every: lists.All = False,
    output: Output = Format.TABLE,
) -> None:
    """List exposure windows, the newest first.

    Examples:
      deadlight windows list --open --risk threat
      deadlight windows ack 7 --note "rolling back"

    A threat's window follows its detection: `deadlight detections acknowledge` and `resolve`.
    """
    if context.invoked_subcommand:
        return
    query = {"risk": risk, "cluster": cluster, "namespace": namespace, "team": team}
    query |= {"state": ["open"] * open_only}
    most = None if every else limit
    lists.show_rows(_ADDRESS, "windows", query, limit=most, output=output, print_rows=_print)


def _print(found: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    print_table(
        ("ID", "State", "Risk", "Workload", "Image", "Opened", "Exposed for", "Team"),
        [_row(item, now) for item in found],
        empty="No exposure window matches: nothing was live as far as Deadlight knows.",
    )


def _row(item: dict[str, Any], now: datetime) -> tuple[str, ...]:
    opened = datetime.fromisoformat(item["opened_at"])
    closed = datetime.fromisoformat(item["closed_at"]) if item["closed_at"] else now
    return (
        str(item["id"]),
        item["state"],
        plain(_what(item)),
        plain(f"{item['cluster']}/{item['namespace']}/{item['workload']}"),
        plain(item["image"]),
        f"{opened:%Y-%m-%d %H:%M}",
        str(timedelta(seconds=int((closed - opened).total_seconds()))),
        plain(item["team"]),
    )


def _what(item: dict[str, Any]) -> str:
    threat = item["detection"]
    return f"{threat['rule']} (detection {threat['id']})" if threat else item["violation_type"] or item["risk"]


Id = Annotated[int, typer.Argument(help="A window's ID, as `deadlight windows list` tells it.")]


@app.command()
def ack(
    window_id: Id,
    note: Annotated[str, typer.Option(help="What you do about it.")] = "",
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Say that you take care of a window."""
    address = f"{_ADDRESS}/{window_id}/{'unacknowledge' if undo else 'acknowledge'}"
    _tell(run(lambda client: client.post(address, None if undo else {"note": note})), output=output)


@app.command()
def suppress(
    window_id: Id,
    reason: Annotated[str, typer.Option(help="Why the risk is accepted.")],
    until: Annotated[datetime, typer.Option(formats=_TIMES, help="The last day, or a time, UTC.")],
    *,
    output: Output = Format.TABLE,
) -> None:
    """Keep a window's risk on its workload quiet until a day.

    Example: deadlight windows suppress 7 --reason "patched in the next release" --until 2026-12-31
    """
    body = {"reason": reason, "until": _end(until).isoformat()}
    _tell(run(lambda client: client.post(f"{_ADDRESS}/{window_id}/suppress", body)), output=output)


def _end(until: datetime) -> datetime:
    """A day lasts until it is over."""
    whole_day = until.time() == time.min
    return (until + timedelta(days=1) if whole_day else until).replace(tzinfo=UTC)


@app.command()
def unsuppress(window_id: Id, *, output: Output = Format.TABLE) -> None:
    """End a suppression before its time; what is open alerts again."""
    _tell(run(lambda client: client.post(f"{_ADDRESS}/{window_id}/unsuppress")), output=output)


def _tell(window: dict[str, Any], *, output: Format) -> None:
    show(window, output, lambda: typer.echo(f"window {window['id']} is {window['state']}"))
