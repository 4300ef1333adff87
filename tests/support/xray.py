"""A double of Artifactory with an Xray beside it, for neither can run here.

Built from JFrog's public reference, pages "Artifact Scan Status", "Scan Now", "Artifact Summary" (v2), "Get Artifact
Dependency Graph", "Get Contextual Analysis per Vulnerability V2" and "Component Identifiers", and the shapes of
jfrog-client-go. It answers what our client asks, with the rights and errors described there, and nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.support.accounts import ASKING, Account
from tests.support.artifactory import RIGHTS, Artifactory

XRAY_RIGHTS = RIGHTS | {"xray", "metadata"}
SCANNER = Account("deadlight", "reads all", XRAY_RIGHTS)


@dataclass
class XrayScan:
    """What Xray knows of one artifact. Whatever `result` holds is sent as it is."""

    status: str = "NOT_SCANNED"
    scanned_at: str = "2026-03-01T08:00:00Z"
    analysis: str = "DONE"
    analyzed_at: str = "2026-03-01T08:01:00Z"
    issues: list[Any] = field(default_factory=list)
    components: list[Any] = field(default_factory=list)
    applicability: dict[str, str] = field(default_factory=dict)
    sha256: str | None = None
    """Instead of that of the content."""


class ArtifactoryWithXray(Artifactory):
    """The double. `scans` is by repository and path; what is not there is unknown to Xray."""

    def __init__(self) -> None:
        """With a repository `docker-local` that Xray indexes, and an account that may order scans."""
        super().__init__()
        self.accounts = [SCANNER, *self.accounts[1:]]
        self.indexed = {"docker-local": True, "dockerhub": False}
        self.scans: dict[str, XrayScan] = {}
        self.requested: list[str] = []
        """What a scan was asked for, in order."""
        self.asked_applicability: list[str] = []
        """Issues of which it was asked whether they are applicable."""
        self.asked_graphs = 0

    def application(self) -> web.Application:
        """Both products."""
        application = super().application()
        application.add_routes(
            [
                web.post("/xray/api/v1/artifact/status", self._status),
                web.post("/xray/api/v2/index", self._index),
                web.post("/xray/api/v2/summary/artifact", self._summary),
                web.post("/xray/api/v1/dependencyGraph/artifact", self._graph),
                web.get("/xray/api/v2/cve_applicability", self._applicability),
            ]
        )
        return application

    def scan(self, path: str, *issues: Any, components: tuple[Any, ...] = (), **more: Any) -> XrayScan:
        """Have Xray know an artifact: `docker-local/shop/web/1.0.0/manifest.json`."""
        self.scans[path] = XrayScan("DONE", issues=list(issues), components=list(components), **more)
        return self.scans[path]

    async def _get_repository(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if "read" not in request[ASKING].rights or key not in self.indexed or key in self.remotes:
            return await super()._get_repository(request)
        return web.json_response(
            {"key": key, "rclass": "local", "packageType": "docker", "xrayIndex": self.indexed[key]}
        )

    async def _status(self, request: web.Request) -> web.Response:
        refused = self._refusal(request, "xray")
        if refused is not None:
            return refused
        body = await request.json()
        scan = self.scans.get(f"{body['repo']}/{body['path']}")
        if scan is None:
            return web.json_response({"error": "Artifact not found"}, status=404)
        done = {"status": scan.status, "time": scan.scanned_at}
        analysis = {"status": scan.analysis, "time": scan.analyzed_at}
        return web.json_response(
            {
                "overall": done,
                "details": {
                    "sca": done,
                    "contextual_analysis": analysis,
                    "exposures": {"status": "NOT_SUPPORTED", "time": scan.analyzed_at, "categories": {}},
                    "violations": done,
                },
            }
        )

    async def _index(self, request: web.Request) -> web.Response:
        refused = self._refusal(request, "metadata")
        if refused is not None:
            return refused
        path = (await request.json())["repo_path"]
        repository, _, inside = path.partition("/")
        if (repository, inside) not in self.files:
            return web.json_response({"error": "Failed to find the artifact"}, status=404)
        self.requested.append(path)
        self.scans.setdefault(path, XrayScan()).status = "PENDING"
        return web.json_response({"sent_to_reindex": {"artifacts": [{"repository": repository, "path": inside}]}})

    async def _summary(self, request: web.Request) -> web.Response:
        refused = self._refusal(request, "xray")
        if refused is not None:
            return refused
        found, errors = [], []
        for path in (await request.json()).get("paths", ()):
            identifier, _, inside = path.partition("/")
            scan = self.scans.get(inside) if identifier == "default" else None
            if scan is None or scan.status not in {"DONE", "PARTIAL"}:
                errors.append({"identifier": path, "error": "Artifact doesn't exist or not indexed/cached in Xray"})
            else:
                found.append({"general": self._general(inside, scan), "issues": scan.issues, "licenses": []})
        return web.json_response({"artifacts": found, "errors": errors})

    def _general(self, path: str, scan: XrayScan) -> dict[str, str]:
        repository, _, inside = path.partition("/")
        image, _, tag = inside.rpartition("/")[0].rpartition("/")
        sha256 = self.files[repository, inside].sha256 if scan.sha256 is None else scan.sha256
        name = f"{image}:{tag}"
        return {"component_id": name, "name": name, "path": f"default/{path}", "pkg_type": "Docker", "sha256": sha256}

    async def _graph(self, request: web.Request) -> web.Response:
        refused = self._refusal(request, "xray")
        if refused is not None:
            return refused
        self.asked_graphs += 1
        scan = self.scans[(await request.json())["path"].removeprefix("default/")]
        return web.json_response({"artifact": {"pkg_type": "Docker"}, "components": scan.components})

    async def _applicability(self, request: web.Request) -> web.Response:
        refused = self._refusal(request, "xray")
        if refused is not None:
            return refused
        assert request.query["component_id"].startswith("docker://")
        self.asked_applicability.append(request.query["vulnerability_id"])
        result = self.scans[request.query["path"]].applicability.get(request.query["vulnerability_id"], "not_covered")
        return web.json_response({"result": result, "items": []})

    def _refusal(self, request: web.Request, right: str) -> web.Response | None:
        if not self.xray_version:
            return web.Response(status=404, text="404 page not found")
        if right not in request[ASKING].rights:
            return web.json_response({"error": "Permission denied"}, status=403)
        return None


def issue(
    number: int, *components: dict[str, Any], severity: str = "High", cve: str = "", **more: Any
) -> dict[str, Any]:
    """An issue as the summary shows it."""
    rating = {"cvss_v3": "9.8/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"} if severity == "Critical" else {}
    return {
        "issue_id": f"XRAY-{number}",
        "summary": f"Flaw {number}",
        "description": "At length",
        "issue_type": "security",
        "severity": severity,
        "provider": "JFrog",
        "cves": [{"cve": cve, "cwe": ["CWE-119"], **rating}] if cve else [],
        "created": "2026-01-09T00:00:00.702Z",
        "components": list(components),
        **more,
    }


def component(identifier: str, *fixed: str) -> dict[str, Any]:
    """A component that an issue concerns."""
    return {"component_id": identifier, "fixed_versions": [f"[{version}]" for version in fixed]}


def node(identifier: str, *inside: dict[str, Any]) -> dict[str, Any]:
    """A component as the graph shows it."""
    scheme, _, name = identifier.partition("://")
    return {
        "component_name": name,
        "component_id": identifier,
        "package_type": scheme,
        "version": name.rpartition(":")[2],
        "components": list(inside),
    }
