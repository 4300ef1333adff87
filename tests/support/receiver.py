"""A webhook's receiving end: a real HTTP server that keeps what it got and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web


@dataclass
class Received:
    """A request."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON in it."""
        return msgspec.json.decode(self.raw)


@dataclass
class Receiver:
    """Answers the next requests with `answers` in turn, and with 200 when those are used up."""

    url: str = ""
    answers: list[int | web.Response] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep and answer."""
        self.received.append(Received(dict(request.headers), await request.read()))
        self._news.set()
        answer = self.answers.pop(0) if self.answers else 200
        return answer if isinstance(answer, web.Response) else web.Response(status=answer, text="told so")

    async def wait(self, count: int = 1, *, within: float = 20.0) -> list[Received]:
        """What has come, once there are `count` requests."""
        async with asyncio.timeout(within):
            while len(self.received) < count:
                self._news.clear()
                await self._news.wait()
        return self.received


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Receive until the block ends."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
