"""One base URL that is asked: a registry itself or a mirror of it. Authorised, paced, retried."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

import aiohttp
from yarl import URL

from deadlight.registry.answers import Answer, host_of, is_limited, is_version_check, refusal, states_absence
from deadlight.registry.authorization import Authorization, Authorizer
from deadlight.registry.challenges import parse_challenges
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import NotFoundError, RegistryError, TransientError
from deadlight.registry.limits import MAX_SMALL_BODY_BYTES, Limits, Timing
from deadlight.registry.pacing import Pace, backoff_seconds
from deadlight.registry.transport import Traffic, Transport, read_answer

_OUT_OF_ORDER = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a source."""

    path: str
    """Relative to the base URL, for example `v2/`, percent-encoded."""
    scope: str = ""
    """The token scope it needs."""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    preauthorized: bool = False
    """Its headers say who we are, or that we are nobody: a 401 is an answer, and a redirect is not followed."""
    size_limit: int = MAX_SMALL_BODY_BYTES
    """The most bytes an answer may have."""


class Source:
    """A place that may hold what is asked for."""

    def __init__(
        self,
        base: URL,
        session: aiohttp.ClientSession,
        *,
        trust: TlsTrust,
        limits: Limits,
        timing: Timing,
        basic: Authorization = "",
        pause_seconds: float = 0.0,
        traffic: Traffic | None = None,
    ) -> None:
        """Prepare to ask `base`; `basic` are its credentials as a header, `pause_seconds` its rest after a failure."""
        self.name = host_of(base)
        self.base = base
        self.limits = limits
        self.timing = timing
        self._pause_seconds = pause_seconds
        self._traffic = Traffic() if traffic is None else traffic
        self._pace = Pace(limits, timing)
        self._transport = Transport(session, trust, limits.request_seconds, self._traffic)
        self._authorizer = Authorizer(base, basic, self._transport, limits, timing)

    async def fetch(self, request: Request) -> Answer:
        """Ask a question and read its answer, again where that may help.

        Returns the answer of any status but 502, 503, 504 and those that limit our requests.

        Raises:
            UnavailableError: no answer within the limits, or none that is one.
        """
        async with self._pace.place():
            deadline = self.timing.clock() + self.limits.deadline_seconds
            for attempt in count(1):
                try:
                    return await self._attempt(request)
                except TransientError as error:
                    delay = backoff_seconds(attempt, error, self.limits, self.timing.chance())
                    if delay is None or self.timing.clock() + delay >= deadline:
                        self._rest_after(request.method, error)
                        raise
                await self.timing.sleep(delay)
        raise AssertionError  # count() does not end

    async def _attempt(self, request: Request) -> Answer:
        await self._pace.turn(request.method)
        try:
            async with asyncio.timeout(self.limits.request_seconds), self._exchange(request) as response:
                answer = await read_answer(response, self.base, request.size_limit)
                self._traffic.bytes_received += len(answer.body)
        except TimeoutError as error:
            raise self._no_answer() from error
        if answer.status in _OUT_OF_ORDER or is_limited(answer):
            raise refusal(answer)
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask once, whatever the status, and hand over the answer before its body is read.

        Raises:
            UnavailableError: as `fetch`, also while the body is read.
        """
        await self._pace.turn(request.method)
        try:
            async with (
                asyncio.timeout(self.limits.request_seconds) as headers_due,
                self._exchange(request) as response,
            ):
                headers_due.reschedule(None)
                yield response
        except TimeoutError as error:
            raise self._no_answer() from error

    async def explain_absence(self, answer: Answer, wanted: str, scope: str) -> RegistryError:
        """The error for a 404: NotFoundError only if a registry says that it does not have what is `wanted`.

        A 404 without a registry's own words counts as one where `/v2/` is answered as the distribution API.
        """
        absent = states_absence(answer)
        if absent is None:
            absent = is_version_check(await self.fetch(Request("v2/", scope)))
        return NotFoundError(f"{self.name} has no {wanted}") if absent else refusal(answer)

    @asynccontextmanager
    async def _exchange(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send it with what authorisation is known and, where the registry itself refuses that, once renewed."""
        url = self.base.joinpath(request.path, encoded=True).with_query(request.query)
        if request.preauthorized:
            async with self._transport.send(
                request.method, url, request.headers, body=request.body, max_redirects=0
            ) as response:
                yield response
            return
        known = await self._authorizer.header(request.scope)
        async with self._transport.send(request.method, url, _authorized(request.headers, known)) as response:
            if response.status != HTTPStatus.UNAUTHORIZED or response.url.origin() != url.origin():
                yield response
                return
            challenges = parse_challenges(response.headers.getall("WWW-Authenticate", ()))
        renewed = await self._authorizer.renew(challenges, request.scope, refused=known)
        async with self._transport.send(request.method, url, _authorized(request.headers, renewed)) as response:
            yield response

    def _no_answer(self) -> TransientError:
        return TransientError(self.name, f"it does not answer within {self.limits.request_seconds:g} s")

    def _rest_after(self, method: str, error: TransientError) -> None:
        wanted = error.retry_after_seconds or 0.0
        if wanted > self.limits.longest_wait_seconds or self._pause_seconds:
            self._pace.keep_quiet(method, max(wanted, self._pause_seconds), error)


def _authorized(headers: Mapping[str, str], authorization: str) -> dict[str, str]:
    return {**headers, "Authorization": authorization} if authorization else dict(headers)
