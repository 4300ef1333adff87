"""Registries that tests push to, and that can be troubled on request."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from aiohttp import web

from deadlight.demo.images import BuiltImage, BuiltIndex, PushedDigests, push_image
from deadlight.demo.registry import DemoRegistry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Trouble = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass
class ServedRegistry:
    """A registry on loopback. With a `trouble`, that answers in its place."""

    url: str
    http: aiohttp.ClientSession
    tls_port: int = 0
    """Where it is served with TLS, too, if it is."""
    trouble: Trouble | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request but those of `push` and `delete`."""

    @property
    def host(self) -> str:
        """As image references name it."""
        return self.url.removeprefix("http://")

    async def push(
        self, image: BuiltImage | BuiltIndex, tag: str = "1.0.0", repository: str = "shop/web"
    ) -> PushedDigests:
        """Push an image, whatever troubles the registry."""
        return await push_image(self.http, self.url, repository, tag, image)

    async def delete(self, reference: str = "1.0.0", repository: str = "shop/web") -> None:
        """Delete a tag or manifest."""
        async with self.http.delete(f"{self.url}/v2/{repository}/manifests/{reference}") as response:
            assert response.status == 202

    async def delete_blob(self, digest: str, repository: str = "shop/web") -> None:
        """Delete a layer or configuration."""
        async with self.http.delete(f"{self.url}/v2/{repository}/blobs/{digest}") as response:
            assert response.status == 202


TEST_HEADER = "x-of-the-test"


class Application(Protocol):
    """Whatever is served as a registry."""

    def application(self) -> web.Application:
        """It, as an aiohttp application."""


@asynccontextmanager
async def serve_registry(
    registry: Application | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ServedRegistry]:
    """Serve a registry until the block ends; with `tls`, on a second port for what is encrypted."""
    application = (registry or DemoRegistry()).application()
    async with aiohttp.ClientSession(headers={TEST_HEADER: "yes"}) as http:
        served = ServedRegistry("", http)

        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            if TEST_HEADER in request.headers:
                return await handler(request)
            served.asked.append((request.method, request.path))
            return await (served.trouble(request, handler) if served.trouble else handler(request))

        application.middlewares.append(watch)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            if tls is not None:
                await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
                served.tls_port = runner.addresses[1][1]
            yield served
        finally:
            await runner.cleanup()


def answering(status: int, **headers: str) -> Trouble:
    """Nothing but this status."""

    async def answer(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def hanging_up(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """The connection ends without a word."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def talking_nonsense(_request: web.Request, _handler: Handler) -> web.StreamResponse:
    """200, and a login page."""
    return web.Response(text="<html>Sign in</html>", content_type="text/html")


async def never_answering(_request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Longer than anybody waits."""
    await asyncio.sleep(60)
    return web.Response()
