"""A double of Azure Container Registry and Microsoft Entra's token endpoint, for they cannot run here.

Built from Microsoft's public documentation: the Container Registry data-plane REST API 2021-07-01 (tag, manifest and
repository attributes, `/oauth2/exchange`, `/oauth2/token`), "Authenticate with an Azure container registry", "Lock a
container image" and "OAuth 2.0 client credentials flow". It answers what our client asks, and nothing else.
"""

from base64 import b64decode
from itertools import count
from typing import Any

from aiohttp import web
from tests.support.accounts import Account, written
from tests.support.registries import TEST_HEADER, Handler
from tests.support.vendors import Pushes

from deadlight.demo.registry import DemoRegistry

HOST, ENTRA = "acme.azurecr.io", "login.microsoftonline.com"
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
NOBODY = "00000000-0000-0000-0000-000000000000"
RIGHTS = frozenset({"content/read", "metadata/read"})
READER = Account("deadlight-token", "reads all", RIGHTS)
STRANGER = Account("stranger-token", "pulls only", frozenset({"content/read"}))
APPLICATION, APPLICATION_SECRET, POD_TOKEN = "app-id", "app-secret", "pod-token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Azure:
    """The double. Everything may be changed at any time."""

    hosts = (HOST, ENTRA)

    def __init__(self) -> None:
        self.accounts = {account.name: account for account in (READER, STRANGER)}
        self.pushes = Pushes()
        self.locked_tags: set[tuple[str, str]] = set()
        self.locked_repositories: set[str] = set()
        self.entra_tokens: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.signed_in: list[str] = []
        """How applications proved themselves."""
        self._access: dict[str, tuple[str, frozenset[str]]] = {}
        """The repository and rights of each access token."""
        self._numbers = count(1)

    def application(self) -> web.Application:
        """The registry, its API and Entra."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._let_in, self.pushes.keep))
        name = "/acr/v1/{name:.+}"
        application.add_routes(
            [
                web.post("/{tenant}/oauth2/v2.0/token", self._sign_in),
                web.post("/oauth2/exchange", self._exchange),
                web.get("/oauth2/token", self._give_token),
                web.get(f"{name}/_tags/{{tag}}", self._get_tag),
                web.get(f"{name}/_manifests/{{digest}}", self._get_manifest),
                web.get(name, self._get_repository),
            ]
        )
        return application

    def protect(self, tag: str) -> None:
        """Lock a tag."""
        self.locked_tags.add(("shop/web", tag))

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        needs_token = request.path.startswith(("/v2/", "/acr/")) and TEST_HEADER not in request.headers
        if not needs_token:
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_metadata = request.path.startswith("/acr/")
        granted = self._access.get(given) if scheme == "Bearer" and request.host == HOST else None
        if granted is not None:
            name, rights = granted
            if not is_metadata or (f"/acr/v1/{name}" in request.path and "metadata/read" in rights):
                return await handler(request)
        repository = request.path.removeprefix("/acr/v1/").partition("/_")[0]
        scope = f',scope="repository:{repository}:metadata_read"' if is_metadata else ""
        challenge = f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}"{scope}'
        return _error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    # --- tokens ---------------------------------------------------------------------------------------------

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        by_secret = form.get("client_secret") == APPLICATION_SECRET
        by_pod = form.get("client_assertion_type") == _ASSERTION and form.get("client_assertion") == POD_TOKEN
        meant = (form.get("grant_type"), form.get("client_id"), form.get("scope"), request.match_info["tenant"])
        wanted = ("client_credentials", APPLICATION, "https://containerregistry.azure.net/.default", TENANT)
        if request.host != ENTRA or meant != wanted or not (by_secret or by_pod):
            return web.json_response({"error": "invalid_client", "error_description": "AADSTS7000215"}, status=401)
        self.signed_in.append("secret" if by_secret else "pod")
        token = f"entra-{next(self._numbers)}"
        self.entra_tokens.add(token)
        return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        meant = (form.get("grant_type"), form.get("service"), form.get("tenant"))
        if request.host != HOST or meant != ("access_token", HOST, TENANT):
            return _error(400, "UNSUPPORTED")
        if form.get("access_token") not in self.entra_tokens:
            return _error(401, "UNAUTHORIZED")
        token = f"refresh-{next(self._numbers)}"
        self.refresh_tokens.add(token)
        return web.json_response({"refresh_token": token})

    async def _give_token(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = b64decode(given).decode().partition(":")
        account = self.accounts.get(user)
        if user == NOBODY and password in self.refresh_tokens:
            rights = RIGHTS
        elif account is not None and account.password == password:
            rights = account.rights
        else:
            return _error(401, "UNAUTHORIZED")
        token = f"access-{next(self._numbers)}"
        self._access[token] = (request.query.get("scope", "::").split(":")[1], rights)
        return web.json_response({"access_token": token})

    # --- the API --------------------------------------------------------------------------------------------

    async def _get_tag(self, request: web.Request) -> web.Response:
        name, tag = request.match_info["name"], request.match_info["tag"]
        if (name, tag) not in self.pushes.tags:
            return _error(404, "TAG_UNKNOWN")
        digest, at = self.pushes.tags[name, tag]
        attributes = _attributes(locked=(name, tag) in self.locked_tags)
        described = {"name": tag, "digest": digest, "createdTime": written(at), "lastUpdateTime": written(at)}
        return self._described(name, "tag", described | attributes)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        name, digest = request.match_info["name"], request.match_info["digest"]
        if (name, digest) not in self.pushes.images:
            return _error(404, "MANIFEST_UNKNOWN")
        created = written(self.pushes.images[name, digest])
        described = {"digest": digest, "createdTime": created, "tags": self.pushes.tags_of(name, digest)}
        return self._described(name, "manifest", described | _attributes(locked=False))

    async def _get_repository(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        attributes = _attributes(locked=name in self.locked_repositories)
        return web.json_response({"registry": HOST, "imageName": name} | attributes)

    def _described(self, name: str, kind: str, document: dict[str, Any]) -> web.Response:
        return web.json_response({"registry": HOST, "imageName": name, kind: document})


def _attributes(*, locked: bool) -> dict[str, Any]:
    allowed = {"deleteEnabled": True, "writeEnabled": not locked, "readEnabled": True, "listEnabled": True}
    return {"changeableAttributes": allowed}


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": "refused"}]}, status=status, headers=headers)
