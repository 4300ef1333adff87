"""`deadlight owners` against a running service."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.service import running_service, service_settings
from typer.testing import CliRunner

from deadlight.cli.main import app


async def deadlight(*arguments: str) -> Any:
    """A command in a thread of its own, as it runs an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["owners", *arguments])


async def test_the_map_is_written_tried_carried_and_emptied(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with running_service(service_settings(database_url), background=False) as service:
        monkeypatch.setenv("DEADLIGHT_URL", service.url)
        monkeypatch.setenv("DEADLIGHT_TOKEN", service.api_token)
        monkeypatch.setenv("COLUMNS", "250")
        assert "deadlight owners add --help" in (await deadlight("list")).stderr
        assert (await deadlight("add", "--team", "Platform")).stdout == "added rule 1\n"
        nobody = await deadlight("add", "--namespace", "shop-*")
        assert (nobody.exit_code, "names a team" in nobody.stderr) == (1, True)
        shop = ("--namespace", "shop-*", "--team", "Checkout [eu]", "--email", "checkout@example.com")
        added = json.loads((await deadlight("add", *shop, "-o", "json")).stdout)
        number = str(added["id"])
        tried = ("test", "--namespace", "shop-eu", "--label", "a=b")
        assert json.loads((await deadlight(*tried, "-o", "json")).stdout)["owner"]["team"] == "Platform"
        assert (await deadlight("move", number, "1")).stdout == f"rule {number} is number 1 now\n"
        shown = (await deadlight(*tried)).stdout
        for text in ("Checkout [eu]", "checkout@example.com", "shop-*", "yes"):
            assert text in shown
        assert (await deadlight("test", "--label", "wrong")).exit_code == 2
        assert "there is no rule 99" in (await deadlight("move", "99", "1")).stderr
        listed = (await deadlight("list")).stdout.splitlines()
        assert ["Checkout [eu]" in listed[1], "Platform" in listed[2]] == [True, True]
        document = tmp_path / "owners.yaml"
        document.write_text((await deadlight("export")).stdout)
        assert [rule["team"] for rule in yaml.safe_load(document.read_text())["owners"]] == [
            "Checkout [eu]",
            "Platform",
        ]
        assert (await deadlight("remove", number)).stdout == f"removed rule {number}\n"
        assert (await deadlight("import", str(document))).stdout == "the owners map has 2 rules\n"
        assert (await deadlight("import", str(tmp_path / "none"))).exit_code == 2
