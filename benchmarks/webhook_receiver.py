"""Where a benchmark's alerts arrive: a webhook that takes whatever comes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web


@asynccontextmanager
async def receiving(take: Callable[[dict[str, Any]], None]) -> AsyncIterator[str]:
    """Serve until the block ends; yields the webhook's URL. `take` gets each CloudEvent as it arrives."""

    async def receive(request: web.Request) -> web.Response:
        take(msgspec.json.decode(await request.read()))
        return web.Response()

    application = web.Application()
    application.router.add_post("/", receive)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
