"""Commands as an administrator types them, against a running service."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.service import RunningService
from typer.testing import CliRunner, Result

from deadlight.cli.main import app

Deadlight = Callable[..., Awaitable[Result]]
"""Runs a command in a thread of its own, as it runs an event loop of its own."""


@pytest.fixture
def fleet(service: RunningService) -> Fleet:
    """Rows in the service's database."""
    return Fleet(service.services.engine)


@pytest.fixture
def deadlight(service: RunningService) -> Deadlight:
    """Runs a command as the service's administrator."""
    environment = {"DEADLIGHT_URL": service.url, "DEADLIGHT_TOKEN": service.api_token, "COLUMNS": "250"}

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner(env=environment).invoke, app, arguments)

    return run


async def found(deadlight: Deadlight, *arguments: str) -> Any:
    """What a command finds, for programs."""
    result = await deadlight(*arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
