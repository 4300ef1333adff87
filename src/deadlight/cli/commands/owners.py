"""The owners map: who is responsible for what runs."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, plain, print_facts, print_table, show
from deadlight.cli.service import run
from deadlight.client.errors import ClientError
from deadlight.client.rest import RestClient

OWNERS = "/api/v1/owners"
_PATTERNS = ("cluster", "namespace", "repository", "label")
_PEOPLE = ("team", "person", "email", "slack", "on_call")
_EMPTY = "The owners map is empty: `deadlight owners add --help` says how to name somebody."

app = typer.Typer(help="The owners map: who is responsible for what runs.", no_args_is_help=True)


class MapFormat(StrEnum):
    """How the map is written."""

    YAML = "yaml"
    JSON = "json"


class UnknownRuleError(ClientError):
    """An ID that no rule has."""


Pattern = Annotated[str, typer.Option(help="A pattern with * and ?.", show_default="any")]
Id = Annotated[int, typer.Argument(help="A rule's ID, as `deadlight owners list` tells it.")]


@app.command("list")
def list_rules(*, output: Output = Format.TABLE) -> None:
    """List the rules in their order: the first that matches counts.

    Example: deadlight owners list -o yaml
    """
    found = run(lambda client: client.get(OWNERS))
    columns = ("ID", "Cluster", "Namespace", "Repository", "Labels", "Team", "Person", "E-mail", "Slack", "On call")
    show(found, output, lambda: print_table(columns, [_row(item) for item in found], empty=_EMPTY))


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    patterns = (plain(item[name] or "any") for name in _PATTERNS)
    return (str(item["id"]), *patterns, *(plain(item[name]) for name in _PEOPLE))


@app.command()
def add(
    *,
    cluster: Pattern = "",
    namespace: Pattern = "",
    repository: Pattern = "",
    label: Annotated[str, typer.Option(help="Labels of the workload: key=value, several with commas.")] = "",
    team: Annotated[str, typer.Option(help="The team that is responsible.")] = "",
    person: Annotated[str, typer.Option(help="Or the person.")] = "",
    email: Annotated[str, typer.Option(help="An e-mail address.")] = "",
    slack: Annotated[str, typer.Option(help="A Slack channel.")] = "",
    on_call: Annotated[str, typer.Option(help="A page that says who is on call.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Add a rule at the end of the map; it needs a team, a person or an e-mail address.

    Examples:
      deadlight owners add --namespace "shop-*" --team Checkout --email checkout@example.com --slack "#checkout"
      deadlight owners add --team Platform
    """
    rule = {"cluster": cluster, "namespace": namespace, "repository": repository, "label": label, "team": team}
    rule |= {"person": person, "email": email, "slack": slack, "on_call": on_call}
    added = run(lambda client: client.post(OWNERS, rule))
    show(added, output, lambda: typer.echo(f"added rule {added['id']}"))


@app.command()
def remove(rule_id: Id) -> None:
    """Remove a rule.

    Example: deadlight owners remove 7
    """
    run(lambda client: client.request("DELETE", f"{OWNERS}/{rule_id}"))
    typer.echo(f"removed rule {rule_id}")


@app.command()
def move(
    rule_id: Id,
    to: Annotated[int, typer.Argument(min=1, help="Its place from now on; 1 is looked at first.")],
) -> None:
    """Move a rule to another place.

    Example: deadlight owners move 7 1
    """

    async def apply(client: RestClient) -> int:
        ids = [rule["id"] for rule in await client.get(OWNERS)]
        if rule_id not in ids:
            raise UnknownRuleError(f"there is no rule {rule_id}; `deadlight owners list` lists them")
        others = [id_ for id_ in ids if id_ != rule_id]
        place = min(to, len(ids))
        await client.request("PUT", f"{OWNERS}/order", {"ids": [*others[: place - 1], rule_id, *others[place - 1 :]]})
        return place

    typer.echo(f"rule {rule_id} is number {run(apply)} now")


@app.command("test")
def try_map(
    *,
    image: Annotated[str, typer.Option(help="An image: registry.example.com/shop/web:1.2.3.")] = "",
    cluster: Annotated[str, typer.Option(help="The cluster it runs in.")] = "",
    namespace: Annotated[str, typer.Option(help="Its namespace.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="A label of the workload: key=value.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Say who is responsible for something that runs or might run, and which rules were looked at. Changes nothing.

    Example: deadlight owners test --namespace shop-eu --image registry.example.com/shop/web:1.2.3
    """
    pairs = dict(_pair(text) for text in label or [])
    asked = {"image": image, "cluster": cluster, "namespace": namespace, "labels": pairs}
    found = run(lambda client: client.post(f"{OWNERS}/try", asked))
    show(found, output, lambda: _print_trial(found))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r} is no label: write key=value", param_hint="--label")
    return name, value


def _print_trial(found: dict[str, Any]) -> None:
    owner = found["owner"] or {}
    names = {"team": "Team", "person": "Person", "email": "E-mail", "slack": "Slack", "on_call": "On call"}
    facts = [(title, plain(owner.get(name, ""))) for name, title in names.items()]
    print_facts([("Owner", "" if owner else "nobody"), *facts, ("Why", plain(found["explanation"]))])
    print_table(
        ("Rule", "ID", "Matches", "Compared"),
        [
            (
                str(rule["position"]),
                str(rule["id"]),
                "yes" if rule["matches"] else "no",
                plain("; ".join(rule["reasons"])),
            )
            for rule in found["checked"]
        ],
        empty=_EMPTY,
    )


@app.command("export")
def export_map(
    *, written_as: Annotated[MapFormat, typer.Option("--output", "-o", help="How to write it.")] = MapFormat.YAML
) -> None:
    """Print the whole map as a document, to keep it beside the code it is about.

    Example: deadlight owners export > owners.yaml
    """
    document = run(lambda client: client.get(f"{OWNERS}/document", {"form": "json"}))
    show(document, Format(written_as), lambda: None)


@app.command("import")
def import_map(file: Annotated[Path, typer.Argument(help="A YAML or JSON document; - is standard input.")]) -> None:
    """Replace the whole map by a document, or nothing where a rule in it is wrong.

    Example: deadlight owners import owners.yaml
    """
    try:
        content = sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    replaced = run(lambda client: client.request("PUT", f"{OWNERS}/document", {"content": content}))
    typer.echo(f"the owners map has {replaced['rules']} rules")
