"""Settings: each is documented as it is, and a wrong one is named."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from deadlight.server.__main__ import main
from deadlight.server.settings import DENIED_DESTINATIONS, Settings, with_driver

REQUIRED = {"DEADLIGHT_DATABASE_URL": "postgresql://u@h/d", "DEADLIGHT_SECRET_KEY": "k" * 32}
PAGE = Path(__file__).parents[2] / "docs/user/settings.md"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own but what is required."""
    for name in list(os.environ):
        if name.startswith("DEADLIGHT_"):
            monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def shown(default: Any) -> str:
    """A default as the page shows it."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, timedelta):
        return f"`{default.total_seconds():g}`"
    if isinstance(default, tuple):
        return "(see below)"
    return f"`{default}`" if default != "" else "(empty)"


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    rows = re.findall(r"^\| `(DEADLIGHT_\w+)` \| (.+?) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    expected = [
        (
            f"DEADLIGHT_{name.upper()}",
            "(required)" if field.is_required() else shown(field.default),
            (field.description or "").strip(),
        )
        for name, field in Settings.model_fields.items()
    ]
    assert rows == expected


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("INTEGRITY_INTERVAL", "PT10M"),
        ("AGENT_TIMEOUT", "30"),
        ("RELAY_SWEEP", "0.5"),
        ("DENIED_DESTINATIONS", " 10.0.0.0/8, fd00::/8 "),
        ("PORT", "0"),
    ):
        monkeypatch.setenv(f"DEADLIGHT_{name}", value)
    settings = Settings()
    assert settings.integrity_interval == timedelta(minutes=10)
    assert settings.agent_timeout == timedelta(seconds=30)
    assert settings.relay_sweep == timedelta(milliseconds=500)
    assert settings.denied_destinations == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.sqlalchemy_url() == "postgresql+psycopg://u@h/d"


def test_alerts_are_kept_from_loopback_and_metadata_unless_all_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ",".join(map(str, Settings().denied_destinations)) == DENIED_DESTINATIONS
    monkeypatch.setenv("DEADLIGHT_DENIED_DESTINATIONS", "none")
    assert Settings().denied_destinations == ()


WRONG = {
    "DEADLIGHT_SECRET_KEY": "tooshort",
    "DEADLIGHT_PORT": "70000",
    "DEADLIGHT_LOG_FORMAT": "xml",
    "DEADLIGHT_RELAY_SWEEP": "0",
    "DEADLIGHT_AGENT_TIMEOUT": "-5",
    "DEADLIGHT_SESSION_LIFETIME": "soon",
    "DEADLIGHT_DELIVERY_BACKOFF": "inf",
    "DEADLIGHT_INTEGRITY_INTERVAL": "nan",
    "DEADLIGHT_DENIED_DESTINATIONS": "10.0.0.1/8",
    "DEADLIGHT_DELIVERY_ATTEMPTS": "0",
    "DEADLIGHT_SCAN_PROCESSES": "65",
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_value_is_refused_under_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refusal:
        Settings()
    (error,) = refusal.value.errors()
    assert error["loc"] == (name.removeprefix("DEADLIGHT_").lower(),)


def test_the_service_does_not_start_and_says_what_is_wrong_with_which_setting() -> None:
    environment = {**WRONG, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "deadlight.server", "serve"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == os.EX_CONFIG
    complaints = dict(line.split(": ", 1) for line in ended.stderr.splitlines())
    assert complaints.keys() == WRONG.keys() | {"DEADLIGHT_DATABASE_URL"}
    assert complaints["DEADLIGHT_DATABASE_URL"] == "Field required"
    assert "tooshort" not in ended.stderr


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite:///file", "h/d", "", "postgresql:/h"])
def test_only_postgresql_is_a_database(url: str) -> None:
    with pytest.raises(ValueError, match="DEADLIGHT_DATABASE_URL must start with postgresql://"):
        with_driver(url)


def test_secrets_are_not_printed() -> None:
    settings = Settings(smtp_url=SecretStr("smtp://u:s3cret@h"))
    assert "s3cret" not in repr(settings)
    assert "k" * 32 not in repr(settings)


def test_the_service_does_not_start_with_rules_for_secrets_that_it_cannot_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nid = 'broken'\nregex = '('\n")
    monkeypatch.setenv("DEADLIGHT_SECRET_RULES", str(rules))
    monkeypatch.setattr(sys, "argv", ["deadlight server", "migrate"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == os.EX_CONFIG
    assert "DEADLIGHT_SECRET_RULES: " in (said := capsys.readouterr().err)
    assert "broken" in said
