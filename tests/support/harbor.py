"""A double of Harbor's API v2.0, for it cannot run here. It knows what is pushed to it as a registry.

Built from Harbor's public API description (swagger.yaml of API v2.0: `/systeminfo`, `/projects`, `/artifacts`,
`/immutabletagrules`, `/auditlog-exts`, `/logs`) and its documentation, pages "Tag Immutability Rules", "Access and
Search Project Logs", "Create Robot Accounts" and "Configure Proxy Cache". It answers what our client asks, and nothing
else.
"""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web
from tests.support.accounts import ANONYMOUS, ASKING, Account, Calendar, find_account, written

from deadlight.demo.registry import DemoRegistry, Handler
from deadlight.registry.documents import digest_of

RIGHTS = frozenset({"project", "artifact", "log", "immutable-tag"})
PUSHER = Account("robot$shop+ci", "pushes only", RIGHTS)
READER = Account("robot$deadlight", "reads all", RIGHTS)
STRANGER = Account("robot$stranger", "sees nothing")
MAX_PAGE_SIZE = 100


@dataclass
class Project:
    """A project. With an upstream it is a proxy cache; the patterns are of tags that stay where they are."""

    number: int
    upstream: str = ""
    immutable_tags: list[str] = field(default_factory=list)


@dataclass
class StoredArtifact:
    """A manifest or index that was pushed."""

    pushed_at: datetime
    children: list[str]


@dataclass
class StoredTag:
    """Where a tag points, since when."""

    digest: str
    pushed_at: datetime


class _Entry(msgspec.Struct):
    digest: str


class _Index(msgspec.Struct):
    manifests: list[_Entry] = []


class Harbor:
    """The double. `accounts` may be changed at any time, as may versions and projects."""

    def __init__(self) -> None:
        """With a project `shop` of its own and a cache of Docker Hub."""
        self.accounts = [READER, STRANGER]
        self.pusher = PUSHER
        self.version = "v2.14.0-30ee2eed"
        self.describes_pushes = True
        """As since 2.13; before that the audit log did not say which digest was pushed."""
        self.projects = {"shop": Project(7), "hub": Project(8, upstream="https://hub.docker.com")}
        self.artifacts: dict[tuple[str, str], StoredArtifact] = {}
        self.tags: dict[tuple[str, str], StoredTag] = {}
        self.log: list[dict[str, Any]] = []
        self._calendar = Calendar()

    def application(self) -> web.Application:
        """The registry and its API."""
        application = DemoRegistry().application()
        application.middlewares.extend((self._identify, self._keep))
        project = "/api/v2.0/projects/{project}"
        application.add_routes(
            [
                web.get("/api/v2.0/systeminfo", self._get_info),
                web.get(project, self._get_project),
                web.get(f"{project}/summary", self._get_summary),
                web.get(f"{project}/immutabletagrules", self._list_rules),
                web.get(f"{project}/auditlog-exts", self._list_log),
                web.get(f"{project}/logs", self._list_log),
                web.get(f"{project}/repositories/{{repository}}/artifacts/{{reference}}", self._get_artifact),
            ]
        )
        return application

    # --- who asks and what is pushed ------------------------------------------------------------------------

    @web.middleware
    async def _identify(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ASKING] = account = find_account(request, self.accounts, self.pusher) or ANONYMOUS
        is_registry = request.path.startswith("/v2/")
        if is_registry and account == ANONYMOUS:
            refusal = _error(401, "UNAUTHORIZED", "unauthorized to access repository")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="harbor"'
            return refusal
        right = "" if is_registry else _right(request)
        if right and right not in account.rights:
            return (
                _error(403, "FORBIDDEN", "forbidden") if account.name else _error(401, "UNAUTHORIZED", "unauthorized")
            )
        if not is_registry and request.match_info.get("project", "shop") not in self.projects:
            return _error(403, "FORBIDDEN", "forbidden")
        return await handler(request)

    @web.middleware
    async def _keep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.path.startswith("/v2/") and "reference" in request.match_info:
            name, reference = request.match_info["name"], request.match_info["reference"]
            if request.method == "PUT" and response.status == 201:
                self._store(request[ASKING], name, reference, await request.read())
            elif request.method == "DELETE" and response.status == 202:
                self.tags.pop((name, reference), None)
                self.artifacts.pop((name, reference), None)
        return response

    def _store(self, account: Account, name: str, reference: str, content: bytes) -> None:
        digest, now = digest_of(content), self._calendar.next()
        children = [entry.digest for entry in msgspec.json.decode(content, type=_Index).manifests]
        self.artifacts.setdefault((name, digest), StoredArtifact(now, children))
        is_tag = reference != digest
        if is_tag:
            self.tags[name, reference] = StoredTag(digest, now)
        entry = {
            "id": len(self.log) + 1,
            "username": account.name,
            "resource": f"{name}:{reference}" if is_tag else f"{name}@{digest}",
            "resource_type": "artifact",
            "operation": "create",
            "op_time": written(now),
        }
        described = {"operation_description": f"push artifact: {name}@{digest}", "operation_result": True}
        self.log.append(entry | (described if self.describes_pushes else {}))

    # --- the API --------------------------------------------------------------------------------------------

    async def _get_info(self, request: web.Request) -> web.Response:
        known = {"harbor_version": self.version, "external_url": str(request.url.origin())}
        public = {"auth_mode": "db_auth", "primary_auth_mode": False, "self_registration": False, "banner_message": ""}
        return web.json_response(public | (known if request[ASKING].name else {}))

    async def _get_project(self, request: web.Request) -> web.Response:
        name = request.match_info["project"]
        project = self.projects[name]
        cached = {"registry_id": 3} if project.upstream else {}
        return web.json_response({"project_id": project.number, "name": name, "metadata": {"public": "false"}} | cached)

    async def _get_summary(self, request: web.Request) -> web.Response:
        upstream = self.projects[request.match_info["project"]].upstream
        registry = {"id": 3, "name": "upstream", "type": "docker-hub", "url": upstream, "status": "healthy"}
        return web.json_response({"repo_count": 1} | ({"registry": registry} if upstream else {}))

    async def _list_rules(self, request: web.Request) -> web.Response:
        rules = [
            {
                "id": number,
                "template": "immutable_template",
                "action": "immutable",
                "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
                "scope_selectors": {
                    "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
                },
            }
            for number, pattern in enumerate(self.projects[request.match_info["project"]].immutable_tags, 1)
        ]
        return _page(request, rules)

    async def _list_log(self, request: web.Request) -> web.Response:
        is_new = request.path.endswith("auditlog-exts")
        if is_new and not self.describes_pushes:
            return _error(404, "NOT_FOUND", "page not found")
        wanted = dict(criterion.split("=", 1) for criterion in request.query.get("q", "").split(",") if criterion)
        entries = [entry for entry in self.log if entry.items() >= wanted.items()]
        return _page(request, entries[::-1])

    async def _get_artifact(self, request: web.Request) -> web.Response:
        repository = request.match_info["repository"]
        name = f"{request.match_info['project']}/{unquote(repository)}"
        reference = request.match_info["reference"]
        tag = self.tags.get((name, reference))
        digest = tag.digest if tag else reference
        artifact = self.artifacts.get((name, digest))
        if artifact is None or "/" in repository:  # a slash that was encoded only once is another path
            return _error(404, "NOT_FOUND", f"artifact {name}:{reference} not found")
        rules = self.projects[request.match_info["project"]].immutable_tags
        with_status = request.query.get("with_immutable_status") == "true"
        tags = [
            {
                "name": tag_name,
                "push_time": written(held.pushed_at),
                "immutable": with_status and any(fnmatchcase(tag_name, rule) for rule in rules),
            }
            for (holder, tag_name), held in self.tags.items()
            if holder == name and held.digest == digest
        ]
        return web.json_response(
            {
                "digest": digest,
                "type": "IMAGE",
                "push_time": written(artifact.pushed_at),
                "project_id": self.projects[request.match_info["project"]].number,
                "repository_name": name,
                "references": [{"child_digest": child, "parent_id": 1, "child_id": 2} for child in artifact.children],
                "tags": tags if request.query.get("with_tag") == "true" else None,
            }
        )


def _right(request: web.Request) -> str:
    """The right that a question needs; none for what everybody may ask."""
    last = request.path.rpartition("/")[2]
    if request.path.endswith("/systeminfo"):
        return ""
    if "artifacts" in request.path:
        return "artifact"
    return {"auditlog-exts": "log", "logs": "log", "immutabletagrules": "immutable-tag"}.get(last, "project")


def _page(request: web.Request, entries: list[dict[str, Any]]) -> web.Response:
    """A page of at most a hundred, and how many there are in all."""
    size = min(int(request.query.get("page_size", 10)), MAX_PAGE_SIZE)
    first = (int(request.query.get("page", 1)) - 1) * size
    return web.json_response(entries[first : first + size], headers={"X-Total-Count": str(len(entries))})


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)
