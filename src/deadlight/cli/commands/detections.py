"""Threats that sensors detected, and what is done about them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from deadlight.cli import lists
from deadlight.cli.output import SEVERITY_STYLES, Format, Output, counted, plain, print_facts, print_table, show
from deadlight.cli.service import run
from deadlight.model import detection, vulnerability

DETECTIONS = "/api/v1/detections"
_NOT_SUPPRESSED = "No suppressed detection matches. `deadlight exceptions list` says what is excepted."
_EMPTY = "No detection matches. Sensors report threats where they run: `deadlight clusters` says whether they do."

app = typer.Typer(help="Threats that sensors detected, and what is done about them.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(help="A detection's ID, as `deadlight detections list` tells it.")]
Note = Annotated[str, typer.Option(help="Why, or what you do about it.")]


@app.command("list")
def list_detections(
    *,
    severity: Annotated[
        list[vulnerability.Severity] | None, typer.Option(case_sensitive=False, help="Of this severity.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Of this threat rule, by its ID.")] = None,
    cluster: lists.Cluster = None,
    namespace: lists.Namespace = None,
    workload: Annotated[str, typer.Option(help="Of workloads with this in their name.")] = "",
    status: Annotated[list[detection.DetectionStatus] | None, typer.Option(help="What became of it.")] = None,
    response: Annotated[list[detection.Response] | None, typer.Option(help="What the sensor did.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Seen in the last days.")] = 30,
    suppressed: Annotated[bool, typer.Option("--suppressed", help="Only what an exception suppresses.")] = False,
    worst_first: Annotated[bool, typer.Option("--worst-first", help="By severity, not the last seen first.")] = False,
    limit: lists.Limit = 50,
    every: lists.All = False,
    output: Output = Format.TABLE,
) -> None:
    """List detections, the last seen first.

    Examples:
      deadlight detections list --status open --severity critical
      deadlight detections list --response would_block -o json
    """
    query: dict[str, Any] = {"severity": severity, "rule": rule, "cluster": cluster, "namespace": namespace}
    query |= {"workload": workload, "status": status, "response": response}
    query |= {"shown": "suppressed" if suppressed else "visible"}
    query |= {"since": (datetime.now(UTC) - timedelta(days=days)).isoformat()}
    query |= {"order": "severity" if worst_first else "newest"}
    most = None if every else limit
    empty = _NOT_SUPPRESSED if suppressed else _EMPTY
    lists.show_rows(
        DETECTIONS, "detections", query, limit=most, output=output, print_rows=lambda found: _print(found, empty)
    )


def _print(found: list[dict[str, Any]], empty: str) -> None:
    print_table(
        ("ID", "Severity", "What", "Workload", "Program", "Times", "Last seen", "Done", "Status", "Owner"),
        [_row(item) for item in found],
        empty=empty,
    )


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    owner = item["owner"] or {}
    return (
        str(item["id"]),
        f"[{SEVERITY_STYLES[item['severity']]}]{item['severity']}[/]",
        plain(item["title"]),
        plain(_place(item)),
        plain(item["program"] or "several"),
        str(item["count"]),
        f"{datetime.fromisoformat(item['last_at']):%Y-%m-%d %H:%M}",
        plain(item["response"]),
        plain(item["status"]),
        plain(owner.get("team") or owner.get("person") or owner.get("email") or ""),
    )


def _place(item: dict[str, Any]) -> str:
    if item["workload"]:
        return f"{item['cluster']}/{item['namespace']}/{item['workload']}"
    return f"{item['cluster']}, container {item['container_id'][:12]}"


@app.command("show")
def show_detection(detection_id: Id, *, output: Output = Format.TABLE) -> None:
    """Show a detection: what happened, what the sensor did, and what to do.

    Example: deadlight detections show 7
    """
    found = run(lambda client: client.get(f"{DETECTIONS}/{detection_id}"))
    show(found, output, lambda: _print_detail(found))


def _print_detail(found: dict[str, Any]) -> None:
    owner = found["owner"] or {}
    suppressed = found["suppressed_by"]
    labels = found.get("fact_labels", {})  # a service of the release before has none
    print_facts(
        [
            ("What", plain(f"{found['title']} ({found['rule']})")),
            ("Severity", found["severity"]),
            ("MITRE ATT&CK", plain(", ".join(item["link"] or item["id"] for item in found["techniques"]))),
            ("Where", plain(_place(found))),
            ("Image", plain(found["image"])),
            ("Container", plain(f"{found['pod']}/{found['container']} {found['container_id'][:12]}")),
            ("Node", plain(found["node_name"])),
            ("Owner", plain(", ".join(filter(None, (owner.get(name) for name in ("team", "person", "email")))))),
            ("Seen", f"{counted(found['count'], 'time')}, from {found['first_at']} to {found['last_at']}"),
            ("Process", plain(_command(found["process"]))),
            *(("Started by", plain(_command(item))) for item in found["ancestors"]),
            *((plain(labels.get(name, name)), plain(value)) for name, value in found["facts"].items()),
            ("What was done", plain(found["done"])),
            *(("What to do", plain(step)) for step in found["next_steps"]),
            ("Status", plain(f"{found['status']} {found['status_by']} {found['status_note']}".strip())),
            ("Suppressed", plain(f"until {suppressed['until']}: {suppressed['reason']}" if suppressed else "")),
        ]
    )


def _command(process: dict[str, Any]) -> str:
    text = " ".join(process["arguments"]) or process["name"]
    return f"{process['path']} (pid {process['pid']}): {text}" if process["path"] else text


@app.command()
def acknowledge(detection_id: Id, note: Note = "", *, output: Output = Format.TABLE) -> None:
    """Say that you take care of a detection.

    Example: deadlight detections acknowledge 7 --note "asking the team"
    """
    _change(detection_id, "acknowledge", note, output)


@app.command()
def resolve(detection_id: Id, note: Note = "", *, output: Output = Format.TABLE) -> None:
    """Say that it is dealt with. When it happens again, that is a new detection and alerts.

    Example: deadlight detections resolve 7 --note "pod replaced, secrets renewed"
    """
    _change(detection_id, "resolve", note, output)


@app.command()
def reopen(detection_id: Id, note: Note = "", *, output: Output = Format.TABLE) -> None:
    """Take back that it is acknowledged or resolved.

    Example: deadlight detections reopen 7
    """
    _change(detection_id, "reopen", note, output)


def _change(detection_id: int, action: str, note: str, output: Format) -> None:
    changed = run(lambda client: client.post(f"{DETECTIONS}/{detection_id}/{action}", {"note": note}))
    show(changed, output, lambda: typer.echo(f"detection {detection_id} is {changed['status']}"))
