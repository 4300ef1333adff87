"""Threat rules: what sensors look for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deadlight.cli.commands.rule_files import check_files, describe_unread, read_rule
from deadlight.cli.output import SEVERITY_STYLES, Format, Output, plain, print_facts, print_table, show
from deadlight.cli.service import run
from deadlight.client.rest import RestClient
from deadlight.model import vulnerability
from deadlight.threats.rule import RULE_ID

RULES = "/api/v1/threat-rules"

app = typer.Typer(help="Threat rules: what sensors look for.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="A rule's ID, as `deadlight rules list` tells it.")]
File = Annotated[Path, typer.Argument(help="A rule's TOML file; - is standard input.")]


app.command("check")(check_files)


@app.command("list")
def list_rules(*, output: Output = Format.TABLE) -> None:
    """List the rules, built-in and custom.

    Example: deadlight rules list -o json
    """
    found = run(lambda client: client.get(RULES))
    columns = ("ID", "Severity", "Holds", "Origin", "What", "MITRE ATT&CK", "Detections")
    show(found, output, lambda: print_table(columns, [_row(item) for item in found], empty="There is no rule."))


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    holds = "unusable" if item["problem"] else "yes" if item["enabled"] else "disabled"
    return (
        plain(item["id"]),
        f"[{SEVERITY_STYLES[item['severity']]}]{item['severity']}[/]",
        holds,
        item["origin"],
        plain(item["title"]),
        plain(", ".join(each["id"] for each in item["techniques"])),
        str(item["detections"]),
    )


@app.command("try")
def try_rule(
    rule: Annotated[str, typer.Argument(metavar="FILE|RULE", help="A rule's TOML file, or a rule by its ID.")],
    *,
    days: Annotated[int, typer.Option(min=1, max=30, help="What was reported in the last days.")] = 7,
    output: Output = Format.TABLE,
) -> None:
    """Show what a rule would have matched of what sensors reported, before you switch it on. It saves nothing.

    Records know less than a sensor: what depends on something that they do not hold matches perhaps, and what they do
    not have at all is named. Its own samples are tried as `deadlight rules check` does.

    Examples: deadlight rules try our-miner.toml --days 3 | deadlight rules try service-runs-shell
    """
    is_id = RULE_ID.fullmatch(rule) and not Path(rule).is_file()
    source = None if is_id else _read(Path(rule))
    found = run(lambda client: _dry_run(client, rule, source, days))
    show(found, output, lambda: _print_trial(found))


async def _dry_run(client: RestClient, rule: str, source: str | None, days: int) -> Any:
    found = {"source": source} if source is not None else await client.get(_path(rule))
    return await client.post(f"{RULES}/dry-run", {"source": found["source"], "days": days})


def _print_trial(found: dict[str, Any]) -> None:
    if found["check"]["problem"]:
        typer.echo(plain(f"it cannot be used: {found['check']['problem']}"))
    _print_samples(found["check"]["samples"])
    rows = [_trial_row(match) for source in found["sources"] for match in source["shown"]]
    empty = "Nothing that was recorded matches."
    print_table(("It", "What", "Program", "Command", "File", "Workload", "Times", "Last"), rows, empty=empty)
    for source in found["sources"]:
        cut = "" if source["complete"] else ", and there are more"
        typer.echo(
            f"{source['source']}: {source['matches']} match, {source['perhaps']} perhaps, of {source['looked_at']}{cut}"
        )
    for gap in found["gaps"]:
        typer.echo(plain(gap))


def _trial_row(match: dict[str, Any]) -> tuple[str, ...]:
    return (
        "perhaps matches" if match["perhaps"] else "matches",
        match["kind"],
        plain(match["program"]),
        plain(match["command"]),
        plain(match["file_path"]),
        plain(match["workload"]),
        str(match["times"]),
        match["last_at"][:16].replace("T", " "),
    )


@app.command("sensors")
def list_sensors(*, output: Output = Format.TABLE) -> None:
    """Show how many sensors have the current policy in force: rules, their severities and what is blocked.

    A cluster's policy is known by the number of the last change of rules or of its blocking; sensors hear of one with
    their next heartbeat, within half a minute.

    Example: deadlight rules sensors
    """
    found = run(lambda client: client.get("/api/v1/sensor-policies"))
    columns = ("Cluster", "Policy", "Sensors that have it", "Which have not")
    rows = [_standing_row(item) for item in found]
    show(found, output, lambda: print_table(columns, rows, empty="There is no cluster yet."))


def _standing_row(item: dict[str, Any]) -> tuple[str, ...]:
    behind = [_behind(sensor) for sensor in item["behind"]]
    more = item["sensors"] - item["current"] - len(behind)
    return (
        plain(item["cluster"]),
        str(item["policy"]),
        f"{item['current']} of {item['sensors']}",
        plain("; ".join([*behind, *([f"{more} more"] if more else [])])),
    )


def _behind(sensor: dict[str, Any]) -> str:
    if sensor["policy"] is None:
        return f"{sensor['node']}: has not said"
    return f"{sensor['node']}: has {sensor['policy']}, behind since {sensor['since'][:16].replace('T', ' ')}"


@app.command("show")
def show_rule(
    rule_id: Id,
    *,
    source: Annotated[bool, typer.Option("--source", help="Print its file, to begin a rule of your own with.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what a rule looks for, what to do when it tells something, and what it says of its samples.

    Examples: deadlight rules show drift-execution | deadlight rules show mount --source > our-mount.toml
    """
    found = run(lambda client: client.get(_path(rule_id)))
    if source:
        typer.echo(found["source"], nl=False)
        return
    show(found, output, lambda: _print_rule(found))


def _print_rule(found: dict[str, Any]) -> None:
    facts = [
        ("Rule", plain(f"{found['id']} ({found['origin']})")),
        ("Title", plain(found["title"])),
        ("Severity", found["severity"]),
        ("Holds", "yes" if found["enabled"] else "disabled"),
        ("Problem", plain(found["problem"])),
        ("Description", plain(found["description"])),
        ("Recommendation", plain(found["recommendation"])),
        ("Looks the same", plain(found["false_positives"])),
    ]
    print_facts(facts)
    _print_samples(found["samples"])


def _print_samples(samples: list[dict[str, Any]]) -> None:
    words = {True: "matches", False: "does not match"}
    rows = [(plain(item["says"]), words[item["expected"]], words[item["matched"]]) for item in samples]
    print_table(("Sample", "Expected", "It"), rows, empty="The rule has no samples.")


@app.command()
def add(file: File, *, output: Output = Format.TABLE) -> None:
    """Add a custom rule; one with the ID of a built-in rule holds instead of it.

    Example: deadlight rules add our-miner.toml
    """
    added = run(lambda client: client.post(RULES, {"source": _read(file)}))
    show(added, output, lambda: typer.echo(f"added rule {added['id']}; sensors get it with their next heartbeat"))


@app.command()
def change(rule_id: Id, file: File, *, output: Output = Format.TABLE) -> None:
    """Change a custom rule.

    Example: deadlight rules change our-miner our-miner.toml
    """
    changed = run(lambda client: client.request("PUT", _path(rule_id), {"source": _read(file)}))
    show(changed, output, lambda: typer.echo(f"changed rule {rule_id}; sensors get it with their next heartbeat"))


@app.command()
def remove(rule_id: Id) -> None:
    """Remove a custom rule.

    Example: deadlight rules remove our-miner
    """
    run(lambda client: client.request("DELETE", _path(rule_id)))
    typer.echo(f"removed rule {rule_id}")


@app.command()
def decide(
    rule_id: Id,
    *,
    enabled: Annotated[bool, typer.Option("--enable/--disable", help="Whether it holds.")] = True,
    severity: Annotated[
        vulnerability.Severity | None,
        typer.Option(case_sensitive=False, help="What it is worth.", show_default="the rule's own"),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Enable or disable a rule and say what it is worth. What is not given is as the rule came.

    Examples:
      deadlight rules decide drift-execution --disable
      deadlight rules decide drift-execution --severity critical
    """
    body = {"enabled": enabled, "severity": severity.value if severity else None}
    decided = run(lambda client: client.request("PUT", f"{_path(rule_id)}/decision", body))
    state = "holds" if decided["enabled"] else "is disabled"
    show(decided, output, lambda: typer.echo(f"rule {rule_id} {state}, {decided['severity']}"))


def _path(rule_id: str) -> str:
    if not RULE_ID.fullmatch(rule_id):
        raise typer.BadParameter(f"{rule_id} is no rule's ID: `deadlight rules list` tells them", param_hint="RULE_ID")
    return f"{RULES}/{rule_id}"


def _read(file: Path) -> str:
    try:
        return read_rule(file)
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file}: {describe_unread(error)}", param_hint="FILE") from None
