"""AWS's JSON protocol: a signed POST that names the action in a header."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from deadlight.registry.answers import Answer, host_of, printable, refusal
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import (
    MalformedAnswerError,
    NotFoundError,
    RegistryError,
    TransientError,
    UnavailableError,
    WithheldError,
)
from deadlight.registry.limits import Timing
from deadlight.registry.rest import API_LIMITS, MAX_DOCUMENT_BYTES
from deadlight.registry.source import Request, Source
from deadlight.registry.types.amazon.identity import Keys
from deadlight.registry.types.amazon.signing import sign

_TARGET = "AmazonEC2ContainerRegistry_V20150921"
_ABSENT = frozenset({"RepositoryNotFoundException", "ImageNotFoundException", "InvalidParameterException"})
"""The last is for names that nothing can have."""

_WITHHELD = frozenset({"AccessDeniedException"})
_BUSY = frozenset({"ThrottlingException", "TooManyRequestsException", "LimitExceededException"})

T = TypeVar("T")


class _Error(msgspec.Struct, rename={"kind": "__type"}):
    kind: str = ""


class EcrActions:
    """The ECR API of one region."""

    def __init__(
        self, base: URL, region: str, keys: Keys, session: aiohttp.ClientSession, *, trust: TlsTrust, timing: Timing
    ) -> None:
        """Prepare to ask."""
        self._source = Source(base, session, trust=trust, limits=API_LIMITS, timing=timing)
        self._host = host_of(base)
        self._region = region
        self._keys = keys
        self._timing = timing
        self.name = self._source.name

    async def call(self, action: str, document: Mapping[str, object], of: type[T]) -> T:
        """Ask for an action's result.

        Raises:
            NotFoundError: there is no such repository or image.
            WithheldError: our keys may not ask that.
            UnavailableError: it could not be asked, or refuses our keys.
        """
        body = msgspec.json.encode(document)
        headers = {
            "Host": self._host,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{_TARGET}.{action}",
        }
        signed = sign(
            "POST", headers, body, keys=await self._keys(), region=self._region, service="ecr", at=self._timing.now()
        )
        request = Request(
            "", method="POST", headers=signed, body=body, size_limit=MAX_DOCUMENT_BYTES, preauthorized=True
        )
        answer = await self._source.fetch(request)
        if answer.status != HTTPStatus.OK:
            raise self._error(answer, action)
        try:
            return msgspec.json.decode(answer.body, type=of)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise MalformedAnswerError(self.name, f"its answer cannot be read ({printable(str(error))})") from error

    def _error(self, answer: Answer, action: str) -> RegistryError:
        kind = _kind(answer.body)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not kind:
            return refusal(answer)
        if kind in _ABSENT:
            return NotFoundError(f"{self.name} has no such thing ({action}, {kind})")
        if kind in _WITHHELD:
            return WithheldError(f"{self.name} does not answer {action} ({kind})")
        if kind in _BUSY:
            return TransientError(self.name, f"it limits our requests ({kind})")
        return UnavailableError(self.name, f"it refuses our keys ({kind})")


def _kind(body: bytes) -> str:
    """The name of an error, of which AWS writes the namespace before or a link after."""
    try:
        kind = msgspec.json.decode(body, type=_Error).kind
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    return printable(kind.rpartition("#")[2].partition(":")[0])
