"""An API server that answers exactly what a test scripts: for what the stand-in, being well behaved, never says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Scripted:
    """Gives the answers in turn, the last one for ever; `asked` holds the query of each request."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answer(request)


def body(text: bytes | str, status: int = 200, **headers: str) -> Answer:
    """A complete answer."""
    content = text if isinstance(text, bytes) else text.encode()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, status=status, headers=headers, content_type="application/json")

    return answer


def stream(*lines: bytes | str, then: Callable[[web.Request], Awaitable[None]] | None = None) -> Answer:
    """Lines of a watch, then a clean end, or whatever `then` does first."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
        if then:
            await then(request)
        await response.write_eof()
        return response

    return answer


@asynccontextmanager
async def serving(scripted: Scripted) -> AsyncIterator[Access]:
    """The way to a scripted server that runs for the block."""
    application = web.Application()
    application.router.add_get("/{path:.*}", scripted.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        server = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield Access(server=server, authenticator=Fixed(Credential("t")))
    finally:
        await runner.cleanup()
