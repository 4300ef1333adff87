"""The child process that holds the key; run in a thread where the process itself is not the point."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from tests.client.model_service import REGISTRATION_TOKEN, ModelService

from deadlight.client import credentials
from deadlight.client.credentials import TOKEN_VARIABLE
from deadlight.client.errors import CredentialsError, ExitCode


@pytest.fixture
def registration_token_file(tmp_path: Path) -> Path:
    path = tmp_path / "registration-token"
    path.write_text(f"{REGISTRATION_TOKEN}\n")
    return path


def arguments(server: str, state: Path, *more: str) -> list[str]:
    cluster = ["--kind", "controller", "--cluster-uid", "uid-1", "--cluster-name", "east"]
    return ["--server", server, "--state", str(state), *cluster, *more]


async def obtain(*given_arguments: str) -> dict[str, str]:
    return await asyncio.to_thread(credentials.obtain, credentials._options(given_arguments))


@pytest.mark.req("R21", "M14")
async def test_the_first_run_enrols_and_later_runs_only_prove_the_key(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    base = arguments(service.url, tmp_path / "state")

    first = await obtain(*base, "--registration-token-file", str(registration_token_file), "--demonstration")
    second = await obtain(*base)

    assert first["agent_id"] == second["agent_id"]
    assert first["cluster_id"] == "cluster-uid-1"
    assert first["access_token"] != second["access_token"]
    assert {first["access_token"], second["access_token"]} == service.access_tokens
    [enrolment] = service.enrolments
    assert (enrolment.kind, enrolment.cluster_uid, enrolment.cluster_name) == ("controller", "uid-1", "east")
    assert enrolment.demonstration


@pytest.mark.req("R21")
async def test_the_private_key_is_readable_by_its_owner_only_and_never_sent(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    base = arguments(service.url, tmp_path / "state", "--registration-token-file", str(registration_token_file))
    await obtain(*base)

    path = tmp_path / "state" / "controller.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["controller.json"]
    assert json.loads(path.read_text())["private_key"] != service.enrolments[0].public_key


async def test_an_enrolment_whose_answer_got_lost_is_repeated_with_the_same_key(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    state = tmp_path / "state"
    with pytest.raises(CredentialsError) as lost:
        await obtain(*arguments("http://127.0.0.1:9", state, "--registration-token-file", str(registration_token_file)))
    key = json.loads((state / "controller.json").read_text())["private_key"]

    await obtain(*arguments(service.url, state, "--registration-token-file", str(registration_token_file)))

    assert lost.value.code is ExitCode.UNAVAILABLE
    assert json.loads((state / "controller.json").read_text())["private_key"] == key


@pytest.mark.req("R21")
async def test_an_unknown_registration_token_is_refused_with_advice(
    service: ModelService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "guessed")

    with pytest.raises(CredentialsError, match="unknown registration token") as refused:
        await obtain(*arguments(service.url, tmp_path / "state"))

    assert refused.value.code is ExitCode.REFUSED
    assert "registration token" in refused.value.advice
    assert service.enrolments == []


@pytest.mark.req("R21")
async def test_a_revoked_identity_says_so_and_how_to_enrol_again(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    base = arguments(service.url, tmp_path / "state", "--registration-token-file", str(registration_token_file))
    await obtain(*base)
    service.revoked = True

    with pytest.raises(CredentialsError, match="revoked") as refused:
        await obtain(*base)

    assert refused.value.code is ExitCode.REFUSED
    assert "controller.json" in refused.value.advice
    assert len(service.enrolments) == 1, "a revoked agent must not enrol itself again"


async def test_without_any_registration_token_the_advice_is_to_give_one(
    service: ModelService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)

    with pytest.raises(CredentialsError) as missing:
        await obtain(*arguments(service.url, tmp_path / "state"))
    with pytest.raises(CredentialsError) as unreadable:
        await obtain(*arguments(service.url, tmp_path / "state", "--registration-token-file", str(tmp_path / "none")))

    assert missing.value.code is unreadable.value.code is ExitCode.UNUSABLE
    assert TOKEN_VARIABLE in missing.value.advice


async def test_the_identity_of_one_cluster_is_not_used_for_another(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    base = arguments(service.url, tmp_path / "state", "--registration-token-file", str(registration_token_file))
    await obtain(*base)

    with pytest.raises(CredentialsError, match="identity of another agent") as mixed:
        await obtain(*base, "--cluster-uid", "uid-2")

    assert mixed.value.code is ExitCode.UNUSABLE


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"private_key": "AAAA", "cluster_uid": "uid-1", "node": ""}'])
async def test_a_damaged_state_is_an_error_and_stays_untouched(
    content: bytes, service: ModelService, tmp_path: Path
) -> None:
    path = tmp_path / "controller.json"
    path.write_bytes(content)

    with pytest.raises(CredentialsError) as damaged:
        await obtain(*arguments(service.url, tmp_path))

    assert damaged.value.code is ExitCode.UNUSABLE
    assert path.read_bytes() == content


async def test_a_state_directory_that_cannot_be_written_is_an_error(service: ModelService, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CredentialsError) as unusable:
        await obtain(*arguments(service.url, tmp_path / "file" / "state"))

    assert unusable.value.code is ExitCode.UNUSABLE


@pytest.mark.req("R21")
async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    secure_service: ModelService, tmp_path: Path, registration_token_file: Path, ca_file: Path
) -> None:
    base = arguments(secure_service.url, tmp_path / "s", "--registration-token-file", str(registration_token_file))

    with pytest.raises(CredentialsError, match="CERTIFICATE_VERIFY_FAILED") as untrusted:
        await obtain(*base)
    assert untrusted.value.code is ExitCode.UNAVAILABLE
    assert secure_service.enrolments == []

    assert (await obtain(*base, "--ca-file", str(ca_file)))["access_token"]


@pytest.mark.req("R21")
@pytest.mark.parametrize(("option", "value"), [("--server", "http://deadlight.example"), ("--ca-file", "/nonexistent")])
async def test_an_unsafe_address_or_missing_authority_is_unusable(
    option: str, value: str, service: ModelService, tmp_path: Path
) -> None:
    with pytest.raises(CredentialsError) as unusable:
        await obtain(*arguments(service.url, tmp_path), option, value)

    assert unusable.value.code is ExitCode.UNUSABLE


@pytest.mark.req("R21")
async def test_a_redirect_is_not_followed_with_a_secret(
    service: ModelService, tmp_path: Path, registration_token_file: Path
) -> None:
    application = web.Application()

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(service.url + request.path)

    application.router.add_post("/{path:.*}", elsewhere)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        server = f"http://127.0.0.1:{runner.addresses[0][1]}"
        base = arguments(server, tmp_path / "s", "--registration-token-file", str(registration_token_file))
        with pytest.raises(CredentialsError, match="307"):
            await obtain(*base)
    finally:
        await runner.cleanup()
    assert service.enrolments == []


async def test_the_process_prints_one_json_line_and_an_exit_code(service: ModelService, tmp_path: Path) -> None:
    def run(token: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deadlight.client.credentials", *arguments(service.url, tmp_path / token)]
        environment = {**os.environ, TOKEN_VARIABLE: token}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    good = await asyncio.to_thread(run, REGISTRATION_TOKEN)
    bad = await asyncio.to_thread(run, "guessed")

    assert good.returncode == ExitCode.OK
    assert set(json.loads(good.stdout)) == {"access_token", "expires_at", "agent_id", "cluster_id"}
    assert bad.returncode == ExitCode.REFUSED
    assert set(json.loads(bad.stdout)) == {"error", "advice"}
    assert good.stdout.count("\n") == bad.stdout.count("\n") == 1
