"""An HTTP server that sends exactly what a test wrote, and a clock that only moves when somebody sleeps."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from deadlight.registry import Endpoint, Limits, RegistryClient, Timing
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, digest_of

END = b"\r\n\r\n"
HANG = b""
"""A reply that never comes."""

DIGEST = f"sha256:{'a' * 64}"
"""Of nothing in particular."""

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


@dataclass(frozen=True)
class Asked:
    """A request that the server got."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=lambda: self.now, sleep=self.sleep, chance=lambda: 1.0)


def reply(status: int = 200, body: bytes | str = b"", **headers: str) -> bytes:
    """An HTTP answer; header names are given with underscores. A length that is given is sent as it is."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in ({"content-length": str(len(content))} | named).items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Scripted", "Connection: close", *lines])
    return f"{head}\r\n\r\n".encode("latin-1") + content


def json_reply(document: object, status: int = 200, **headers: str) -> bytes:
    """An answer of JSON, by default called that."""
    return reply(status, json.dumps(document), **{"content_type": "application/json"} | headers)


def content_reply(content: bytes, media_type: str, **headers: str) -> bytes:
    """A manifest or the like as a registry sends it."""
    return reply(200, content, **{"content_type": media_type, "docker_content_digest": digest_of(content)} | headers)


def error_reply(status: int, code: str, **headers: str) -> bytes:
    """A registry's error document."""
    return json_reply({"errors": [{"code": code, "message": "scripted"}]}, status, **headers)


def manifest(config: str = DIGEST, config_type: str = CONFIG_TYPE) -> bytes:
    """An image manifest without layers."""
    described = {"mediaType": config_type, "digest": config, "size": 2}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": []}).encode()


def index(*entries: dict[str, Any]) -> bytes:
    """An image index."""
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


@dataclass
class ScriptedServer:
    """Answers each path with its replies in turn; the last one repeats. What is not scripted is 404 without words."""

    port: int = 0
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    _replies: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, path: str, *replies: bytes, method: str = "GET") -> None:
        self._replies[method, path] = list(replies)

    def answer_both(self, path: str, *replies: bytes) -> None:
        """Answer GET and HEAD alike; the bodies after HEAD are left out."""
        self.answer(path, *replies)
        self.answer(path, *(b"".join(reply.partition(END)[:2]) for reply in replies), method="HEAD")

    def count(self, method: str, path: str = "") -> int:
        return sum(asked.method == method and asked.target.startswith(path) for asked in self.asked)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(END)).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            self.asked.append(Asked(method, target, {name.lower(): value for name, value in pairs}))
            replies = self._replies.get((method, target.partition("?")[0]), [reply(404)])
            answer = replies.pop(0) if len(replies) > 1 else replies[0]
            if answer == HANG:
                await reader.read()
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client hung up, as some tests want it to
        finally:
            writer.close()


ServerFactory = Callable[..., Awaitable[ScriptedServer]]
ClientFactory = Callable[..., RegistryClient]


@pytest.fixture
async def start_server() -> AsyncIterator[ServerFactory]:
    async with AsyncExitStack() as servers:

        async def start(tls: ssl.SSLContext | None = None) -> ScriptedServer:
            scripted = ScriptedServer(scheme="https" if tls else "http")
            server = await asyncio.start_server(scripted.handle, "127.0.0.1", 0, ssl=tls)
            await servers.enter_async_context(server)
            scripted.port = server.sockets[0].getsockname()[1]
            return scripted

        yield start


@pytest.fixture
async def server(start_server: ServerFactory) -> ScriptedServer:
    return await start_server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def connect(session: aiohttp.ClientSession, clock: Clock) -> ClientFactory:
    """A client of a scripted server, on the test's clock; further keywords are those of Endpoint."""

    def connect(
        server: ScriptedServer, *, limits: Limits | None = None, timing: Timing | None = None, **endpoint: Any
    ) -> RegistryClient:
        described = Endpoint(**{"host": "registry.test", "url": server.url} | endpoint)
        return RegistryClient(described, session, limits=limits or Limits(), timing=timing or clock.timing())

    return connect
