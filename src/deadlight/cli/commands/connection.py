"""Connecting clusters."""

from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, advise, plain, show
from deadlight.cli.service import run


def connect(
    name: Annotated[str, typer.Option(help="The cluster's name in Deadlight.")] = "my-cluster",
    *,
    namespace: Annotated[str, typer.Option(help="The namespace of the agents.")] = "deadlight",
    provider: Annotated[str, typer.Option(help="kubernetes or openshift.")] = "kubernetes",
    controller_only: Annotated[bool, typer.Option("--controller-only", help="Without sensors on the nodes.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show how to connect a real cluster, with a fresh registration token that is good for it.

    Example: deadlight connect --name production
    """
    installation = "controller_only" if controller_only else "controller_and_sensors"
    body = {"cluster_name": name, "namespace": namespace, "provider": provider, "installation": installation}
    plan = run(lambda client: client.post("/api/v1/clusters/installation", body))
    show({"server": plan["server_url"], **plan}, output, lambda: _print_plan(plan))


def _print_plan(plan: dict[str, Any]) -> None:
    if plan["warning"]:
        advise(f"[yellow]{plain(plan['warning'])}[/]")
    for step in (plan["from_this_machine"], *plan["steps"]):
        typer.echo(f"# {step['title']}. {step['note']}".rstrip() + f"\n{step['command']}\n")
