"""The demonstration fleet."""

import typer

from deadlight.cli.service import run


def remove_demonstration() -> None:
    """Remove the demonstration fleet with everything it brought."""
    removed = run(lambda client: client.request("DELETE", "/api/v1/demonstration"))
    typer.echo(
        f"removed {removed['clusters']} clusters, {removed['registries']} registries, {removed['workers']} workers"
    )
