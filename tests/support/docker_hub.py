"""A double of Docker Hub's API, for it cannot run here.

Built from Docker's public API reference (Docker Hub API 2: "Create access token", "Read repository tag", "Get
repository"), its changelog (`immutable_tags_settings`) and the documentation "Immutable tags on Docker Hub". It answers
what our client asks, and nothing else.
"""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiohttp import web
from tests.support.accounts import Account, written
from tests.support.registries import TEST_HEADER, Handler
from tests.support.vendors import Pushes

from deadlight.demo.registry import DemoRegistry

HOST, REGISTRY, API = "docker.io", "registry-1.docker.io", "hub.docker.com"
READER = Account("auditor", "dckr_pat_reader", frozenset({"read"}))
STRANGER = Account("stranger", "dckr_pat_stranger")
PUSHER = "ada"
_REPOSITORY = "/v2/namespaces/{namespace}/repositories/{repository}"


class DockerHub:
    """The double. Everything may be changed at any time."""

    hosts = (REGISTRY, API)

    def __init__(self) -> None:
        self.accounts = {account.name: account for account in (READER, STRANGER)}
        self.pushes = Pushes()
        self.rules: dict[str, list[str]] = {}
        """Of repositories whose immutable tags are on."""
        self.tokens: dict[str, Account] = {}
        self._numbers = count(1)

    def application(self) -> web.Application:
        """The registry and the API."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._let_in, self.pushes.keep))
        application.add_routes(
            [
                web.post("/v2/auth/token", self._give_token),
                web.get(_REPOSITORY, self._get_repository),
                web.get(_REPOSITORY + "/tags/{tag}", self._get_tag),
            ]
        )
        return application

    def protect(self, tag: str) -> None:
        """Have a tag stay where it is."""
        self.rules["shop/web"] = [f"^{tag}$"]

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if TEST_HEADER in request.headers or not request.path.startswith("/v2/namespaces/"):
            return await handler(request)
        account = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if request.host != API or account is None:
            return web.json_response({"message": "unauthorized", "errinfo": {}}, status=401)
        if "read" not in account.rights:
            return web.json_response({"message": "access denied", "errinfo": {}}, status=403)
        return await handler(request)

    async def _give_token(self, request: web.Request) -> web.Response:
        login = await request.json()
        account = self.accounts.get(login.get("identifier"))
        if request.host != API or account is None or account.password != login.get("secret"):
            return web.json_response({"detail": "Incorrect authentication credentials"}, status=401)
        claims = {"exp": int(datetime.now(UTC).timestamp()) + 600, "sub": account.name, "jti": next(self._numbers)}
        token = f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"
        self.tokens[token] = account
        return web.json_response({"access_token": token})

    async def _get_repository(self, request: web.Request) -> web.Response:
        name = _name(request)
        rules = self.rules.get(name)
        settings = {"enabled": rules is not None, "rules": rules or [".*"]}
        return web.json_response({"namespace": "shop", "name": "web", "immutable_tags_settings": settings})

    async def _get_tag(self, request: web.Request) -> web.Response:
        name, tag = _name(request), request.match_info["tag"]
        if (name, tag) not in self.pushes.tags:
            return web.json_response({"message": "httperror 404: tag not found", "errinfo": {}}, status=404)
        digest, at = self.pushes.tags[name, tag]
        images: list[dict[str, Any]] = [
            {"architecture": "amd64", "os": "linux", "digest": child, "last_pushed": written(at)}
            for child in self.pushes.children[digest] or [digest]
        ]
        return web.json_response(
            {
                "name": tag,
                "digest": digest,
                "images": images,
                "last_updated": written(at),
                "tag_last_pushed": written(at),
                "last_updater_username": PUSHER,
            }
        )


def _name(request: web.Request) -> str:
    return f"{request.match_info['namespace']}/{request.match_info['repository']}"
