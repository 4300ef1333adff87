"""`deadlight owners` against a running service."""

from pathlib import Path

import yaml
from tests.cli.conftest import Deadlight, found


async def test_the_map_is_written_tried_carried_and_emptied(deadlight: Deadlight, tmp_path: Path) -> None:
    assert "deadlight owners add --help" in (await deadlight("owners", "list")).stderr
    assert (await deadlight("owners", "add", "--team", "Platform")).stdout == "added rule 1\n"
    nobody = await deadlight("owners", "add", "--namespace", "shop-*")
    assert (nobody.exit_code, "names a team" in nobody.stderr) == (1, True)
    shop = ("--namespace", "shop-*", "--team", "Checkout [eu]", "--email", "checkout@example.com")
    added = await found(deadlight, "owners", "add", *shop)
    number = str(added["id"])
    tried = ("test", "--namespace", "shop-eu", "--label", "a=b")
    assert (await found(deadlight, "owners", *tried))["owner"]["team"] == "Platform"
    assert (await deadlight("owners", "move", number, "1")).stdout == f"rule {number} is number 1 now\n"
    shown = (await deadlight("owners", *tried)).stdout
    for text in ("Checkout [eu]", "checkout@example.com", "shop-*", "yes"):
        assert text in shown
    assert (await deadlight("owners", "test", "--label", "wrong")).exit_code == 2
    assert "there is no rule 99" in (await deadlight("owners", "move", "99", "1")).stderr
    listed = (await deadlight("owners", "list")).stdout.splitlines()
    assert ["Checkout [eu]" in listed[1], "Platform" in listed[2]] == [True, True]
    document = tmp_path / "owners.yaml"
    document.write_text((await deadlight("owners", "export")).stdout)
    assert [rule["team"] for rule in yaml.safe_load(document.read_text())["owners"]] == [
        "Checkout [eu]",
        "Platform",
    ]
    assert (await deadlight("owners", "remove", number)).stdout == f"removed rule {number}\n"
    assert (await deadlight("owners", "import", str(document))).stdout == "the owners map has 2 rules\n"
    assert (await deadlight("owners", "import", str(tmp_path / "none"))).exit_code == 2
