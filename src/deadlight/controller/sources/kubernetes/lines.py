"""Chunks of a stream -> its lines, whatever their size up to a limit."""

from collections.abc import AsyncIterator

from deadlight.controller.errors import MalformedAnswerError

MAX_LINE_BYTES = 16 * 1024 * 1024
"""etcd refuses objects above 1.5 MiB; their JSON can be several times as long, but not ten times."""


async def iter_lines(chunks: AsyncIterator[bytes], *, limit: int = MAX_LINE_BYTES) -> AsyncIterator[bytes]:
    """The non-empty lines of `chunks`. A last line that no newline ends was cut off and is dropped.

    Raises:
        MalformedAnswerError: a line is longer than `limit` bytes.
    """
    unfinished = bytearray()
    async for chunk in chunks:
        if b"\n" in chunk:
            first, *rest = chunk.split(b"\n")
            unfinished += first
            for line in (bytes(unfinished), *rest[:-1]):
                if line:
                    yield line
            unfinished = bytearray(rest[-1])
        else:
            unfinished += chunk
        if len(unfinished) > limit:
            raise MalformedAnswerError(f"a line of more than {limit} bytes")
