"""One request to the service at a time, over a connection that is kept. Says of a failure what to do about it."""

import gzip
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deadlight.client.address import parse_server
from deadlight.client.backoff import parse_retry_after
from deadlight.client.refusal import refusal_text
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.errors import SensorError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT_SECONDS = 20.0
"""Of each step, such as the next piece of an answer."""

ANSWER_SECONDS = 60.0
"""Of a whole answer: one that comes a byte at a time would otherwise keep what waits behind it for ever."""

COMPRESS_FROM_BYTES = 1024

MAX_ANSWER_BYTES = 512 * 1024
"""More than a heartbeat's answer that names as many containers as it may."""

NOT_FOUND_SECONDS = 60.0
"""How long to wait where the service does not know a path: until somebody upgraded it."""

_HIDDEN = "..."

_NEVER_ACCEPTED = frozenset({400, 413, 422})


class UnavailableError(SensorError):
    """The message did not get through and should be sent again, `wait` seconds from now at the earliest."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class TokenRefusedError(UnavailableError):
    """The service did not accept the token; another may do."""


class RefusedError(SensorError):
    """The service read the message and refuses it as it is; sending it again cannot help."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    body: bytes


class Service:
    """The service's agent endpoints. For one thread."""

    def __init__(self, server: str, tokens: Tokens, *, ca_file: Path | None = None) -> None:
        """Check the address; nothing is sent yet.

        Raises:
            InsecureServerError: neither https nor this machine.
            SensorError: the certificate authority cannot be read.
        """
        parts = urlsplit(parse_server(server))
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path
        self._ca_file = ca_file
        self._trust = _trust(ca_file) if parts.scheme == "https" else None
        self._tokens = tokens
        self._connection: HTTPConnection | None = None

    def post(self, path: str, body: bytes) -> bytes:
        """Send a JSON message and give the service's answer, which it sends when it has committed the message.

        Raises:
            NoTokenError: there is no token now.
            UnavailableError: send it again later.
            RefusedError: do not send it again.
        """
        headers = {"Content-Type": "application/json"}
        if len(body) >= COMPRESS_FROM_BYTES:
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
        return self._ask("POST", path, body, headers, MAX_ANSWER_BYTES)

    def get(self, path: str, *, most: int) -> bytes:
        """What the service has at a path, at most `most` bytes of it.

        Raises:
            NoTokenError: there is no token now.
            UnavailableError: ask again later.
            RefusedError: the service will not answer this.
        """
        return self._ask("GET", path, None, {}, most)

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], most: int) -> bytes:
        token = self._tokens.get()
        headers = {**headers, "Authorization": f"Bearer {token}"}
        answer = self._exchange(method, self._base + path, body, headers, most)
        try:
            return _accepted(answer, token)
        except TokenRefusedError:
            self._tokens.discard(token)
            raise

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], most: int) -> _Answer:
        """One attempt, and a second where the server had closed the kept connection in the meantime."""
        kept = self._connection is not None
        try:
            return self._attempt(method, path, body, headers, most)
        except (OSError, HTTPException) as error:
            self.close()
            if self._ca_file and isinstance(error, ssl.SSLCertVerificationError):
                self._trust = _trust(self._ca_file)  # it may have been replaced, with the service's certificate
            if kept and isinstance(error, ConnectionError):
                return self._exchange(method, path, body, headers, most)
            raise UnavailableError(f"cannot reach the service: {str(error) or type(error).__name__}") from error

    def _attempt(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], most: int) -> _Answer:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        answer = _Answer(response.status, response.getheader("Retry-After"), response.read(most))
        if not response.isclosed():
            self.close()  # longer than any answer of ours
        return answer

    def _connect(self) -> HTTPConnection:
        connection = (
            HTTPSConnection(self._host, self._port, timeout=TIMEOUT_SECONDS, context=self._trust)
            if self._trust
            else HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        )
        connection.response_class = _PunctualResponse
        return connection


class _PunctualResponse(HTTPResponse):
    """An answer that has to be complete within `ANSWER_SECONDS`, however its bytes are spread."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_Punctual(self.fp.detach(), sock, time.monotonic() + ANSWER_SECONDS))


class _Punctual(io.RawIOBase):
    """What comes over a connection until a deadline."""

    def __init__(self, stream: io.RawIOBase, connection: socket.socket, deadline: float) -> None:
        self._stream = stream
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Raises TimeoutError when the time is up."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"its answer took more than {ANSWER_SECONDS:g} s")
        self._connection.settimeout(min(TIMEOUT_SECONDS, remaining))
        try:
            return self._stream.readinto(buffer)
        finally:
            self._connection.settimeout(TIMEOUT_SECONDS)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _accepted(answer: _Answer, token: str) -> bytes:
    if 200 <= answer.status < 300:
        return answer.body
    # What stands in between may show the request in its error page.
    reason = f"the service answered {answer.status}: {refusal_text(answer.body).replace(token, _HIDDEN)}"
    if answer.status in _NEVER_ACCEPTED:
        raise RefusedError(reason)
    wait = parse_retry_after(answer.retry_after) or (NOT_FOUND_SECONDS if answer.status == 404 else 0.0)
    raise TokenRefusedError(reason, wait) if answer.status == 401 else UnavailableError(reason, wait)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SensorError(f"cannot read the certificate authority {ca_file}: {error}") from error
