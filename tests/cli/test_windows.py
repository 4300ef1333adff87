"""`deadlight windows` against a running service."""

import asyncio
import json
from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.service import RunningService
from typer.testing import CliRunner

from deadlight.cli.main import app


async def deadlight(*arguments: str) -> Any:
    """A command in a thread of its own, as it runs an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["windows", *arguments])


async def test_windows_are_listed_acknowledged_and_suppressed(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADLIGHT_URL", service.url)
    monkeypatch.setenv("DEADLIGHT_TOKEN", service.api_token)
    monkeypatch.setenv("COLUMNS", "250")
    fleet = Fleet(service.services.engine)
    assert "No exposure window matches" in (await deadlight("--open")).stderr
    await fleet.deploy(await fleet.add_image_tag())
    await service.settle()  # nobody has added its registry
    (window,) = json.loads((await deadlight("--open", "-o", "json")).stdout)
    number = str(window["id"])
    listed = (await deadlight("--risk", "untrusted_registry", "--cluster", "test")).stdout
    for text in (number, "open", "untrusted_registry", "test/shop/web", "1.0.0"):
        assert text in listed
    assert (await deadlight("ack", number, "--note", "mine")).stdout == f"window {number} is acknowledged\n"
    refused = await deadlight("ack", number)
    assert (refused.exit_code, "admin has acknowledged it already" in refused.stderr) == (1, True)
    assert "is open" in (await deadlight("ack", number, "--undo")).stdout
    assert "Missing option" in (await deadlight("suppress", number, "--until", "2026-12-31")).stderr
    (day,) = await fleet.rows("SELECT CAST(now() AS date) AS today")
    said = await deadlight("suppress", number, "--reason", "accepted", "--until", str(day.today))
    assert said.stdout == f"window {number} is suppressed\n"
    assert (await deadlight("unsuppress", number)).stdout == f"window {number} is open\n"
