"""`deadlight`: the command table."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from deadlight import __version__
from deadlight.cli.commands import (
    advisories,
    blocking,
    clusters,
    connection,
    demonstration,
    detections,
    exceptions,
    feeds,
    funnel,
    images,
    owners,
    registries,
    scan,
    session,
    threat_rules,
    windows,
    workers,
    workloads,
)
from deadlight.cli.embedded_postgres import EmbeddedPostgresError
from deadlight.cli.home import Home
from deadlight.cli.output import advise, plain
from deadlight.cli.processes import MODULES, become
from deadlight.cli.up import Demonstration, UpError, UpOptions, run_up

app = typer.Typer(
    help="Runtime security for containers: prove every running image, know which risks are live, tell who owns them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Commands that print something take -o table, json or yaml. Exit codes: 0 done; 1 refused, not reached or "
    "not found, standard error says why and what to do; 2 wrong usage; 3 `scan --fail-on` found what it names. "
    "Other processes: deadlight server | controller | sensor, each with its own --help.",
)
advisories_app = typer.Typer(help="Advisories: what is known about vulnerabilities.", no_args_is_help=True)
demo = typer.Typer(help="The demonstration fleet.", no_args_is_help=True)

app.command()(session.login)
app.command()(connection.connect)
app.command()(images.images)
app.command()(images.image)
app.command()(workloads.workloads)
app.command()(workloads.processes)
app.command()(clusters.cluster)
app.command()(registries.registries)
app.command()(workers.workers)
app.command()(funnel.funnel)
app.command()(scan.scan)
advisories_app.command("import")(advisories.import_advisories)
advisories_app.command("feeds")(feeds.feeds)
advisories_app.command("refresh")(feeds.refresh)
demo.command("remove")(demonstration.remove_demonstration)
app.add_typer(windows.app, name="windows")
app.add_typer(detections.app, name="detections")
app.add_typer(exceptions.app, name="exceptions")
app.add_typer(threat_rules.app, name="rules")
app.add_typer(blocking.app, name="blocking")
app.add_typer(owners.app, name="owners")
app.add_typer(advisories_app, name="advisories")
app.add_typer(demo, name="demo")
app.add_typer(clusters.clusters, name="clusters")
app.add_typer(clusters.tokens, name="tokens")


@app.command()
def up(
    *,
    home: Annotated[Path | None, typer.Option(help="Data folder.", show_default="$DEADLIGHT_HOME")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the console and API; 0: a free one.")] = 8480,
    context: Annotated[str, typer.Option(help="Kube context to attach to.", show_default="the current one")] = "",
    cluster: Annotated[bool, typer.Option(help="Attach a controller to the cluster in reach.")] = True,
    with_demo: Annotated[bool, typer.Option("--demo", help="Bring the demonstration fleet.")] = False,
    demo_without_cluster: Annotated[
        bool, typer.Option("--demo-without-cluster", help="Bring it if no cluster is in reach.")
    ] = False,
) -> None:
    """Run all of Deadlight on this machine until Ctrl-C.

    Starts an embedded PostgreSQL (or uses $DEADLIGHT_DATABASE_URL), the service, and a read-only controller for the
    cluster of your current kube context where one is in reach.

    Examples: deadlight up | deadlight up --demo | deadlight up --context staging --port 9000
    """
    wanted = Demonstration.WITHOUT_CLUSTER if demo_without_cluster else Demonstration.NEVER
    options = UpOptions(
        home=Home(home.absolute()) if home else Home.default(),
        host=host,
        port=port,
        kube_context=context,
        attach_cluster=cluster,
        demonstration=Demonstration.ALWAYS if with_demo else wanted,
    )
    try:
        asyncio.run(run_up(options))
    except* (UpError, EmbeddedPostgresError) as group:
        for error in group.exceptions:
            advise(f"[red]error:[/] {plain(error)}")
        raise typer.Exit(1) from None


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run a command; `deadlight server`, `controller` and `sensor` become those processes."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in MODULES and name != "demo":
        become(name, sys.argv[2:])
    app()


if __name__ == "__main__":
    main()
