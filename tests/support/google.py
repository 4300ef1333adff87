"""A double of Google Artifact Registry and Google's token server, for they cannot run here. It checks assertions.

Built from Google's public documentation: the Artifact Registry REST API v1 (`projects.locations.repositories` and
`.dockerImages`), "Configure authentication to Artifact Registry for Docker", and "Using OAuth 2.0 for server to server
applications". It answers what our client asks, and nothing else.
"""

import json
from base64 import b64decode, urlsafe_b64decode
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.support.accounts import Account
from tests.support.registries import TEST_HEADER, Handler
from tests.support.vendors import Pushes

from deadlight.demo.registry import DemoRegistry

HOST, API, TOKENS = "europe-docker.pkg.dev", "artifactregistry.googleapis.com", "oauth2.googleapis.com"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REPOSITORY = "/v1/projects/{project}/locations/europe/repositories/{repository}"


@cache
def _key(name: str) -> RSAPrivateKey:
    del name
    return generate_private_key(65537, 2048)


def service_account(name: str) -> Account:
    """A service account with its JSON key as password."""
    pem = _key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    document = {
        "type": "service_account",
        "client_email": f"{name}@acme.iam.gserviceaccount.com",
        "private_key": pem,
        "private_key_id": f"{name}-1",
        "token_uri": "https://tokens.attacker.example/steal",
    }
    return Account("_json_key", json.dumps(document))


class Google:
    """The double. Everything may be changed at any time."""

    hosts = (HOST, API, TOKENS)

    def __init__(self) -> None:
        self.readers = {"reader"}
        """Service accounts that may see everything; others exist, too."""
        self.known = {"reader", "stranger"}
        self.repositories: dict[str, dict[str, Any]] = {
            "images": {"mode": "STANDARD_REPOSITORY", "dockerConfig": {}},
            "hub": {
                "mode": "REMOTE_REPOSITORY",
                "remoteRepositoryConfig": {"dockerRepository": {"publicRepository": "DOCKER_HUB"}},
            },
        }
        self.pushes = Pushes()
        self.tokens: dict[str, str] = {}
        """The account of each access token."""
        self._numbers = count(1)

    def application(self) -> web.Application:
        """The registry, its API and the token server."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._let_in, self.pushes.keep))
        application.add_routes(
            [
                web.post("/token", self._give_token),
                web.get(_REPOSITORY, self._get_repository),
                web.get(_REPOSITORY + "/dockerImages/{image}", self._get_image),
            ]
        )
        return application

    def protect(self, _tag: str) -> None:
        """Have all tags stay where they are."""
        self.repositories["images"]["dockerConfig"] = {"immutableTags": True}

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if TEST_HEADER in request.headers or request.host == TOKENS:
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if request.host == HOST:
            user, _, password = b64decode(given).decode().partition(":") if scheme == "Basic" else ("", "", "")
            if user == "oauth2accesstoken" and password in self.tokens:
                return await handler(request)
            challenge = {"WWW-Authenticate": 'Basic realm="artifact registry"'}
            return web.json_response({"errors": [{"code": "UNAUTHORIZED"}]}, status=401, headers=challenge)
        if scheme != "Bearer" or given not in self.tokens:
            return _error(401, "UNAUTHENTICATED")
        return await handler(request) if self.tokens[given] in self.readers else _error(403, "PERMISSION_DENIED")

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        account = self._read_assertion(str(form.get("assertion", "")))
        if request.host != TOKENS or form.get("grant_type") != _GRANT or account is None:
            return web.json_response({"error": "invalid_grant", "error_description": "refused"}, status=400)
        token = f"ya29.token-{next(self._numbers)}"
        self.tokens[token] = account
        return web.json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _read_assertion(self, assertion: str) -> str | None:
        """The account that signed it; None unless everything is as it must be."""
        header, payload, signature = [*assertion.split("."), "", ""][:3]
        described, claims = _decoded(header), _decoded(payload)
        name = str(claims.get("iss", "")).partition("@")[0]
        if name not in self.known or described.get("alg") != "RS256" or described.get("kid") != f"{name}-1":
            return None
        try:
            signed = urlsafe_b64decode(signature + "==")
            _key(name).public_key().verify(signed, f"{header}.{payload}".encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return None
        now = datetime.now(UTC).timestamp()
        in_time = claims["iat"] <= now + 60 and now < claims["exp"] <= claims["iat"] + 3600
        meant = claims["aud"] == f"https://{TOKENS}/token" and claims["scope"].endswith("/cloud-platform.read-only")
        return name if in_time and meant else None

    # --- the API --------------------------------------------------------------------------------------------

    async def _get_repository(self, request: web.Request) -> web.Response:
        found = self.repositories.get(request.match_info["repository"])
        if found is None or request.match_info["project"] != "acme":
            return _error(404, "NOT_FOUND")
        return web.json_response({"format": "DOCKER"} | found)

    async def _get_image(self, request: web.Request) -> web.Response:
        image, _, digest = request.match_info["image"].partition("@")
        name = f"acme/{request.match_info['repository']}/{image}"
        pushed_at = self.pushes.images.get((name, digest))
        if pushed_at is None:
            return _error(404, "NOT_FOUND")
        return web.json_response(
            {
                "uri": f"{HOST}/{name}@{digest}",
                "tags": self.pushes.tags_of(name, digest),
                "uploadTime": f"{pushed_at:%Y-%m-%dT%H:%M:%S}.000000123Z",
            }
        )


def _decoded(part: str) -> dict[str, Any]:
    try:
        decoded: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return decoded


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": status, "status": code, "message": "refused"}}, status=status)
