"""Asking an API server: one session, GET only."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp

from deadlight.client.backoff import parse_retry_after
from deadlight.controller.errors import ConfigurationError, MalformedAnswerError, SilentError, UnreachableError
from deadlight.controller.sources.kubernetes.access import Access, Trust
from deadlight.controller.sources.kubernetes.events import parse_status
from deadlight.controller.sources.kubernetes.lines import iter_lines
from deadlight.model import proxies

MAX_BODY_BYTES = 256 * 1024 * 1024
"""A page of 500 objects of half a megabyte each."""

MAX_STATUS_BYTES = 64 * 1024
QUIET_SECONDS = 70.0
"""Bookmarks come every 60 s: a stream that is silent for longer is dead."""


class KubernetesApi:
    """Read-only requests to one API server; an async context manager.

    Every request raises `ApiError` (refused), `UnreachableError` (no connection, silence), `MalformedAnswerError` or
    `ConfigurationError` (no usable credential).
    """

    def __init__(self, access: Access, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._access = access
        self._trust = Trust(access)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=quiet_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=32)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, trust_env=proxies.are_set(), read_bufsize=256 * 1024
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """The whole body of a 200."""
        async with self._open(path, parameters or {}) as answer:
            body = await _read(answer, MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise MalformedAnswerError(f"{path}: an answer of more than {MAX_BODY_BYTES} bytes")
        return body

    @asynccontextmanager
    async def stream(self, path: str, parameters: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a 200, as they come."""
        async with self._open(path, parameters) as answer:
            yield iter_lines(answer.content.iter_any())

    @asynccontextmanager
    async def _open(self, path: str, parameters: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise ConfigurationError("KubernetesApi is used outside of its `async with` block")
        credential = await self._access.authenticator.credential()
        try:
            async with self._session.get(
                self._access.server + path,
                params=parameters,
                headers={"Authorization": f"Bearer {credential.token}"} if credential.token else {},
                ssl=self._trust.context(credential),
                server_hostname=self._access.tls_server_name or None,
                proxy=self._access.proxy or None,
                allow_redirects=False,
            ) as answer:
                await self._raise_unless_ok(answer)
                yield answer
        except aiohttp.SocketTimeoutError as error:
            raise SilentError(f"{self._access.server} was silent for {self._timeout.sock_read:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise UnreachableError(f"{self._access.server}: {str(error) or type(error).__name__}") from error

    async def _raise_unless_ok(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status == 200:
            return
        if answer.status == 401:
            self._access.authenticator.refused()
        body = await _read(answer, MAX_STATUS_BYTES)
        raise parse_status(answer.status, body, retry_after=parse_retry_after(answer.headers.get("Retry-After")))


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or its first `limit` bytes."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])
