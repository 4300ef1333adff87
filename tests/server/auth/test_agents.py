"""Agents prove who they are, speak for one cluster, and stop being believed the moment somebody says so."""

import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import text
from tests.support.inventory import batch, node
from tests.support.service import RunningService, sign_assertion

from deadlight.model import wire
from deadlight.server.auth.agents import issue_access_token, verify_access_token
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.errors import UnauthorizedError
from deadlight.server.secrets import derive_key

ENROL, TOKEN, HEARTBEAT, INVENTORY = (f"/agent/v1/{name}" for name in ("enrol", "token", "heartbeat", "inventory"))
KEY = derive_key("a secret key that is long enough to be one", "agent tokens")
PRINCIPAL = AgentPrincipal(uuid4(), uuid4(), AgentKind.SENSOR, "node-1")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


UNSIGNED = encoded(b'{"alg":"none"}')
UNENCODED = encoded(b'{"alg":"EdDSA","crit":["b64"],"b64":false}')
DEEP = encoded(b"[" * 2000)


class Stranger:
    """Somebody with a key, who is not enrolled yet."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.key = Ed25519PrivateKey.generate()
        self.agent_id = ""

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
        url = f"{self.service.url}{path}"
        async with self.service.http.post(url, json=body, headers=headers) as response:
            raw = await response.read()
            return response.status, msgspec.json.decode(raw) if raw else None

    async def enrol(self, **more: Any) -> tuple[int, Any]:
        """As a controller of the cluster `test`, unless told otherwise."""
        body = {
            "registration_token": self.service.registration_token,
            "public_key": encoded(self.key.public_key().public_bytes_raw()),
            "kind": "controller",
            "cluster_uid": "uid-test",
            "cluster_name": "test",
        }
        status, answer = await self.post(ENROL, body | more)
        self.agent_id = answer.get("agent_id", self.agent_id)
        return status, answer

    async def ask_for_token(self, assertion: str | None = None, **claims: Any) -> tuple[int, Any]:
        """With an assertion of its own, unless another one is given."""
        return await self.post(TOKEN, {"assertion": assertion or sign_assertion(self.key, self.agent_id, **claims)})


async def change(service: RunningService, statement: str) -> None:
    async with service.services.engine.begin() as connection:
        await connection.execute(text(statement))


@pytest.fixture
def stranger(service: RunningService) -> Stranger:
    return Stranger(service)


@pytest.fixture
async def agent(stranger: Stranger) -> Stranger:
    """Enrolled."""
    assert (await stranger.enrol())[0] == 200
    return stranger


# --- enrolment -------------------------------------------------------------------------------------------


@pytest.mark.req("M14", "R21")
async def test_the_first_agent_of_a_cluster_brings_the_cluster(service: RunningService, stranger: Stranger) -> None:
    status, enrolled = await stranger.enrol(cluster_name="production", version="1.2")
    assert status == 200
    clusters = await service.post("/runtime/api/v1/clusters", {})
    (listed,) = clusters["clusters"]
    assert (listed["id"], listed["name"], listed["controller_status"]) == (
        enrolled["cluster_id"],
        "production",
        "stopped",
    )
    status, answer = await stranger.ask_for_token()
    assert (status, answer["expires_in"]) == (200, 900)
    beat = {"version": "1.2", "started_at": "2026-11-01T12:00:00Z"}
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await stranger.post(HEARTBEAT, beat, **headers))[0] == 204
    (listed,) = (await service.post("/runtime/api/v1/clusters", {}))["clusters"]
    assert (listed["controller_status"], listed["controller_version"]) == ("running", "1.2")


async def test_enrolling_again_with_the_same_key_is_the_same_agent(service: RunningService, stranger: Stranger) -> None:
    assert await stranger.enrol() == await stranger.enrol(version="2")
    (row,) = await service.rows("SELECT version FROM agent")
    assert row.version == "2"


@pytest.mark.req("R21")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registration_token SET expires_at = now()",
        "UPDATE registration_token SET revoked_at = now()",
        "DELETE FROM registration_token",
    ],
)
async def test_a_registration_token_that_is_over_enrols_nobody(
    service: RunningService, stranger: Stranger, statement: str
) -> None:
    await change(service, statement)
    status, answer = await stranger.enrol()
    assert (status, answer["code"]) == (401, "unauthorized")
    assert service.registration_token not in answer["message"]
    assert await service.rows("SELECT * FROM cluster") == []


@pytest.mark.req("R21")
async def test_an_enrolment_that_is_not_one_is_refused_with_the_reason(
    service: RunningService, stranger: Stranger
) -> None:
    small_order = encoded(bytes(31))
    for wrong, status, reason in (
        ({"registration_token": "dlr_wrong"}, 401, "registration token"),
        ({"registration_token": ""}, 401, "registration token"),
        ({"public_key": "no key"}, 400, "Ed25519"),
        ({"public_key": small_order}, 400, "Ed25519"),
        ({"public_key": encoded(bytes(64))}, 400, "Ed25519"),
        ({"public_key": "ü"}, 400, "Ed25519"),
        ({"kind": "spy"}, 400, "unknown kind of agent 'spy'"),
        ({"cluster_uid": ""}, 400, "cluster_uid is empty"),
        ({"cluster_uid": 7}, 400, "$.cluster_uid"),
        ({"cluster_name": "x" * 513}, 400, "$.cluster_name"),
        ({"schema": 2}, 400, "upgrade the service"),
    ):
        answered, answer = await stranger.enrol(**wrong)
        assert answered == status, wrong
        assert reason in answer["message"]
    assert await service.rows("SELECT * FROM agent") == []


@pytest.mark.req("R21")
async def test_a_key_belongs_to_one_cluster(agent: Stranger) -> None:
    status, answer = await agent.enrol(cluster_uid="uid-other", cluster_name="other")
    assert status == 400
    assert "enrolled for another cluster" in answer["message"]


async def test_a_replaced_registration_token_is_over_and_its_successor_works(
    service: RunningService, stranger: Stranger
) -> None:
    created = (await service.post("/runtime/api/v1/registration_token", expect=201))["access_token"]
    path = f"/runtime/api/v1/registration_token/{created}"
    successor = (await service.request("DELETE", path, expect=201))["access_token"]
    await service.request("DELETE", path, expect=404)
    assert (await stranger.enrol(registration_token=created))[0] == 401
    assert (await stranger.enrol(registration_token=successor))[0] == 200


# --- assertions ------------------------------------------------------------------------------------------


@pytest.mark.req("R21")
async def test_an_assertion_is_good_once(agent: Stranger) -> None:
    assertion = sign_assertion(agent.key, agent.agent_id)
    assert (await agent.ask_for_token(assertion))[0] == 200
    status, answer = await agent.ask_for_token(assertion)
    assert (status, answer["message"]) == (401, "the assertion is refused: it has been used before")


@pytest.mark.req("R21")
async def test_a_forged_assertion_is_refused(agent: Stranger) -> None:
    now = int(time.time())
    other = Ed25519PrivateKey.generate()
    genuine = sign_assertion(agent.key, agent.agent_id)
    header, claims, signature = genuine.split(".")
    public = agent.key.public_key().public_bytes_raw()
    contents = {"iss": agent.agent_id, "aud": "deadlight", "iat": now, "exp": now + 60, "jti": uuid4().hex}
    forgeries = [
        sign_assertion(other, agent.agent_id),
        f"{header}.{claims}.",
        f"{header}.{claims}",
        f"{header}.{claims}.{encoded(bytes(64))}",
        f"{UNSIGNED}.{claims}.",
        f"{UNENCODED}.{claims}.{signature}",
        # the public key as a shared secret, the classic confusion of algorithms
        jwt.encode({"alg": "HS256"}, contents, OctKey.import_key(public)),
        sign_assertion(agent.key, agent.agent_id, exp=now - 60),
        sign_assertion(agent.key, agent.agent_id, exp=now + 3600),
        sign_assertion(agent.key, agent.agent_id, exp=None),
        sign_assertion(agent.key, agent.agent_id, exp="soon"),
        sign_assertion(agent.key, agent.agent_id, exp=float(now + 10)),
        sign_assertion(agent.key, agent.agent_id, aud="elsewhere"),
        sign_assertion(agent.key, agent.agent_id, nbf=now + 3600),
        sign_assertion(agent.key, agent.agent_id, jti=""),
        sign_assertion(agent.key, agent.agent_id, jti="x" * 129),
        sign_assertion(agent.key, agent.agent_id, jti="a\0b"),
        sign_assertion(agent.key, str(uuid4())),
        sign_assertion(agent.key, "nobody"),
        "",
        ".",
        "a.b.c",
        "." * 4000,
        f"x.{DEEP}.y",
    ]
    for forgery in forgeries:
        status, answer = await agent.post(TOKEN, {"assertion": forgery})
        assert (status, answer["code"]) == (401, "unauthorized"), forgery
    assert (await agent.ask_for_token(genuine))[0] == 200


async def test_the_clocks_may_disagree_a_little(agent: Stranger) -> None:
    now = int(time.time())
    assert (await agent.ask_for_token(exp=now - 20, iat=now - 80))[0] == 200
    assert (await agent.ask_for_token(exp=now + 100, iat=now))[0] == 200


async def test_what_was_used_is_forgotten_when_it_could_not_be_used_again(
    service: RunningService, agent: Stranger
) -> None:
    await agent.ask_for_token()
    await change(service, "UPDATE agent_assertion SET expires_at = now() - interval '1 second'")
    await agent.ask_for_token()
    (row,) = await service.rows("SELECT expires_at - now() AS left FROM agent_assertion")
    assert row.left.total_seconds() > 60  # longer than the assertion, with all that clocks may disagree, is believed


# --- tokens ----------------------------------------------------------------------------------------------


@pytest.mark.req("R21")
async def test_a_revoked_agent_gets_no_token_and_the_one_it_has_opens_nothing(service: RunningService) -> None:
    controller = await service.enrol()
    await change(service, "UPDATE agent SET revoked_at = now()")
    status, answer = await controller.post(INVENTORY, batch(node()))
    assert (status, answer["message"]) == (403, "this agent has been revoked")
    beat = wire.Heartbeat(version="1", started_at=datetime.now(UTC))
    assert (await controller.post(HEARTBEAT, beat))[0] == 403
    assert await service.rows("SELECT * FROM node") == []


@pytest.mark.req("R21")
async def test_a_revoked_agent_is_not_let_in_by_enrolling_its_key_again(
    service: RunningService, agent: Stranger
) -> None:
    await change(service, "UPDATE agent SET revoked_at = now()")
    assert (await agent.enrol())[0] == 200
    status, answer = await agent.ask_for_token()
    assert status == 401
    assert "revoked" in answer["message"]


async def test_agents_say_only_what_their_kind_may_say(service: RunningService) -> None:
    controller, sensor = await service.enrol(), await service.enrol("sensor", node="node-1")
    status, answer = await sensor.post(INVENTORY, batch(node()))
    assert (status, answer["message"]) == (403, "only a controller may say this; this is a sensor")
    observed = wire.ObservationBatch(batch_id="1", node="node-1")
    status, answer = await controller.post("/agent/v1/observations", observed)
    assert (status, answer["message"]) == (403, "only a sensor may say this; this is a controller")


def test_a_token_says_who_it_was_issued_to() -> None:
    assert verify_access_token(issue_access_token(PRINCIPAL, KEY, timedelta(seconds=60)), KEY) == PRINCIPAL


@pytest.mark.req("R21")
def test_a_forged_foreign_or_expired_token_is_refused() -> None:
    genuine = issue_access_token(PRINCIPAL, KEY, timedelta(seconds=60))
    header, claims, signature = genuine.split(".")
    now = int(time.time())
    contents = {"sub": str(uuid4()), "cluster": str(uuid4()), "kind": "sensor", "node": "", "exp": now + 60}
    key = OctKey.import_key(KEY)
    for forgery in (
        issue_access_token(PRINCIPAL, KEY, timedelta(seconds=-60)),
        issue_access_token(PRINCIPAL, derive_key("another key", "agent tokens"), timedelta(seconds=60)),
        f"{UNSIGNED}.{claims}.",
        f"{header}.{claims}.",
        f"{header}.{encoded(msgspec.json.encode(contents))}.{signature}",
        jwt.encode({"alg": "HS512"}, contents | {"aud": "deadlight/agent"}, key, algorithms=["HS512"]),
        jwt.encode({"alg": "HS256"}, contents, key),
        jwt.encode({"alg": "HS256"}, contents | {"aud": "deadlight"}, key),
        jwt.encode({"alg": "HS256"}, contents | {"aud": "deadlight/agent", "kind": "king"}, key),
        jwt.encode({"alg": "HS256"}, contents | {"aud": "deadlight/agent", "sub": "me"}, key),
        jwt.encode({"alg": "HS256"}, {"aud": "deadlight/agent", "exp": now + 60}, key),
        jwt.encode({"alg": "HS256"}, {name: contents[name] for name in contents if name != "exp"}, key),
    ):
        with pytest.raises(UnauthorizedError):
            verify_access_token(forgery, KEY)


@given(st.text(max_size=200) | st.lists(st.text("abcdefghIJKL-_=123", max_size=40), max_size=5).map(".".join))
def test_whatever_is_brought_as_a_token_is_refused_and_nothing_else(token: str) -> None:
    with pytest.raises(UnauthorizedError):
        verify_access_token(token, KEY)
