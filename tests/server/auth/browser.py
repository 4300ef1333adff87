"""A person's browser: it keeps the cookie and sends the session's CSRF token with every change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from tests.support.database import PASSWORD


class Browser:
    """Nobody is signed in at first."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http
        self.csrf_token = ""

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the decoded answer."""
        sent = {"x-csrf-token": self.csrf_token, **headers} if self.csrf_token else headers
        async with self.http.request(method, f"{self.url}{path}", json=body, headers=sent) as response:
            raw = await response.read()
            return response.status, msgspec.json.decode(raw) if raw else None

    async def sign_in(self, name: str, password: str = PASSWORD) -> tuple[int, Any]:
        """Sign in and remember what that gave."""
        status, answer = await self.request("POST", "/api/v1/session", {"name": name, "password": password})
        if status == 200:
            self.csrf_token = answer["csrf_token"]
        return status, answer

    async def status(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        """The status alone."""
        return (await self.request(method, path, body, **headers))[0]


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Browser]:
    """A browser of its own until the block ends."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(url, http)
