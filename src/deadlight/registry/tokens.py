"""Getting tokens from a cloud's token server, and the signed assertions some of them want (RFC 6749, 7519, 7523)."""

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from yarl import URL

from deadlight.registry.answers import Answer, printable, refusal
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import MalformedAnswerError, UnavailableError
from deadlight.registry.leases import Lease
from deadlight.registry.limits import Limits, Timing
from deadlight.registry.source import Request, Source

SHORTEST_LIFE_SECONDS = 60.0
LONGEST_LIFE_SECONDS = 12 * 3600.0
_UNSAID_LIFE_SECONDS = 300.0

_MAX_TOKEN_BYTES = 64 * 1024
_LIMITS = Limits(concurrency=2, requests_per_second=5.0, attempts=3)
_TOKEN = re.compile(r"[!-~]{1,16384}")
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Grant(msgspec.Struct):
    """A token server's answer."""

    access_token: str = ""
    refresh_token: str = ""
    token: str = ""
    expires_in: float | None = None


class _Refusal(msgspec.Struct):
    error: str = ""


class TokenServer:
    """Asks one token server. Redirects are not followed: what is shown to it is meant for nobody else."""

    def __init__(self, base: URL, session: aiohttp.ClientSession, *, trust: TlsTrust, timing: Timing) -> None:
        """Prepare to ask."""
        self._source = Source(base, session, trust=trust, limits=_LIMITS, timing=timing)
        self._timing = timing
        self.name = self._source.name

    async def post_form(self, path: str, form: Mapping[str, str]) -> bytes:
        """The answer to a form; raises UnavailableError for a refusal, too."""
        return await self._post(path, urlencode(form).encode(), "application/x-www-form-urlencoded")

    async def post_json(self, path: str, document: object) -> bytes:
        """The answer to a document; raises UnavailableError for a refusal, too."""
        return await self._post(path, msgspec.json.encode(document), "application/json")

    def grant(self, content: bytes) -> Grant:
        """Read an answer that is a grant; raises UnavailableError."""
        try:
            return msgspec.json.decode(content, type=Grant, strict=False)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise MalformedAnswerError(self.name, "its token cannot be read") from error

    def lease(self, token: str, seconds: float | None = None) -> Lease[str]:
        """A token with the life that it states itself, unless one is given; raises UnavailableError for none."""
        if not _TOKEN.fullmatch(token):
            raise MalformedAnswerError(
                self.name, "its token cannot be sent in a header" if token else "it gives no token"
            )
        life = seconds or stated_life(token, self._timing.now()) or _UNSAID_LIFE_SECONDS
        return Lease(token, min(max(life, SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS))

    async def _post(self, path: str, body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        answer = await self._source.fetch(Request(path, method="POST", headers=headers, body=body, preauthorized=True))
        if answer.status in _REFUSALS and "html" not in answer.content_type:
            raise UnavailableError(self.name, f"it refuses our credentials ({_reason(answer)})")
        if answer.status != HTTPStatus.OK:
            raise refusal(answer)
        return answer.body


def _reason(answer: Answer) -> str:
    """Status and error code (RFC 6749, section 5.2); the description may repeat what we sent."""
    try:
        code = msgspec.json.decode(answer.body, type=_Refusal).error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        code = ""
    return f"{answer.status}, {printable(code, 40)}" if code else str(answer.status)


async def read_token_file(path: str, cloud: str) -> str:
    """The token that a cloud keeps fresh in a file of the pod; raises UnavailableError where it cannot be read."""
    try:
        return await asyncio.to_thread(_read_start, Path(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(cloud, f"the token file {path} cannot be read") from error


def _read_start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_TOKEN_BYTES).decode().strip()


class _Claims(msgspec.Struct):
    exp: float = 0.0


def stated_life(token: str, now: datetime) -> float | None:
    """The seconds a JSON Web Token says it has left, unverified: it only decides when to ask again."""
    try:
        _, payload, _ = token.split(".")
        claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    left = claims.exp - now.timestamp()
    return left if left > 0 else None


def signed_assertion(claims: Mapping[str, Any], key: RSAPrivateKey, key_id: str) -> str:
    """A JSON Web Token signed with RS256 (RFC 7515, 7518)."""
    header = {"alg": "RS256", "typ": "JWT", "kid": key_id}
    signed = f"{_encoded(msgspec.json.encode(header))}.{_encoded(msgspec.json.encode(claims))}"
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
