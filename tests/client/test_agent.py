"""The agents' client against a service that misbehaves as networks and databases do."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.client.model_service import Fault, ModelService
from tests.client.waiting import until

from deadlight.client.agent import AgentClient
from deadlight.client.backoff import Backoff
from deadlight.client.credential_process import Token
from deadlight.client.errors import ClientError, IdentityRefusedError, InsecureServerError, RejectedError
from deadlight.model import wire
from deadlight.model.observation import Grade

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HASTE = Backoff(base=0.001, cap=0.002)


class Tokens:
    """Stands in for the credentials process: tokens that the service accepts, or does not."""

    def __init__(self, service: ModelService) -> None:
        self.service = service
        self.fetched = 0
        self.refused = False

    async def __call__(self) -> Token:
        if self.refused:
            raise IdentityRefusedError("revoked", "enrol again")
        self.fetched += 1
        token = f"token-{self.fetched}"
        self.service.access_tokens.add(token)
        expires_at = datetime.now(UTC) + timedelta(minutes=15)
        return Token(access_token=token, expires_at=expires_at, agent_id="a", cluster_id="c")


@pytest.fixture
def tokens(service: ModelService) -> Tokens:
    return Tokens(service)


@pytest.fixture
async def client(service: ModelService, tokens: Tokens) -> AsyncIterator[AgentClient]:
    async with AgentClient(service.url, tokens, backoff=HASTE) as agent:
        yield agent


def batch(batch_id: str = "b1", namespaces: int = 1) -> wire.InventoryBatch:
    return wire.InventoryBatch(
        batch_id=batch_id,
        cluster=wire.ClusterRecord(uid="c", name="east"),
        namespaces=tuple(namespace(number) for number in range(namespaces)),
    )


def namespace(number: int) -> wire.NamespaceRecord:
    record = wire.NamespaceRecord(uid=f"u{number}", name=f"namespace-{number}", hash=0)
    return msgspec.structs.replace(record, hash=wire.content_hash(record))


async def test_a_batch_is_acknowledged_and_held(client: AgentClient, service: ModelService) -> None:
    acknowledged = await client.send_inventory(batch())

    assert acknowledged.batch_id == "b1"
    assert set(service.held["namespace"]) == {"u0"}
    assert client.retries == 0


async def test_only_bodies_worth_it_are_compressed(client: AgentClient, service: ModelService) -> None:
    await client.send_inventory(batch("small"))
    await client.send_inventory(batch("large", namespaces=100))

    assert service.encodings == ["", "gzip"]
    assert len(service.held["namespace"]) == 100


async def test_observations_and_heartbeats_arrive(client: AgentClient, service: ModelService) -> None:
    observation = wire.Observation(
        container_id="c1", grade=Grade.EXECUTED, path="/bin/sh", first_at=NOW, last_at=NOW, arguments=("sh", "-c")
    )
    sent = wire.ObservationBatch(batch_id="o1", node="n1", observations=(observation,))

    acknowledged = await client.send_observations(sent)
    await client.heartbeat(wire.Heartbeat(version="1", started_at=NOW, problems=("trouble",)))

    assert acknowledged == wire.ObservationAck(batch_id="o1")
    assert service.observations == [sent]
    assert service.heartbeats[0].problems == ("trouble",)


@pytest.mark.parametrize(
    "fault", [Fault.UNAVAILABLE, Fault.BUSY, Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.GARBAGE], ids=str
)
async def test_what_time_may_heal_is_tried_again_until_the_service_has_it_once(
    fault: Fault, client: AgentClient, service: ModelService
) -> None:
    service.faults.extend([fault, fault])

    assert (await client.send_inventory(batch())).batch_id == "b1"

    assert [taken.batch_id for taken in service.batches] == ["b1"]
    assert client.retries == 2


async def test_what_the_service_will_never_take_is_not_repeated(client: AgentClient, service: ModelService) -> None:
    service.faults.append(Fault.REFUSED)

    with pytest.raises(RejectedError, match="made to answer 422") as rejected:
        await client.send_inventory(batch())

    assert rejected.value.status == 422
    assert client.retries == 0
    assert service.batches == []


@pytest.mark.req("R21")
async def test_a_token_the_service_no_longer_knows_is_replaced(
    client: AgentClient, service: ModelService, tokens: Tokens
) -> None:
    await client.send_inventory(batch("b1"))
    service.access_tokens.clear()
    await client.send_inventory(batch("b2"))

    assert tokens.fetched == 2
    assert [taken.batch_id for taken in service.batches] == ["b1", "b2"]


@pytest.mark.req("R21")
async def test_a_refused_identity_ends_the_attempts(client: AgentClient, service: ModelService, tokens: Tokens) -> None:
    await client.send_inventory(batch("b1"))
    service.access_tokens.clear()
    tokens.refused = True

    with pytest.raises(IdentityRefusedError, match="revoked"):
        await client.send_inventory(batch("b2"))

    assert len(service.batches) == 1


async def test_it_waits_for_a_service_that_is_not_there_and_can_be_cancelled(
    client: AgentClient, service: ModelService
) -> None:
    await service.stop()
    sending = asyncio.create_task(client.send_inventory(batch()))
    await until(lambda: client.retries >= 3)

    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_an_acknowledgement_of_another_batch_counts_for_nothing(
    client: AgentClient, service: ModelService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service._acknowledged["b1"] = wire.InventoryAck(batch_id="b0")
    sending = asyncio.create_task(client.send_inventory(batch()))
    await until(lambda: client.retries >= 2)
    service._acknowledged.clear()

    assert (await sending).batch_id == "b1"


@pytest.mark.req("R21")
async def test_nothing_is_sent_to_a_server_whose_certificate_nobody_vouches_for(
    secure_service: ModelService, ca_file: Path
) -> None:
    tokens = Tokens(secure_service)
    async with AgentClient(secure_service.url, tokens, backoff=HASTE) as suspicious:
        sending = asyncio.create_task(suspicious.send_inventory(batch()))
        await until(lambda: suspicious.retries >= 2)
        sending.cancel()
        await asyncio.wait([sending])
    assert secure_service.encodings == []

    async with AgentClient(secure_service.url, tokens, ca_file=ca_file, backoff=HASTE) as trusting:
        assert (await trusting.send_inventory(batch())).batch_id == "b1"


@pytest.mark.req("R21")
def test_an_unsafe_address_or_unreadable_authority_is_refused_at_once(service: ModelService, tokens: Tokens) -> None:
    with pytest.raises(InsecureServerError):
        AgentClient("http://deadlight.example", tokens)
    with pytest.raises(ClientError, match="/nonexistent"):
        AgentClient("https://deadlight.example", tokens, ca_file=Path("/nonexistent"))


async def test_it_says_when_it_is_used_outside_of_its_block(service: ModelService, tokens: Tokens) -> None:
    with pytest.raises(ClientError, match="async with"):
        await AgentClient(service.url, tokens).send_inventory(batch())


def test_importing_it_loads_no_more_than_the_agents_can_afford() -> None:
    heavy = ["cryptography", "typer", "rich", "numpy", "yaml", "sqlalchemy", "fastapi", "pydantic", "aiohttp.web"]
    script = f"import sys, deadlight.client.agent; print([m for m in {heavy} if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert found.strip() == "[]"
