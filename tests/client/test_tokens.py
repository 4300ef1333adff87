import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.client.model_service import REGISTRATION_TOKEN, ModelService
from tests.client.waiting import until

from deadlight.client.credential_process import Identity, Token
from deadlight.client.errors import IdentityRefusedError, TokenUnavailableError
from deadlight.client.tokens import TokenHolder, fetch_token

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Issuer:
    """Hands out tokens that last so long, and counts them."""

    def __init__(self, lasting: timedelta) -> None:
        self.lasting = lasting
        self.issued = 0

    async def __call__(self) -> Token:
        await asyncio.sleep(0)
        self.issued += 1
        expires_at = NOW + self.lasting
        return Token(access_token=str(self.issued), expires_at=expires_at, agent_id="a", cluster_id="c")


async def test_however_many_ask_one_token_is_fetched() -> None:
    issuer = Issuer(timedelta(minutes=15))
    holder = TokenHolder(issuer, now=lambda: NOW)

    tokens = await asyncio.gather(*(holder.get() for _ in range(20)))

    assert issuer.issued == 1
    assert len({token.access_token for token in tokens}) == 1


async def test_a_token_about_to_expire_is_replaced_before_it_does() -> None:
    issuer = Issuer(timedelta(seconds=61))
    clock = [NOW]
    holder = TokenHolder(issuer, now=lambda: clock[0])

    await holder.get()
    await holder.get()
    assert issuer.issued == 1
    clock[0] += timedelta(seconds=2)
    await holder.get()
    assert issuer.issued == 2


async def test_a_refused_token_is_forgotten_but_not_its_successor() -> None:
    issuer = Issuer(timedelta(minutes=15))
    holder = TokenHolder(issuer, now=lambda: NOW)
    old = await holder.get()

    holder.discard(old)
    new = await holder.get()
    holder.discard(old)

    assert await holder.get() is new
    assert issuer.issued == 2


def identity(service: ModelService, state: Path, token_file: Path | None) -> Identity:
    return Identity(
        server=service.url,
        state=state,
        kind="sensor",
        cluster_uid="uid",
        cluster_name="east",
        node="node-1",
        registration_token_file=token_file,
        demonstration=True,
    )


@pytest.mark.req("R21")
async def test_the_child_process_enrols_and_brings_a_token(service: ModelService, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(REGISTRATION_TOKEN)

    token = await fetch_token(identity(service, tmp_path / "state", token_file))

    assert token.access_token in service.access_tokens
    assert token.expires_at > datetime.now(UTC)
    [enrolment] = service.enrolments
    assert (enrolment.kind, enrolment.node_name, enrolment.demonstration) == ("sensor", "node-1", True)


@pytest.mark.req("R21")
async def test_a_refusal_and_an_outage_are_told_apart(service: ModelService, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("guessed")

    with pytest.raises(IdentityRefusedError) as refused:
        await fetch_token(identity(service, tmp_path / "state", token_file))
    await service.stop()
    with pytest.raises(TokenUnavailableError):
        await fetch_token(identity(service, tmp_path / "state", token_file))

    assert "registration token" in refused.value.advice


async def test_a_cancelled_fetch_leaves_no_process_behind(service: ModelService, tmp_path: Path) -> None:
    fetching = asyncio.create_task(fetch_token(identity(service, tmp_path / "state", None)))
    await until(lambda: bool(processes_naming(tmp_path)))

    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching

    assert processes_naming(tmp_path) == []


def processes_naming(path: Path) -> list[Path]:
    """Our own running children whose command line names `path`."""
    children = "".join(file.read_text() for file in Path("/proc/self/task").glob("*/children")).split()
    commands = [Path(f"/proc/{pid}/cmdline") for pid in children]
    return [file for file in commands if file.exists() and str(path).encode() in file.read_bytes()]
