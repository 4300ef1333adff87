"""A blob as a file: pulled by the event loop, read by a thread, neither waiting for the whole of it."""

import asyncio
import io
import queue
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import BinaryIO, TypeVar, cast

from deadlight.registry.client import RegistryClient

CHUNKS_AHEAD = 4
"""How many pieces of a blob may wait between the network and its reader."""

CHUNK_BYTES = 512 * 1024
"""The least of a piece. One from the network has 64 KiB: handing each over would cost a tenth of reading a layer."""

T = TypeVar("T")


async def read_as_file(
    client: RegistryClient, repository: str, digest: str, size_limit: int, read: Callable[[BinaryIO], T]
) -> T:
    """What `read` makes of a blob, in a thread of its own; the blob is never stored.

    `read` may stop before the end: the rest is pulled all the same, so that the whole is checked against its digest.

    Raises:
        DigestMismatchError, NotFoundError, UnavailableError: as `RegistryClient.iter_blob`, also where `read` failed
            because of it; else whatever `read` raises.
    """
    pipe = _Pipe()
    pull = asyncio.create_task(_pull(client, repository, digest, size_limit, pipe))
    try:
        result = await asyncio.to_thread(_read, pipe, read)
    except Exception:
        await _raise_cause(pull)
        raise
    await pull
    return result


def _read(pipe: "_Pipe", read: Callable[[BinaryIO], T]) -> T:
    try:
        return read(cast(BinaryIO, io.BufferedReader(pipe, buffer_size=1 << 20)))
    finally:
        pipe.abandon()  # however it ended: who feeds a pipe that nobody reads would wait for ever


async def _raise_cause(pull: asyncio.Task[None]) -> None:
    """What went wrong with the transfer, where that is why its content could not be read; else end the transfer."""
    done, _ = await asyncio.wait({pull}, timeout=1)
    if done:
        pull.result()
    pull.cancel()
    with suppress(asyncio.CancelledError):
        await pull


async def _pull(client: RegistryClient, repository: str, digest: str, size_limit: int, pipe: "_Pipe") -> None:
    try:
        async with aclosing(client.iter_blob(repository, digest, size_limit=size_limit)) as chunks:
            waiting: list[bytes] = []
            async for chunk in chunks:
                waiting.append(chunk)
                if sum(map(len, waiting)) >= CHUNK_BYTES:
                    await asyncio.to_thread(pipe.feed, b"".join(waiting))
                    waiting.clear()
            if waiting:
                await asyncio.to_thread(pipe.feed, b"".join(waiting))
    finally:
        await asyncio.to_thread(pipe.feed, b"")


class _Pipe(io.RawIOBase):
    """A bounded pipe from the event loop, which feeds it, to the thread that reads it as a file."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: queue.Queue[bytes] = queue.Queue(CHUNKS_AHEAD)
        self._rest = memoryview(b"")
        self._ended = False
        self._abandoned = False

    def feed(self, chunk: bytes) -> None:
        """Add a piece, or with an empty one end the file; waits for room, unless nobody reads any more."""
        while not self._abandoned:
            try:
                self._chunks.put(chunk, timeout=0.2)
            except queue.Full:
                continue
            return

    def abandon(self) -> None:
        """The reader is done: what still comes is dropped."""
        self._abandoned = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        if not self._rest and not self._ended:
            self._rest = memoryview(self._chunks.get())
            self._ended = not self._rest
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
