"""Asking the service that commands talk to."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import typer

from deadlight.advisories.errors import AdvisoryError
from deadlight.cli.home import NoTargetError, Target, find_target
from deadlight.cli.output import advise, plain
from deadlight.client.errors import ClientError
from deadlight.client.rest import ApiError, RestClient

SIGN_IN = ": sign in again with `deadlight login URL`, or set DEADLIGHT_URL and DEADLIGHT_TOKEN"

T = TypeVar("T")


def run(work: Callable[[RestClient], Awaitable[T]], target: Target | None = None) -> T:
    """Do something with the service that commands talk to; a problem ends the command with advice and exit code 1."""

    async def connected() -> T:
        chosen = target or find_target()
        async with RestClient(chosen.url, chosen.token) as client:
            return await work(client)

    try:
        return asyncio.run(connected())
    except (ClientError, NoTargetError, AdvisoryError) as error:
        is_refused = target is None and isinstance(error, ApiError) and error.status == HTTPStatus.UNAUTHORIZED
        advise(f"[red]error:[/] {plain(error)}{SIGN_IN if is_refused else ''}")
        raise typer.Exit(1) from None
