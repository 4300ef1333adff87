"""A double of JFrog Artifactory's REST API, for it cannot run here. It knows what is pushed to it as a registry.

Built from JFrog's public reference, pages "Get File Info", "Get Item Properties", "Artifactory Query Language", "Get
Repository Configuration", "Build Info", "Version and Add-ons Information", "Trash Can", "Permission Details" and
Xray's "Get Version". It answers what our client asks, with the limits and errors described there, and nothing else.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from tests.support.accounts import ANONYMOUS, ASKING, Account, Calendar, find_account, written

from deadlight.demo.registry import DemoRegistry, Handler, Repository
from deadlight.registry.documents import INDEX_TYPES, digest_of

TRASH = "auto-trashcan"
RIGHTS = frozenset({"read", "builds", "manage"})
PUSHER = Account("ci-deployer", "pushes only", RIGHTS)
READER = Account("deadlight", "reads all", RIGHTS)
STRANGER = Account("stranger", "sees nothing")

_QUERY = re.compile(r"items\.find\((?P<criteria>\{.*\})\)\.include\((?P<fields>[^)]*)\)\.limit\((?P<limit>\d+)\)")
_NEEDED_FIELDS = {"repo", "path", "name"}
"""Without these in its `include`, AQL refuses accounts that are no administrators."""


@dataclass
class StoredFile:
    """A manifest in a folder."""

    sha256: str
    created: datetime
    created_by: str
    modified: datetime
    modified_by: str
    properties: dict[str, str] = field(default_factory=dict)


class _Content(DemoRegistry):
    """The registry behind it, in which one repository may be seen through another."""

    def __init__(self, seen_through: dict[str, list[str]]) -> None:
        super().__init__()
        self._seen_through = seen_through

    def _held(self, request: web.Request) -> Repository:
        key, _, path = request.match_info["name"].partition("/")
        wanted = request.match_info.get("reference") or request.match_info.get("digest", "")
        for member in self._seen_through.get(key, ()):
            held = self._repositories.get(f"{member}/{path}", Repository())
            if wanted in {*held.tags, *held.manifests, *held.blobs}:
                return held
        return super()._held(request)


class Artifactory:
    """The double. `accounts` may be changed at any time, as may versions, builds and settings."""

    def __init__(self) -> None:
        """With a local repository `docker-local` and a remote one of Docker Hub, both seen through `docker`."""
        self.accounts = [READER, STRANGER]
        self.pusher = PUSHER
        self.anonymous: Account | None = None
        """What people may do who have not signed in; None where they must."""
        self.version = "7.111.4"
        self.xray_version = "3.118.7"
        self.remotes = {"dockerhub": "https://registry-1.docker.io/"}
        self.seen_through = {"docker": ["docker-local", "dockerhub-cache"], "dockerhub": ["dockerhub-cache"]}
        self.builds: dict[tuple[str, str], dict[str, Any]] = {}
        self.files: dict[tuple[str, str], StoredFile] = {}
        self._calendar = Calendar()

    def application(self) -> web.Application:
        """The registry and its REST API."""
        application = _Content(self.seen_through).application()
        application.middlewares.extend((self._identify, self._keep))
        api = "/artifactory/api"
        application.add_routes(
            [
                web.get(f"{api}/system/version", self._get_version),
                web.get("/xray/api/v1/system/version", self._get_xray_version),
                web.get(f"{api}/storage/{{repo}}/{{path:.+}}", self._get_file),
                web.post(f"{api}/search/aql", self._search),
                web.get(f"{api}/repositories/{{key}}", self._get_repository),
                web.get(f"{api}/build/{{name}}/{{number}}", self._get_build),
            ]
        )
        return application

    def mark_build(self, digest: str, name: str, number: str) -> None:
        """Set the properties that JFrog's command line sets on what it pushes."""
        for file in self.files.values():
            if f"sha256:{file.sha256}" == digest:
                file.properties |= {"build.name": name, "build.number": number, "build.timestamp": "1772350000000"}

    # --- who asks and what is pushed ------------------------------------------------------------------------

    @web.middleware
    async def _identify(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        account = find_account(request, self.accounts, self.pusher)
        account = self.anonymous if account == ANONYMOUS else account
        if account is None:
            return _error(401, "Bad credentials, or none")
        request[ASKING] = account
        return await handler(request)

    @web.middleware
    async def _keep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if "reference" in request.match_info and response.status in {201, 202}:
            repo, _, path = request.match_info["name"].partition("/")
            folder = f"{path}/{request.match_info['reference']}"
            if request.method == "PUT":
                await self._store(request, repo, folder)
            elif request.method == "DELETE":
                self._throw_away(request[ASKING], repo, folder)
        return response

    async def _store(self, request: web.Request, repo: str, folder: str) -> None:
        name = "list.manifest.json" if request.content_type in INDEX_TYPES else "manifest.json"
        sha256 = digest_of(await request.read()).removeprefix("sha256:")
        now, who = self._calendar.next(), request[ASKING].name
        before = self.files.get((repo, f"{folder}/{name}"))
        created, created_by = (before.created, before.created_by) if before else (now, who)
        properties = {"sha256": sha256, "docker.repoName": folder.rpartition("/")[0]}
        self.files[repo, f"{folder}/{name}"] = StoredFile(sha256, created, created_by, now, who, properties)

    def _throw_away(self, account: Account, repo: str, folder: str) -> None:
        for held, path in [*self.files]:
            if held == repo and path.rpartition("/")[0] == folder:
                file = self.files.pop((held, path))
                file.properties |= {"trash.deletedBy": account.name, "trash.originalRepository": repo}
                self.files[TRASH, f"{repo}/{path}"] = file

    # --- the API --------------------------------------------------------------------------------------------

    async def _get_version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": self.version, "revision": "81104900", "addons": ["build", "docker"]})

    async def _get_xray_version(self, _request: web.Request) -> web.Response:
        if not self.xray_version:
            return web.Response(status=404, text="404 page not found")
        return web.json_response({"xray_version": self.xray_version, "xray_revision": "0a1b2c3"})

    async def _get_file(self, request: web.Request) -> web.Response:
        if "read" not in request[ASKING].rights:
            return _error(403, "Forbidden")
        repo, path = request.match_info["repo"], request.match_info["path"]
        holder = next((r for r in self.seen_through.get(repo, [repo]) if (r, path) in self.files), "")
        if not holder:
            return _error(404, "Unable to find item")
        file, uri = self.files[holder, path], str(request.url.with_query(None))
        if "properties" in request.query:
            return web.json_response({"properties": {k: [v] for k, v in file.properties.items()}, "uri": uri})
        return web.json_response(
            {
                "repo": holder,
                "path": f"/{path}",
                "created": written(file.created),
                "createdBy": file.created_by,
                "lastModified": written(file.modified),
                "modifiedBy": file.modified_by,
                "lastUpdated": written(file.modified),
                "size": "527",
                "mimeType": "application/json",
                "checksums": {"sha1": "0" * 40, "md5": "0" * 32, "sha256": file.sha256},
                "uri": uri,
            }
        )

    async def _search(self, request: web.Request) -> web.Response:
        account, query = request[ASKING], _QUERY.fullmatch(await request.text())
        if not account.name:
            return _error(403, "AQL queries are only for authenticated users")
        fields = set(re.findall(r'"([a-z_]+)"', query["fields"])) if query else set()
        if query is None or not fields >= _NEEDED_FIELDS:
            return _error(400, "Failed to parse query")
        wanted, found = json.loads(query["criteria"]), []
        for (repo, path), file in self.files.items():
            folder, _, name = path.rpartition("/")
            values = {"repo": repo, "path": folder, "name": name, "sha256": file.sha256}
            in_trash = repo == TRASH
            may_see = "manage" in account.rights if in_trash else "read" in account.rights
            if may_see and in_trash == (wanted.get("repo") == TRASH) and values.items() >= wanted.items():
                found.append(_item(repo, folder, name, file))
        shown = found[: int(query["limit"])]
        counted = {"start_pos": 0, "end_pos": len(shown), "total": len(shown), "limit": int(query["limit"])}
        return web.json_response({"results": shown, "range": counted})

    async def _get_repository(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if "read" not in request[ASKING].rights:
            return _error(403, "Forbidden")
        if key not in self.remotes:
            return _error(400, "Bad Request")
        url = self.remotes[key]
        return web.json_response({"key": key, "rclass": "remote", "packageType": "docker", "url": url})

    async def _get_build(self, request: web.Request) -> web.Response:
        if "builds" not in request[ASKING].rights:
            return _error(403, "User is not permitted to read the build")
        name, number = unquote(request.match_info["name"]), request.match_info["number"]
        if (name, number) not in self.builds:
            return _error(404, f"No build was found for build name: {name}, build number: {number}")
        return web.json_response({"uri": str(request.url), "buildInfo": self.builds[name, number]})


def build_info(name: str, number: str) -> dict[str, Any]:
    """A build's record as a CI server publishes it."""
    return {
        "version": "1.0.1",
        "name": name,
        "number": number,
        "type": "GENERIC",
        "buildAgent": {"name": "GENERIC", "version": "2.74.1"},
        "agent": {"name": "jfrog-cli-go", "version": "2.74.1"},
        "started": "2026-03-01T07:58:12.345+0100",
        "durationMillis": 61234,
        "artifactoryPrincipal": PUSHER.name,
        "principal": "ada",
        "url": f"https://ci.example.com/job/{number}",
        "vcs": [
            {
                "url": "https://bot:t0k3n@git.example.com/shop/web.git",
                "revision": "9f2c1e0b",
                "branch": "main",
                "message": "Sell tea",
            }
        ],
        "modules": [],
    }


def _item(repo: str, folder: str, name: str, file: StoredFile) -> dict[str, Any]:
    return {
        "repo": repo,
        "path": folder,
        "name": name,
        "created": written(file.created),
        "created_by": file.created_by,
        "modified": written(file.modified),
        "modified_by": file.modified_by,
        "properties": [{"key": key, "value": value} for key, value in file.properties.items()],
    }


def _error(status: int, message: str) -> web.Response:
    document = {"errors": [{"status": status, "message": message}]}
    headers = {"WWW-Authenticate": 'Basic realm="Artifactory Realm"'} if status == 401 else {}
    return web.json_response(document, status=status, headers=headers)
