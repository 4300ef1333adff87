"""Sends an agent's messages to the service until it has them: tokens, compression, retries."""

import asyncio
import gzip
import itertools
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from deadlight.client.address import parse_server
from deadlight.client.backoff import PATIENT, Backoff, parse_retry_after
from deadlight.client.errors import ClientError, RejectedError, TokenUnavailableError
from deadlight.client.refusal import refusal_text
from deadlight.client.tokens import FetchToken, TokenHolder
from deadlight.model import proxies, wire

COMPRESS_FROM_BYTES = 1024
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""An acknowledgement that rejects every object of a batch stays below this."""

KEEP_ALIVE_SECONDS = 4.0
"""Shorter than any server or proxy keeps idle connections: a batch never meets one that is just closing."""

_REJECTED = frozenset({400, 413, 422})
_UNWELCOME = frozenset({401, 403})
"""The token has expired or the agent was revoked: asking for a new token tells which."""

_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10)

T = TypeVar("T")

logger = logging.getLogger(__name__)


class _TryAgainError(Exception):
    """An attempt that failed for now; `wait` is how many seconds the service asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Parcel:
    path: str
    body: bytes
    headers: dict[str, str]


class AgentClient:
    """One agent's connection to the service; an async context manager.

    Every `send_` method returns when the service has committed the message. It retries connection errors, refusals to
    answer now (429, 5xx) and everything else that time may heal, with growing pauses, until it is cancelled.
    `retries` counts the attempts that failed so far.
    """

    def __init__(
        self, server: str, fetch_token: FetchToken, *, ca_file: Path | None = None, backoff: Backoff = PATIENT
    ) -> None:
        self._server = parse_server(server)
        self._tokens = TokenHolder(fetch_token)
        self._trust = _trust(ca_file)
        self._backoff = backoff
        self._session: aiohttp.ClientSession | None = None
        self.retries = 0

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=8, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, trust_env=proxies.are_set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def send_inventory(self, batch: wire.InventoryBatch) -> wire.InventoryAck:
        """Deliver an inventory batch.

        Raises:
            RejectedError: the service refuses the batch as it is.
            IdentityRefusedError: the service no longer accepts this agent.
        """
        return await self._persist(_pack("/agent/v1/inventory", batch), lambda body: _inventory_ack(body, batch))

    async def send_observations(self, batch: wire.ObservationBatch) -> wire.ObservationAck:
        """Deliver an observation batch; raises as `send_inventory` does."""
        return await self._persist(_pack("/agent/v1/observations", batch), lambda body: _observation_ack(body, batch))

    async def send_detections(self, batch: wire.DetectionBatch) -> wire.ObservationAck:
        """Deliver a detection batch; raises as `send_inventory` does."""
        return await self._persist(_pack("/agent/v1/detections", batch), lambda body: _observation_ack(body, batch))

    async def heartbeat(self, beat: wire.Heartbeat) -> wire.HeartbeatAck:
        """Deliver a heartbeat; what is answered to a controller is an empty one. Raises as `send_inventory` does."""
        return await self._persist(_pack("/agent/v1/heartbeat", beat), _heartbeat_ack)

    async def _persist(self, parcel: _Parcel, read: Callable[[bytes], T]) -> T:
        for attempt in itertools.count():
            try:
                return read(await self._attempt(parcel))
            except _TryAgainError as error:
                await self._pause(parcel, attempt, error)
        raise AssertionError("itertools.count() is endless")

    async def _pause(self, parcel: _Parcel, attempt: int, error: _TryAgainError) -> None:
        self.retries += 1
        logger.warning("delivery to %s%s failed, will retry: %s", self._server, parcel.path, error)
        await asyncio.sleep(self._backoff.delay(attempt, at_least=error.wait))

    async def _attempt(self, parcel: _Parcel) -> bytes:
        """The body of a 2xx answer."""
        try:
            token = await self._tokens.get()
            status, wait, body = await self._exchange(parcel, token.access_token)
        except (TokenUnavailableError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _TryAgainError(str(error) or type(error).__name__) from error
        if 200 <= status < 300:
            return body
        if status in _REJECTED:
            raise RejectedError(status, refusal_text(body))
        if status in _UNWELCOME:
            self._tokens.discard(token)
        raise _TryAgainError(f"{status}: {refusal_text(body)}", wait)

    async def _exchange(self, parcel: _Parcel, access_token: str) -> tuple[int, float, bytes]:
        """Status, seconds to wait and body of one answer."""
        if self._session is None:
            raise ClientError("AgentClient is used outside of its `async with` block")
        headers = parcel.headers | {"Authorization": f"Bearer {access_token}"}
        url = self._server + parcel.path
        async with self._session.post(url, data=parcel.body, headers=headers, allow_redirects=False) as answer:
            wait = parse_retry_after(answer.headers.get("Retry-After"))
            return answer.status, wait, await _read(answer)


def _inventory_ack(body: bytes, batch: wire.InventoryBatch) -> wire.InventoryAck:
    ack = _decode(body, wire.InventoryAck)
    _check_answers(batch.batch_id, ack.batch_id)
    return ack


def _observation_ack(body: bytes, batch: wire.ObservationBatch | wire.DetectionBatch) -> wire.ObservationAck:
    ack = _decode(body, wire.ObservationAck)
    _check_answers(batch.batch_id, ack.batch_id)
    return ack


def _heartbeat_ack(body: bytes) -> wire.HeartbeatAck:
    return _decode(body, wire.HeartbeatAck) if body else wire.HeartbeatAck()


def _decode(body: bytes, kind: type[wire.M]) -> wire.M:
    try:
        return wire.decode(body, kind)
    except wire.InvalidMessageError as error:
        raise _TryAgainError(str(error)) from error


def _check_answers(sent: str, acknowledged: str) -> None:
    if sent != acknowledged:
        raise _TryAgainError(f"batch {sent} was answered with an acknowledgement of {acknowledged!r}")


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise _TryAgainError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _pack(path: str, message: wire.Message) -> _Parcel:
    body, headers = wire.encode(message), {"Content-Type": "application/json"}
    if len(body) > COMPRESS_FROM_BYTES:
        body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return _Parcel(path, body, headers)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ClientError(f"cannot read the certificate authority {ca_file}: {error}") from error
