"""The JSON API that a registry's product has besides the distribution API: asked politely, read warily.

What comes back is one of three things and never confused: a value, `NotFoundError` or `WithheldError` for what the
product itself says it does not have or does not show, and `UnavailableError` for what nobody can know right now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from deadlight.registry.answers import Answer, is_html, printable, refusal
from deadlight.registry.authorization import Authorization, current
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import MalformedAnswerError, NotFoundError, UnavailableError, WithheldError
from deadlight.registry.limits import Limits, Timing
from deadlight.registry.source import Request, Source

MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
"""A build record with its modules, the largest document that is asked for, has hundreds of kilobytes."""

API_LIMITS = Limits(concurrency=8, requests_per_second=20.0, attempts=3)
"""Product APIs answer from databases that people wait for, too: far gentler than what serves manifests."""

_NOT_OFFERED = frozenset({400, 402, 405, 410, 422, 501})
"""An edition or version that does not have this question, or our account may not put it in this form."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A decoded document and what came with it."""

    value: T
    headers: Mapping[str, str]
    """Case-insensitive."""


def part(text: str) -> str:
    """Foreign or user's text as one part of a path, whatever is in it."""
    return quote(text, safe="$:+@~!")


class RestApi:
    """Asks one base URL, and sends `authorization` nowhere else: redirects are not followed."""

    def __init__(
        self,
        base: URL,
        session: aiohttp.ClientSession,
        *,
        trust: TlsTrust,
        authorization: Authorization = "",
        limits: Limits = API_LIMITS,
        timing: Timing,
    ) -> None:
        """Prepare to ask; `authorization` is the header's value, empty for nobody."""
        self.base = base
        self.is_anonymous = not authorization
        self._authorization = authorization
        self._source = Source(base, session, trust=trust, limits=limits, timing=timing)
        self.name = self._source.name

    async def fetch(
        self,
        path: str,
        of: type[T],
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        text: str = "",
        size_limit: int = MAX_DOCUMENT_BYTES,
    ) -> Reply[T]:
        """Ask for a document: by GET, or by POST of `text`, plain unless `headers` say otherwise.

        `path` is percent-encoded; the document has at most `size_limit` bytes.

        Raises:
            NotFoundError: the product says that there is none.
            WithheldError: it does not show it to our account, or does not offer it.
            UnavailableError: it could not be asked, refuses our credentials, or its answer means nothing.
        """
        request = Request(
            path,
            method="POST" if text else "GET",
            headers=await self._headers() | ({"Content-Type": "text/plain"} if text else {}) | dict(headers or {}),
            query=query or {},
            body=text.encode(),
            size_limit=size_limit,
            preauthorized=True,
        )
        answer = await self._source.fetch(request)
        self._check(answer, path)
        return Reply(self._decode(answer, of), answer.headers)

    async def _headers(self) -> dict[str, str]:
        authorization = await current(self._authorization)
        return {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})

    def _check(self, answer: Answer, path: str) -> None:
        """Raise what an answer without the document means."""
        shown = f"{printable(path, 200)} ({answer.status})"
        match answer.status:
            case HTTPStatus.OK:
                return
            case HTTPStatus.NOT_FOUND if not is_html(answer):
                raise NotFoundError(f"{self.name} has no {shown}")
            case HTTPStatus.UNAUTHORIZED if not self.is_anonymous:
                raise UnavailableError(self.name, "it refuses our credentials (401)")
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise WithheldError(f"{self.name} does not show us {shown}")
            case status if status in _NOT_OFFERED:
                raise WithheldError(f"{self.name} does not offer {shown}")
            case _:
                raise refusal(answer)

    def _decode(self, answer: Answer, of: type[T]) -> T:
        if is_html(answer):
            raise MalformedAnswerError(self.name, "it answers with a web page instead of a document")
        try:
            return msgspec.json.decode(answer.body, type=of)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise MalformedAnswerError(self.name, f"its answer cannot be read ({printable(str(error))})") from error


class Inquiry:
    """One round of questions that may each go without an answer. Collects what our account may not see."""

    def __init__(self, api: RestApi) -> None:
        """Begin."""
        self._api = api
        self._problems: dict[str, None] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What was not shown, for people, in the order of asking."""
        return tuple(self._problems)

    async def find(
        self, path: str, of: type[T], *, needs: str, query: Mapping[str, str] | None = None, text: str = ""
    ) -> T | None:
        """As `RestApi.fetch`, with None for what is not there or not shown; `needs` says which right is missing then.

        Raises:
            UnavailableError: as `RestApi.fetch`.
        """
        try:
            return (await self._api.fetch(path, of, query=query, text=text)).value
        except NotFoundError:
            return None
        except WithheldError as error:
            self._problems[f"{error}: {needs}"] = None
            return None
