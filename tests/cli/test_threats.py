"""`deadlight threats`, which needs no service."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deadlight.cli.main import app
from deadlight.threats.engine import RULES

OWN = (RULES / "tunnel.toml").read_text()


def deadlight(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["threats", *map(str, arguments)])


def test_rules_are_listed_the_worst_first_and_by_severity_or_technique() -> None:
    listed = json.loads(deadlight("list", "-o", "json").stdout)
    assert len(listed) == len(list(RULES.glob("*.toml")))
    assert [listed[0]["severity"], listed[-1]["severity"]] == ["Critical", "Low"]
    critical = deadlight("list", "--severity", "critical").stdout
    assert ("reverse-shell" in critical, "package-manager" in critical) == (True, False)
    assert "nsenter" in deadlight("list", "--technique", "T1611").stdout
    assert "terminal-shell" in deadlight("list", "--technique", "T1059").stdout
    assert "No rule matches" in deadlight("list", "--technique", "T9999").stderr


def test_a_rule_is_shown_with_what_to_do_or_as_its_file() -> None:
    shown = deadlight("show", "reverse-shell").stdout
    for text in ("Critical", "T1059.004", "Isolate the pod at once", "matches: the classic of bash", "process.command"):
        assert text in shown
    assert json.loads(deadlight("show", "mount", "-o", "json").stdout)["samples"][0]["matches"] is True
    assert deadlight("show", "tunnel", "--source").stdout == OWN
    missing = deadlight("show", "none")
    assert (missing.exit_code, "no rule is called none" in missing.stderr) == (1, True)


def test_a_rule_of_ones_own_is_held_to_its_samples(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(OWN)
    bad.write_text(OWN.replace("matches = false", "matches = true"))
    passed = deadlight("test", good)
    assert (passed.exit_code, "a remote command" in passed.stdout) == (0, True)
    failed = deadlight("test", good, bad)
    assert (failed.exit_code, failed.stdout.count("it does not")) == (1, 2)
    results = json.loads(deadlight("test", good, bad, "-o", "json").stdout)
    assert [result["passed"] for result in results] == [True, False]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"id = ", "not TOML"), (b"\xff", "utf-8"), (b"#" * 70_000, "at most 65536 bytes"), (None, "No such file")],
)
def test_a_file_that_is_no_rule_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "rule.toml"
    if content is not None:
        file.write_bytes(content)
    refused = deadlight("test", file)
    assert (refused.exit_code, said in refused.stderr) == (1, True)
