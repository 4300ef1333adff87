"""Who we are at a registry: Basic credentials, or tokens of the server it names.

The token flow is the one of Docker's registry token specification, which the OCI distribution specification leaves
to registries and which all of them implement: a 401 names a realm, a GET there with the scope wanted returns a token.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias
from weakref import WeakValueDictionary

import msgspec
from yarl import URL

from deadlight.registry.answers import host_of, printable, refusal
from deadlight.registry.challenges import Challenge
from deadlight.registry.errors import MalformedAnswerError, UnavailableError
from deadlight.registry.limits import MAX_SMALL_BODY_BYTES, Limits, Timing
from deadlight.registry.transport import Transport, read_answer

Authorization: TypeAlias = str | Callable[[], Awaitable[str]]
"""An `Authorization` header, empty for nobody, or what gives the one that is good now: some are lent for hours only."""

_SHORTEST_LIFE_SECONDS = 60.0
"""What the token specification promises at least, and means where `expires_in` is absent."""

_LONGEST_LIFE_SECONDS = 3600.0
_USED_PART_OF_LIFE = 0.9
_TOKEN = re.compile(r"[!-~]{1,16384}")


class _TokenDocument(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    expires_at: float


async def current(authorization: Authorization) -> str:
    """The header that is good now; raises UnavailableError where it is lent and cannot be had."""
    return authorization if isinstance(authorization, str) else await authorization()


class Authorizer:
    """The `Authorization` headers for one base URL. `basic` is the credentials' own header."""

    def __init__(self, base: URL, basic: Authorization, transport: Transport, limits: Limits, timing: Timing) -> None:
        """Prepare; the headers are for requests that go through `transport`."""
        self._base = base
        self._basic = basic
        self._transport = transport
        self._max_tokens = limits.tokens
        self._timing = timing
        self._wants_basic = False
        self._tokens: OrderedDict[str, _Token] = OrderedDict()
        self._renewals: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def header(self, scope: str) -> str:
        """What to send for `scope` as far as known; empty before the registry has asked for anything."""
        if self._wants_basic:
            return await current(self._basic)
        token = self._tokens.get(scope)
        return token.header if token is not None and token.expires_at > self._timing.clock() else ""

    async def renew(self, challenges: Sequence[Challenge], scope: str, *, refused: str) -> str:
        """Answer a 401 to a request that carried `refused`: the header to try next, once.

        Raises:
            UnavailableError: there is none, or the token server does not give one.
        """
        bearer = next((c for c in challenges if c.scheme == "bearer" and c.parameters.get("realm")), None)
        if bearer is not None:
            async with self._renewals.setdefault(scope, asyncio.Lock()):
                known = await self.header(scope)
                if known and known != refused:
                    return known  # renewed by another request in the meantime
                return await self._fetch_token(bearer, scope)
        if any(challenge.scheme == "basic" for challenge in challenges):
            return self._use_basic(await current(self._basic), refused)
        offered = ", ".join(sorted({printable(challenge.scheme, 20) for challenge in challenges})) or "nothing"
        raise UnavailableError(host_of(self._base), f"it wants a login that we do not know (401, offers {offered})")

    def _use_basic(self, basic: str, refused: str) -> str:
        if not basic:
            raise UnavailableError(host_of(self._base), "it wants a user name and password, and none are set (401)")
        if refused == basic:
            raise UnavailableError(host_of(self._base), "it refuses our user name and password (401)")
        self._wants_basic = True
        return basic

    async def _fetch_token(self, challenge: Challenge, scope: str) -> str:
        url = self._token_url(challenge, scope)
        basic = await current(self._basic)
        headers = {"Authorization": basic} if basic else {}
        async with self._transport.send("GET", url, headers) as response:
            answer = await read_answer(response, url, MAX_SMALL_BODY_BYTES)
        if answer.status != HTTPStatus.OK:
            raise refusal(answer)
        header, life = _read_token(answer.registry, answer.body)
        self._wants_basic = False
        self._tokens[scope] = _Token(header, self._timing.clock() + life * _USED_PART_OF_LIFE)
        self._tokens.move_to_end(scope)
        while len(self._tokens) > self._max_tokens:
            self._tokens.popitem(last=False)
        return header

    def _token_url(self, challenge: Challenge, scope: str) -> URL:
        """Where to get the token; credentials travel only encrypted or to the registry itself."""
        registry = host_of(self._base)
        try:
            realm = URL(challenge.parameters["realm"])
            usable = realm.scheme in {"http", "https"} and bool(realm.host) and realm.raw_user is None
        except ValueError:
            usable = False
        if not usable:
            raise MalformedAnswerError(registry, "it names a token server that is not an http(s) URL")
        if self._basic and realm.scheme != "https" and realm.origin() != self._base.origin():
            raise UnavailableError(registry, f"its token server {host_of(realm)} wants our password without TLS")
        wanted = {"service": challenge.parameters.get("service", ""), "scope": challenge.parameters.get("scope", scope)}
        return realm.update_query({name: value for name, value in wanted.items() if value})


def _read_token(registry: str, body: bytes) -> tuple[str, float]:
    """The header and the seconds it is good for, from a token server's answer."""
    try:
        document = msgspec.json.decode(body, type=_TokenDocument, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedAnswerError(registry, "its token cannot be read") from error
    token = document.token or document.access_token or ""
    if not _TOKEN.fullmatch(token):
        raise MalformedAnswerError(registry, "its token cannot be sent in a header" if token else "it gives no token")
    life = document.expires_in or _SHORTEST_LIFE_SECONDS
    return f"Bearer {token}", min(max(life, _SHORTEST_LIFE_SECONDS), _LONGEST_LIFE_SECONDS)
