"""A webhook's receiving end on loopback, where the demonstration's alerts arrive."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

KEPT = 200
MAX_BODY_BYTES = 4 * 1024 * 1024


class CloudEvent(msgspec.Struct, frozen=True):
    """The message of an alert."""

    id: str
    type: str
    time: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """A message that arrived; `arrived_at` is of the monotonic clock."""

    event: CloudEvent
    arrived_at: float

    @property
    def type(self) -> str:
        """The event's type without its prefix."""
        return self.event.type.rpartition(".")[2]

    @property
    def data(self) -> dict[str, Any]:
        """What the event says."""
        return self.event.data


@dataclass(slots=True)
class Inbox:
    """The latest alerts. Only messages signed with `secret` are taken (Standard Webhooks)."""

    secret: str
    url: str = ""
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=KEPT))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, matches: Callable[[Alert], bool], *, since: float, within: float) -> Alert | None:
        """The first alert that matches and arrived after `since`; None when `within` seconds have passed."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for alert in self.alerts:
                        if alert.arrived_at >= since and matches(alert):
                            return alert
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None

    async def take(self, request: web.Request) -> web.Response:
        """A message from the service."""
        body = await request.read()
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
            event = msgspec.json.decode(body, type=CloudEvent)
        except (WebhookVerificationError, ValueError) as error:
            return web.Response(status=400, text=f"not a signed alert: {error}\n")
        self.alerts.append(Alert(event, monotonic()))
        self._news.set()
        return web.Response(text="taken\n")

    async def show(self, _request: web.Request) -> web.Response:
        """The latest alerts as JSON, newest first."""
        body = msgspec.json.format(msgspec.json.encode([alert.event for alert in reversed(self.alerts)]))
        return web.Response(body=body, content_type="application/json")


@asynccontextmanager
async def running_inbox(secret: str, port: int) -> AsyncIterator[Inbox]:
    """Receive until the block ends."""
    inbox = Inbox(secret)
    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application.add_routes([web.post("/alerts", inbox.take), web.get("/alerts", inbox.show)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
        yield inbox
    finally:
        await runner.cleanup()
