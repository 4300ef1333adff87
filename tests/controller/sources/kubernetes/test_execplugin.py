import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes import execplugin
from deadlight.controller.sources.kubernetes.authentication import Credential
from deadlight.controller.sources.kubernetes.execplugin import ExecCommand, ExecPlugin, parse_exec_credential

VERSION = "client.authentication.k8s.io/v1"
Make = Callable[..., ExecCommand]


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], int]:
    """How often the command ran so far."""
    return lambda: len((tmp_path / "runs").read_text())


@pytest.fixture
def command(tmp_path: Path) -> Make:
    """A command that notes each run and then does what its script says."""

    def make(script: str) -> ExecCommand:
        program = tmp_path / "bin" / "plugin"
        program.parent.mkdir(exist_ok=True)
        note = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')"
        program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{note}\n{script}")
        program.chmod(0o755)
        return ExecCommand(
            api_version=VERSION,
            command="bin/plugin",
            arguments=("--cluster", "east"),
            environment=(("EXTRA", "1"),),
            install_hint="install it",
            directory=tmp_path,
            cluster="https://east.example",
        )

    return make


def answer(expires_at: datetime | None = None) -> str:
    status = {"token": "t"} | ({"expirationTimestamp": expires_at.isoformat()} if expires_at else {})
    return f"print({json.dumps(json.dumps({'kind': 'ExecCredential', 'status': status}))})"


async def test_it_runs_once_for_all_who_ask_and_again_before_its_answer_expires(
    command: Make, runs: Callable[[], int]
) -> None:
    clock = [datetime(2026, 11, 21, tzinfo=UTC)]
    plugin = ExecPlugin(command(answer(clock[0] + timedelta(minutes=10))), now=lambda: clock[0])

    credentials = await asyncio.gather(*(plugin.credential() for _ in range(5)))
    assert credentials == [Credential("t")] * 5
    assert runs() == 1
    clock[0] += timedelta(minutes=9, seconds=45)
    await plugin.credential()

    assert runs() == 2


async def test_an_answer_without_expiry_is_kept_until_it_is_refused(command: Make, runs: Callable[[], int]) -> None:
    plugin = ExecPlugin(command(answer()))
    await plugin.credential()
    await plugin.credential()
    assert runs() == 1
    plugin.refused()
    await plugin.credential()

    assert runs() == 2


async def test_the_command_gets_its_arguments_its_environment_and_the_clusters_address(command: Make) -> None:
    script = """
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert info["spec"] == {"interactive": False, "cluster": {"server": "https://east.example"}}
assert sys.argv[1:] == ["--cluster", "east"] and os.environ["EXTRA"] == "1"
assert sys.stdin.read() == ""
"""
    assert await ExecPlugin(command(script + answer())).credential() == Credential("t")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("sys.exit(3)", "ended with 3"),
        ("print('no json')", "printed no ExecCredential"),
        (r"sys.stdout.buffer.write(b'{\"status\": {\"token\": \"\xff\"}}')", "printed no ExecCredential"),
        ("print('{\"status\": {}}')", "neither a token nor"),
    ],
)
async def test_a_command_that_fails_is_a_clear_error(script: str, told: str, command: Make) -> None:
    with pytest.raises(ConfigurationError, match=told):
        await ExecPlugin(command(script)).credential()


async def test_a_missing_command_says_how_to_install_it() -> None:
    missing = ExecCommand(api_version=VERSION, command="deadlight-no-such-plugin", install_hint="get it from example")

    with pytest.raises(ConfigurationError, match="get it from example"):
        await ExecPlugin(missing).credential()


async def test_a_command_that_hangs_is_ended(command: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execplugin, "SECONDS", 0.2)

    with pytest.raises(ConfigurationError, match="took more than"):
        await ExecPlugin(command("time.sleep(60)")).credential()


def test_a_client_certificate_is_a_credential_too() -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY", "expirationTimestamp": "2026-11-21T00:00:00Z"}

    credential, expires_at = parse_exec_credential(json.dumps({"status": status}).encode())

    assert credential == Credential("", "CERT", "KEY")
    assert expires_at == datetime(2026, 11, 21, tzinfo=UTC)


@given(st.binary(max_size=200))
def test_any_output_is_a_credential_or_an_error_of_ours(output: bytes) -> None:
    with suppress(ConfigurationError):
        parse_exec_credential(output)
