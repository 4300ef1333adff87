"""Running `deadlight scan` where nobody is signed in to anything."""

import asyncio
from pathlib import Path

import pytest
from tests.cli.scanning.running import Scan
from typer.testing import CliRunner, Result

from deadlight.cli.main import app


@pytest.fixture
def alone(tmp_path: Path) -> Scan:
    """Runs it with some arguments."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "none"), "HOME": str(tmp_path), "COLUMNS": "200"}
    environment |= {"DEADLIGHT_URL": "", "DEADLIGHT_TOKEN": "", "DOCKER_CONFIG": str(tmp_path / "none")}

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner(env=environment).invoke, app, ("scan", *arguments))

    return run
