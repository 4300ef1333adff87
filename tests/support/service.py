"""The service as it runs: real HTTP on loopback, real PostgreSQL, its background work in the test's own event loop."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import text
from tests.support.patience import PATIENCE_SECONDS

from deadlight.model import wire
from deadlight.server.app import bind, create_app
from deadlight.server.auth.principals import Principal, Role
from deadlight.server.auth.registration import create_registration_token
from deadlight.server.auth.sessions import create_api_token
from deadlight.server.composition import KEEP_ALIVE_SECONDS, _as_coroutine, _HttpServer, background_work, open_services
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.events.relay import CHANGES_CHANNEL
from deadlight.server.services import Services
from deadlight.server.settings import Settings

M = TypeVar("M")

ADMIN = Principal(3, "admin", Role.ADMIN)
"""The account of the template database."""

SECRET_KEY = "a secret key for tests, long enough to be accepted"


def service_settings(database_url: str, **more: Any) -> Settings:
    """Settings for a service on loopback that may also send alerts there."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "secret_key": SECRET_KEY,
        "denied_destinations": "none",
        "delivery_backoff": 0.05,
        "port": 0,
    }
    return Settings(**values | more)


class Agent:
    """An enrolled agent that says whatever a test wants."""

    def __init__(self, service: "RunningService", token: str, cluster_id: str, agent_id: str) -> None:
        self.service = service
        self.token = token
        self.cluster_id = cluster_id
        self.agent_id = agent_id

    async def post(self, path: str, body: bytes | wire.Message, **headers: str) -> tuple[int, Any]:
        """The status and the decoded answer."""
        data = body if isinstance(body, bytes) else wire.encode(body)
        all_headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **headers}
        async with self.service.http.post(f"{self.service.url}{path}", data=data, headers=all_headers) as response:
            raw = await response.read()
            return response.status, msgspec.json.decode(raw) if raw else None


class RunningService:
    """A service with an administrator's token."""

    def __init__(self, url: str, services: Services, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.services = services
        self.http = http
        self.registration_token = ""
        self.api_token = ""

    async def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, expect: int | None = None
    ) -> Any:
        """The decoded answer of the API; fails the test on another status than expected (2xx by default)."""
        headers = {"authorization": f"Bearer {self.api_token if token is None else token}"}
        async with self.http.request(method, f"{self.url}{path}", json=body, headers=headers) as response:
            raw = await response.read()
            answer = msgspec.json.decode(raw) if raw else None
            fine = response.status == expect if expect else response.ok
            assert fine, f"{method} {path}: {response.status} {answer}"
            return answer

    async def get(self, path: str) -> Any:
        """GET."""
        return await self.request("GET", path)

    async def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST."""
        return await self.request("POST", path, body, **more)

    async def enrol(self, kind: str = "controller", cluster: str = "test", node: str = "") -> Agent:
        """An agent of a cluster, enrolled as a real one is."""
        key = Ed25519PrivateKey.generate()
        message = wire.Enrolment(
            registration_token=self.registration_token,
            public_key=_base64(key.public_key().public_bytes_raw()),
            kind=kind,
            cluster_uid=f"uid-{cluster}",
            cluster_name=cluster,
            node_name=node,
            version="test",
        )
        enrolled = await self._agent_post("/agent/v1/enrol", message, wire.Enrolled)
        assertion = sign_assertion(key, enrolled.agent_id)
        token = await self._agent_post("/agent/v1/token", wire.TokenRequest(assertion=assertion), wire.AccessToken)
        return Agent(self, token.access_token, enrolled.cluster_id, enrolled.agent_id)

    async def _agent_post(self, path: str, message: wire.Message, kind: type[M]) -> M:
        async with self.http.post(f"{self.url}{path}", data=wire.encode(message)) as response:
            body = await response.read()
            assert response.ok, body
            return msgspec.json.decode(body, type=kind)

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        """What the database holds."""
        async with self.services.engine.connect() as connection:
            return list((await connection.execute(text(query), parameters)).all())

    async def settle(self) -> None:
        """Wait until no event and no job is pending that could run now."""

        async def idle() -> bool:
            rows = await self.rows(
                """
                SELECT (SELECT count(*) FROM event WHERE status = 'pending')
                     + (SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked') AND execute_after <= now())
                """
            )
            return bool(rows[0][0] == 0)

        await eventually(idle)


def sign_assertion(key: Ed25519PrivateKey, agent_id: str, **claims: Any) -> str:
    """What an agent signs to get a token."""
    now = int(time.time())
    values = {"iss": agent_id, "sub": agent_id, "aud": "deadlight", "iat": now, "exp": now + 60, "jti": uuid4().hex}
    jwk = OKPKey.import_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _base64(key.public_key().public_bytes_raw()),
            "d": _base64(key.private_bytes_raw()),
        }
    )
    return jwt.encode({"alg": "Ed25519"}, values | claims, jwk, algorithms=["Ed25519"])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition of the outside world holds; fails the test when it does not in time."""
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running_service(settings: Settings, *, background: bool = True) -> AsyncIterator[RunningService]:
    """Serve until the block ends."""
    async with open_services(settings) as services:
        index = RiskIndex(services.engine)
        services.listener.subscribe(CHANGES_CHANNEL, index.wake)
        work: list[Awaitable[None]] = [services.listener.run(), index.run()]
        if background:
            work += background_work(services)
        tasks = [asyncio.create_task(_as_coroutine(item)) for item in work]
        try:
            async with _serving(services, index) as url, aiohttp.ClientSession() as http:
                service = RunningService(url, services, http)
                async with services.engine.begin() as connection:
                    service.registration_token = await create_registration_token(connection, "tests")
                    service.api_token = await create_api_token(connection, ADMIN, "tests", Role.ADMIN, None)
                yield service
        finally:
            await _cancel(tasks)


_idle_applications: list[FastAPI] = []
"""Between two services; an application works out its routes with its first requests, which takes longer than most
tests."""


@asynccontextmanager
async def _serving(services: Services, index: RiskIndex) -> AsyncIterator[str]:
    """The address where the API is served until the block ends."""
    app = _idle_applications.pop() if _idle_applications else create_app()
    bind(app, services, index)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    server = _HttpServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await _cancel([serving])  # instead of its shutdown, which sleeps for longer than most tests run
        await _end(server)
        _idle_applications.append(app)


async def _end(server: uvicorn.Server) -> None:
    """Neither a connection nor an answer is left."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    if answering := list(server.server_state.tasks):
        await asyncio.wait(answering)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
