"""The demonstration fleet."""

import typer

from deadlight.cli.service import run

_NOUNS = (("clusters", "cluster"), ("registries", "registry"), ("workers", "worker"))
"""What is told of, as the service counts it and as one of it is called."""


def remove_demonstration() -> None:
    """Remove the demonstration fleet with everything it brought."""
    removed = run(lambda client: client.request("DELETE", "/api/v1/demonstration"))
    counts = (f"{removed[many]} {one if removed[many] == 1 else many}" for many, one in _NOUNS)
    typer.echo(f"removed {', '.join(counts)}")
