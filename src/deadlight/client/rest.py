"""The service's REST API for programs: what the command line and the demonstration use."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from deadlight.client.errors import ClientError
from deadlight.model import proxies

_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10)
_PAGE = 100
"""The most rows the service gives at once."""


class NotReachedError(ClientError):
    """Nothing answers at the address."""


class NotTheServiceError(ClientError):
    """Something else answers at the address: a proxy, a page to sign in, another program."""


class ApiError(ClientError):
    """The service answered that it will not; `code` and `message` are its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class RestClient:
    """A client of one service, with an API token; an async context manager."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # "unsafe" is aiohttp's word for keeping cookies of a host that is named by its address.
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=_TIMEOUT, trust_env=proxies.are_set(), cookie_jar=jar
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        *,
        content: bytes | None = None,
    ) -> Any:
        """The decoded answer, None where it has no body; `content` is sent as it is, where there is no `body`.

        Raises:
            NotReachedError: nobody answers.
            NotTheServiceError: somebody else does.
            ApiError: the answer is an error.
        """
        assert self._session, "used outside its context"
        try:
            async with self._session.request(
                method, self.url + path, json=body, data=content, params=_query(query)
            ) as response:
                raw = await response.read()
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise NotReachedError(f"{self.url!r} is no address such as https://deadlight.example.com") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotReachedError(f"{self.url} does not answer: {str(error) or 'no answer in time'}") from error
        except ValueError as error:  # a token with a line break in it, which is no header
            raise NotReachedError(f"{self.url} cannot be asked: {error}") from error
        return self._read(raw, response, path)

    def _read(self, raw: bytes, response: aiohttp.ClientResponse, path: str) -> Any:
        try:
            answer = msgspec.json.decode(raw) if raw else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if response.ok:
                raise NotTheServiceError(
                    f"{self.url} answers, but not as Deadlight does: is it the service's address, and does no proxy "
                    "ask to sign in first?"
                ) from None
            answer = None
        if response.ok:
            return answer
        details = answer if isinstance(answer, dict) else {}
        message = str(details.get("message") or f"{self.url}{path} answered {response.status}")
        raise ApiError(response.status, str(details.get("code", "")), message)

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """GET; raises as `request`."""
        return await self.request("GET", path, query=query)

    async def post(self, path: str, body: Any = None) -> Any:
        """POST; raises as `request`."""
        return await self.request("POST", path, body)

    async def upload(self, path: str, content: bytes) -> Any:
        """POST a file; raises as `request`."""
        return await self.request("POST", path, content=content)

    async def sign_in(self, name: str, password: str) -> dict[str, Any]:
        """Open a session for the calls that follow; raises as `request`."""
        session: dict[str, Any] = await self.post("/api/v1/session", {"name": name, "password": password})
        assert self._session, "used outside its context"
        self._session.headers["x-csrf-token"] = session["csrf_token"]
        return session

    async def list_rows(
        self, path: str, field: str, query: Mapping[str, Any], limit: int | None
    ) -> tuple[list[dict[str, Any]], int]:
        """Up to `limit` rows of a list with pages, all where that is None, and how many there are.

        `field` is where a page has its rows; raises as `request`.
        """
        rows: list[dict[str, Any]] = []
        key = ""
        while True:
            most = _PAGE if limit is None else min(_PAGE, limit - len(rows))
            page = await self.get(path, {**query, "limit": most, "next_key": key})
            rows += page[field]
            key = page["next_key"]
            if not key or (limit is not None and len(rows) >= limit):
                return rows, page["total"]


def _query(query: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(item)) for item in values if item not in {None, ""}]
    return pairs
