"""One HTTP request and its redirects: where credentials may travel, and what failures of the network mean."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import chain

import aiohttp
from yarl import URL

from deadlight import __version__
from deadlight.registry.answers import Answer, host_of, printable
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import MalformedAnswerError, TransientError, UnavailableError
from deadlight.registry.limits import MAX_REDIRECTS

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": f"deadlight/{__version__}", "Accept-Encoding": "identity"}
"""Identity: digests are of content as stored, and a compressed answer can be larger than it says."""


@dataclass(slots=True)
class Traffic:
    """What was sent and received since somebody took the count. Layers are left out: whoever reads them counts."""

    requests: int = 0
    bytes_received: int = 0
    """Heads, as far as their headers go, and bodies of answers."""

    def take(self) -> "Traffic":
        """The counts, which begin again at nothing."""
        taken = Traffic(self.requests, self.bytes_received)
        self.requests = self.bytes_received = 0
        return taken


class Transport:
    """Sends requests for one endpoint through a session that it does not own."""

    def __init__(
        self, session: aiohttp.ClientSession, trust: TlsTrust, idle_seconds: float, traffic: Traffic | None = None
    ) -> None:
        """Prepare; `idle_seconds` is how long nothing may happen on a connection. What is sent counts in `traffic`."""
        self._session = session
        self._traffic = Traffic() if traffic is None else traffic
        self._trust = trust
        self._idle_seconds = idle_seconds
        self._timeout = aiohttp.ClientTimeout(sock_connect=idle_seconds, sock_read=idle_seconds)

    @asynccontextmanager
    async def send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        *,
        body: bytes = b"",
        max_redirects: int = MAX_REDIRECTS,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, follow its redirects and hand over the answer, whatever its status.

        `Authorization` is dropped for good at the first redirect to another origin (scheme, host and port). A `body`
        would go wherever a redirect leads: allow none with it.

        Raises:
            TransientError: the network failed, here or while the caller reads the body.
            UnavailableError: certificates, redirects or the answer's form are not acceptable.
        """
        registry, headers = host_of(url), {**_HEADERS, **headers}
        with _network_errors(registry, self._idle_seconds):
            for _ in range(max_redirects + 1):
                async with self._session.request(
                    method,
                    url,
                    headers=headers,
                    data=body or None,
                    allow_redirects=False,
                    auto_decompress=False,
                    ssl=self._trust.for_url(url),
                    timeout=self._timeout,
                ) as response:
                    self._traffic.requests += 1
                    self._traffic.bytes_received += sum(map(len, chain.from_iterable(response.raw_headers)))
                    if response.status not in _REDIRECTS:
                        yield response
                        return
                    target = _redirect_target(registry, url, response.headers.get("Location", ""))
                if target.origin() != url.origin():
                    headers.pop("Authorization", None)
                url = target
        raise MalformedAnswerError(registry, _too_many(max_redirects, url))


async def read_answer(response: aiohttp.ClientResponse, asked: URL, limit: int) -> Answer:
    """Read an answer completely.

    Raises:
        MalformedAnswerError: its body is larger than `limit` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise MalformedAnswerError(host_of(response.url), f"it sends more than {limit} bytes")
    redirected = response.url.origin() != asked.origin()
    return Answer(response.url, redirected, response.status, response.headers, bytes(body))


def _redirect_target(registry: str, url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location, encoded=True))  # a CDN's signature covers the exact spelling
        usable = target.scheme in {"http", "https"} and bool(target.host) and target.raw_user is None
    except ValueError:
        usable = False
    if not location or not usable:
        raise MalformedAnswerError(registry, "it redirects to nowhere")
    if url.scheme == "https" and target.scheme == "http":
        raise MalformedAnswerError(registry, f"it redirects from https to plain http ({printable(host_of(target))})")
    return target


def _too_many(allowed: int, target: URL) -> str:
    return f"it redirects more than {allowed} times" if allowed else f"it redirects to {printable(host_of(target))}"


@contextmanager
def _network_errors(registry: str, idle_seconds: float) -> Iterator[None]:
    """Turn aiohttp's errors into ours, at the request as well as while its body is read."""
    try:
        yield
    except aiohttp.ClientSSLError as error:
        raise UnavailableError(registry, f"no trusted TLS connection ({_tls_cause(error)})") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise TransientError(registry, "its name cannot be resolved") from error
    except TimeoutError as error:
        raise TransientError(registry, f"it does not answer within {idle_seconds:g} s") from error
    except aiohttp.ClientConnectionError as error:
        raise TransientError(registry, f"the connection failed ({_cause(error)})") from error
    except aiohttp.ClientPayloadError as error:
        raise TransientError(registry, "the connection broke in the middle of an answer") from error
    except aiohttp.ClientError as error:
        raise MalformedAnswerError(registry, f"its answer is not acceptable HTTP ({_cause(error)})") from error


def _cause(error: Exception) -> str:
    """What happened in the operating system's words, or else in aiohttp's."""
    number = getattr(error, "errno", None)
    text = os.strerror(number) if isinstance(number, int) and number > 0 else str(error)
    return printable(text) or type(error).__name__


def _tls_cause(error: aiohttp.ClientSSLError) -> str:
    """OpenSSL's word for it: `self-signed certificate`, `WRONG_VERSION_NUMBER`."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    text = getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or str(error)
    return printable(text)
