"""`deadlight rules check`, which needs no service."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deadlight.cli.main import app
from deadlight.threats.engine import RULES

OWN = (RULES / "tunnel.toml").read_text()


def deadlight(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["rules", "check", *map(str, arguments)])


def test_a_rule_of_ones_own_is_held_to_its_samples(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(OWN)
    bad.write_text(OWN.replace("matches = false", "matches = true"))
    passed = deadlight(good)
    assert (passed.exit_code, "a remote command" in passed.stdout) == (0, True)
    failed = deadlight(good, bad)
    assert (failed.exit_code, failed.stdout.count("it does not")) == (1, 2)
    results = json.loads(deadlight(good, bad, "-o", "json").stdout)
    assert [result["passed"] for result in results] == [True, False]


def test_a_rule_may_come_from_standard_input() -> None:
    assert CliRunner().invoke(app, ["rules", "check", "-"], input=OWN).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id = ", "not TOML"),
        (b"\xff", "no text in UTF-8"),
        (b"#" * 70_000, "at most 65536 bytes"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_rule_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "rule.toml"
    if content is not None:
        file.write_bytes(content)
    refused = deadlight(file)
    assert (refused.exit_code, said in refused.stderr, "samples" in refused.stderr) == (1, True, False)


def test_a_rule_without_samples_is_told_to_have_some(tmp_path: Path) -> None:
    file = tmp_path / "rule.toml"
    file.write_text(OWN.partition("[[sample]]")[0])
    assert "add [[sample]] tables" in deadlight(file).stderr
