"""A double of GitHub's container registry and of its packages API, for they cannot run here.

Built from GitHub's public documentation: REST API "Endpoints for packages" (package versions of an organisation and of
a user), "Rate limits for the REST API" and "Working with the Container registry". It answers what our client asks, and
nothing else.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from tests.support.accounts import ASKING, Account, find_account
from tests.support.registries import TEST_HEADER, Handler
from tests.support.vendors import Pushes

from deadlight.demo.registry import DemoRegistry

HOST, API = "ghcr.io", "api.github.com"
READER = Account("ada", "ghp_reader", frozenset({"read:packages"}))
STRANGER = Account("eve", "ghp_stranger", frozenset({"repo"}))


class GitHub:
    """The double. Everything may be changed at any time."""

    hosts = (HOST, API)

    def __init__(self) -> None:
        self.owners = {"shop": "orgs"}
        """Whether an owner is one of the `orgs` or `users`."""
        self.pushes = Pushes()
        self.remaining = 5_000
        """Requests until the limit is reached."""
        self.asked: list[str] = []

    def application(self) -> web.Application:
        """The registry and the API."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._let_in, self.pushes.keep))
        path = "/{kind:orgs|users}/{owner}/packages/container/{package}/versions"
        application.add_routes([web.get("/rate_limit", self._get_limits), web.get(path, self._list_versions)])
        return application

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if TEST_HEADER in request.headers or request.path.startswith("/v2/"):
            return await handler(request)
        account = find_account(request, (READER, STRANGER), READER)
        self.asked.append(request.path)
        if request.host != API or account is None or not account.name:
            return web.json_response({"message": "Bad credentials"}, status=401)
        if self.remaining == 0:
            now = datetime.now(UTC)
            reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(now.timestamp()) + 600)}
            date = {"Date": format_datetime(now.replace(microsecond=0), usegmt=True)}
            return web.json_response({"message": "API rate limit exceeded"}, status=403, headers=reset | date)
        request[ASKING] = account
        response = await handler(request)
        response.headers["X-OAuth-Scopes"] = ", ".join(sorted(account.rights))
        response.headers["X-RateLimit-Remaining"] = str(self.remaining)
        return response

    async def _get_limits(self, _request: web.Request) -> web.Response:
        return web.json_response({"resources": {"core": {"limit": 5000, "remaining": self.remaining}}, "rate": {}})

    async def _list_versions(self, request: web.Request) -> web.Response:
        if "read:packages" not in request[ASKING].rights:
            return web.json_response({"message": "You need at least read:packages scope"}, status=403)
        owner, package = request.match_info["owner"], request.match_info["package"]
        versions = self._versions(f"{owner}/{package}")
        if not versions or self.owners.get(owner) != request.match_info["kind"]:
            return web.json_response({"message": "Package not found."}, status=404)
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        return web.json_response(versions[(page - 1) * size : page * size])

    def _versions(self, name: str) -> list[dict[str, Any]]:
        """The versions of a package, the latest first."""
        owner, _, package = name.partition("/")
        page = f"https://github.com/orgs/{owner}/packages/container/{package}"
        found = [
            {
                "id": number,
                "name": digest,
                "html_url": f"{page}/{number}",
                "created_at": f"{at + timedelta():%Y-%m-%dT%H:%M:%SZ}",
                "metadata": {
                    "package_type": "container",
                    "container": {"tags": self.pushes.tags_of(name, digest)},
                },
            }
            for number, ((holder, digest), at) in enumerate(self.pushes.images.items(), 1)
            if holder == name
        ]
        return found[::-1]
