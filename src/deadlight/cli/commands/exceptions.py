"""Exceptions from detections: what nobody is to be troubled with, until a day and for a reason."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, counted, plain, print_table, show
from deadlight.cli.service import run

EXCEPTIONS = "/api/v1/detection-exceptions"
_PATTERNS = ("rule", "cluster", "namespace", "workload", "repository", "program")

app = typer.Typer(help="Exceptions: detections that nobody is to be troubled with.", no_args_is_help=True)

Pattern = Annotated[str, typer.Option(help="A pattern with * and ?.", show_default="any")]


@app.command("list")
def list_exceptions(
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended, too.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """List exceptions, newest first, with how much each suppresses.

    Example: deadlight exceptions list --ended -o json
    """
    found = run(lambda client: client.get(EXCEPTIONS, {"ended": str(ended).lower()}))
    columns = ("ID", "What", "Reason", "By", "Until", "Detections", "Times")
    empty = "There is no exception: every detection alerts. `deadlight exceptions add --help` says how to add one."
    show(found, output, lambda: print_table(columns, [_row(item) for item in found], empty=empty))


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    patterns = ", ".join(f"{name} {item[name]}" for name in _PATTERNS if item[name])
    until = f"{datetime.fromisoformat(item['ended_at'] or item['until']):%Y-%m-%d %H:%M}"
    return (
        str(item["id"]),
        plain(patterns),
        plain(item["reason"]),
        plain(item["created_by"]),
        until if item["active"] else f"ended {until}",
        str(item["detections"]),
        str(item["times"]),
    )


@app.command()
def add(
    *,
    reason: Annotated[str, typer.Option(help="Why this is fine.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="The last day, UTC.")],
    rule: Pattern = "",
    cluster: Pattern = "",
    namespace: Pattern = "",
    workload: Pattern = "",
    repository: Pattern = "",
    program: Pattern = "",
    output: Output = Format.TABLE,
) -> None:
    """Suppress detections that match everything that is given: those there are, and those to come.

    They are kept and counted (`deadlight detections list --suppressed`). When it ends, they alert again.

    Example: deadlight exceptions add --rule "shell-*" --workload toolbox --reason "our own" --until 2026-12-31
    """
    whole_day = until.time() == time.min
    end = (until + timedelta(days=1) if whole_day else until).replace(tzinfo=UTC)
    body = {"rule": rule, "cluster": cluster, "namespace": namespace, "workload": workload, "repository": repository}
    body |= {"program": program, "reason": reason, "until": end.isoformat()}
    added = run(lambda client: client.post(EXCEPTIONS, body))
    said = f"added exception {added['id']}; it suppresses {counted(added['detections'], 'detection')} so far"
    show(added, output, lambda: typer.echo(said))


@app.command()
def end(exception_id: Annotated[int, typer.Argument(help="An exception's ID.")]) -> None:
    """End an exception before its time; it stays on record.

    Example: deadlight exceptions end 7
    """
    run(lambda client: client.request("DELETE", f"{EXCEPTIONS}/{exception_id}"))
    typer.echo(f"exception {exception_id} has ended")
