"""Signing in."""

import getpass
from typing import Annotated

import typer

from deadlight.cli.home import Target, remember_target
from deadlight.cli.service import run
from deadlight.client.rest import ApiError, RestClient


def login(
    url: Annotated[str, typer.Argument(help="The service's address, https://...")],
    name: Annotated[str, typer.Option(help="Your account.")] = "admin",
) -> None:
    """Sign in to a service and keep an API token for the commands that follow.

    Example: deadlight login https://deadlight.example.com --name ada
    """
    password = getpass.getpass(f"Password of {name}: ")

    async def sign_in(client: RestClient) -> str:
        session = await client.sign_in(name, password)
        if session["must_change_password"]:
            raise ApiError(
                403, "password_change_required", f"open {url} in a browser and choose your own password first"
            )
        body = {"name": f"deadlight login on {_hostname()}", "role": session["role"], "days": 90}
        created = await client.post("/api/v1/tokens", body)
        return str(created["token"])

    token = run(sign_in, Target(url, ""))
    file = remember_target(Target(url, token))
    typer.echo(f"signed in to {url}; the token is in {file} and good for 90 days")


def _hostname() -> str:
    import socket  # noqa: PLC0415 - only here

    return socket.gethostname()
