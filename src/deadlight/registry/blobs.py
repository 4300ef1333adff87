"""Reading one blob: streamed, hashed on the way, resumed where the connection dropped."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256, sha512
from http import HTTPStatus

import aiohttp

from deadlight.registry.answers import refusal
from deadlight.registry.errors import DigestMismatchError, MalformedAnswerError, RegistryError, TransientError
from deadlight.registry.limits import MAX_SMALL_BODY_BYTES
from deadlight.registry.names import blob_path, scope_of
from deadlight.registry.pacing import backoff_seconds
from deadlight.registry.source import Request, Source
from deadlight.registry.transport import read_answer


async def iter_blob(
    mirrors: Sequence[Source], origin: Source, repository: str, digest: str, *, size_limit: int
) -> AsyncGenerator[bytes, None]:
    """Yield the blob's bytes in pieces of the network's choosing.

    Each mirror is tried once, then the origin up to `attempts` times. What has been yielded is not asked for
    again: content is addressed by digest, so any source can continue what another began.

    Raises:
        DigestMismatchError: at the end, when everything has been yielded and does not hash to `digest`.
        NotFoundError, UnavailableError: from the origin.
    """
    progress = _Progress(digest, size_limit, origin)
    for attempt, source in enumerate([*mirrors, *[origin] * origin.limits.attempts], 1 - len(mirrors)):
        try:
            async with _open(source, repository, progress) as response:
                while chunk := await progress.wait_for(response.content.readany(), source):
                    if fresh := progress.take(chunk, source):
                        yield fresh
            break
        except RegistryError as error:
            if progress.complete:
                break
            if attempt >= 1:
                await _wait_to_retry(error, attempt, origin)
    if not progress.complete:
        raise DigestMismatchError(f"{source.name} sends {progress.digest} when asked for the blob {digest}")


class _Progress:
    """How far the download has come, over all attempts."""

    def __init__(self, digest: str, size_limit: int, origin: Source) -> None:
        self.wanted = digest
        self.received = 0
        self.behind = 0
        """Bytes that the present attempt sends again although they are known."""
        self._hasher = sha512() if digest.startswith("sha512:") else sha256()
        self._size_limit = size_limit
        self._seconds_left = origin.limits.blob_seconds
        self._clock = origin.timing.clock

    @property
    def digest(self) -> str:
        return f"{self._hasher.name}:{self._hasher.hexdigest()}"

    @property
    def complete(self) -> bool:
        return self.digest == self.wanted

    async def wait_for(self, read: Awaitable[bytes], source: Source) -> bytes:
        asked_at = self._clock()
        chunk = await read
        self._seconds_left -= self._clock() - asked_at
        if self._seconds_left < 0:
            raise MalformedAnswerError(source.name, "it sends a layer too slowly")
        return chunk

    def take(self, chunk: bytes, source: Source) -> bytes:
        fresh = chunk[self.behind :]
        self.behind -= len(chunk) - len(fresh)
        if self.received + len(fresh) > self._size_limit:
            raise MalformedAnswerError(source.name, f"it sends a blob larger than {self._size_limit} bytes")
        self.received += len(fresh)
        self._hasher.update(fresh)
        return fresh


@asynccontextmanager
async def _open(source: Source, repository: str, progress: _Progress) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask for what is missing, or for everything again where the source does not know ranges."""
    path, scope = blob_path(repository, progress.wanted), scope_of(repository)
    headers = {"Range": f"bytes={progress.received}-"} if progress.received else {}
    async with source.stream(Request(path, scope, headers=headers)) as response:
        if response.status == HTTPStatus.OK:
            progress.behind = progress.received
        elif response.status == HTTPStatus.PARTIAL_CONTENT:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {progress.received}-"):
                raise MalformedAnswerError(source.name, "it sends another part of a blob than was asked for")
            progress.behind = 0
        else:
            answer = await read_answer(response, source.base, MAX_SMALL_BODY_BYTES)
            if answer.status == HTTPStatus.NOT_FOUND:
                raise await source.explain_absence(answer, f"blob {repository}@{progress.wanted}", scope)
            raise refusal(answer)
        yield response


async def _wait_to_retry(error: RegistryError, attempt: int, origin: Source) -> None:
    """Wait before the origin is asked again, or raise `error` where that would not help."""
    if not isinstance(error, TransientError):
        raise error
    delay = backoff_seconds(attempt, error, origin.limits, origin.timing.chance())
    if delay is None:
        raise error
    await origin.timing.sleep(delay)


async def read_blob(source: Source, repository: str, digest: str, *, size_limit: int) -> bytes:
    """A whole small blob from one source; raises what `iter_blob` does."""
    async with aclosing(iter_blob((), source, repository, digest, size_limit=size_limit)) as pieces:
        return b"".join([piece async for piece in pieces])
