"""A registry of somebody else, which can be away. Ours is a process; this one is small and in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from deadlight.demo.registry import DemoRegistry, serve_registry


class Mirror:
    """The registry, served or not at `url`; it keeps what it has while it is away."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._registry = DemoRegistry()
        self._serving: AsyncExitStack | None = None

    async def appear(self) -> None:
        """Serve from now on."""
        if self._serving is None:
            self._serving = AsyncExitStack()
            await self._serving.enter_async_context(serve_registry(self._registry, port=self._port))

    async def vanish(self) -> None:
        """Refuse connections from now on."""
        if self._serving is not None:
            await self._serving.aclose()
            self._serving = None


@asynccontextmanager
async def running_mirror(port: int) -> AsyncIterator[Mirror]:
    """Served, until the block ends at the latest."""
    mirror = Mirror(port)
    await mirror.appear()
    try:
        yield mirror
    finally:
        await mirror.vanish()
