"""The stand-in over HTTP: any number of clusters on one port, each under `/clusters/NAME`."""

import logging
import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from aiohttp import web

from deadlight.demo.kubernetes.listing import Lists
from deadlight.demo.kubernetes.manifests import Manifest, Part, merged, parse_manifest
from deadlight.demo.kubernetes.paths import Target, parse_path
from deadlight.demo.kubernetes.resources import NAMESPACES
from deadlight.demo.kubernetes.statuses import (
    StatusError,
    bad_request,
    forbidden,
    no_such_path,
    too_many_requests,
    unauthorized,
    unsupported_patch,
)
from deadlight.demo.kubernetes.store import Cluster
from deadlight.demo.kubernetes.watching import parse_watch, watch

MAX_BODY_BYTES = 3 * 1024 * 1024
"""A real server's limit for requests."""

USER = "system:serviceaccount:deadlight:controller"
ANONYMOUS = "system:anonymous"
logger = logging.getLogger(__name__)

_PATCHES = {"application/merge-patch+json", "application/strategic-merge-patch+json"}
_HEADERS = {"Cache-Control": "no-cache, private", "Content-Type": "application/json"}


class Standin:
    """Serves clusters on loopback while its `async with` block runs."""

    def __init__(
        self, clusters: Iterable[Cluster], *, port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._handlers = {cluster.name: _Handler(cluster) for cluster in clusters}
        self._port = port
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/clusters/{cluster}/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._ssl_context)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handler in self._handlers.values():
            handler.cluster.end_watches()
        if self._runner:
            await self._runner.cleanup()

    def url(self, cluster: Cluster) -> str:
        """The address a kubeconfig names as `server`."""
        scheme = "https" if self._ssl_context else "http"
        return f"{scheme}://127.0.0.1:{self._port}/clusters/{cluster.name}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        handler = self._handlers.get(request.match_info["cluster"])
        try:
            if handler is None:
                raise no_such_path()
            return await handler.answer(request, request.match_info["path"])
        except StatusError as error:
            headers = _HEADERS | error.headers
            return web.Response(status=error.code, body=msgspec.json.encode(error.body), headers=headers)


class _Handler:
    """Answers the requests to one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._lists = Lists(cluster)

    async def answer(self, request: web.Request, path: str) -> web.StreamResponse:
        """The answer to a request for `path`, the part after the cluster's own prefix; raises StatusError."""
        user = self._authenticate(request.headers.get("Authorization", ""))
        if path == "version":
            return _json({"major": "1", "minor": "36", "gitVersion": self.cluster.git_version, "platform": "linux"})
        target = parse_path(path)
        self._authorize(user, request, target)
        match request.method:
            case "GET" if request.query.get("watch") in {"true", "1"}:
                return await self._watch(request, target)
            case "GET":
                return _body(self._read(request, target))
            case "POST" if not target.name:
                return _json(await self._create(request, target), status=201)
            case "PUT" | "PATCH" | "DELETE" if target.name:
                return _json(await self._change(request, target))
            case _:
                raise StatusError(405, "MethodNotAllowed", "the server does not allow this method on the resource")

    def _authenticate(self, authorization: str) -> str:
        if not authorization:
            return ANONYMOUS
        if authorization != f"Bearer {self.cluster.token}":
            raise unauthorized()
        return USER

    def _authorize(self, user: str, request: web.Request, target: Target) -> None:
        if self.cluster.throttled:
            self.cluster.throttled -= 1
            raise too_many_requests(1)
        if user == ANONYMOUS or target.resource.plural in self.cluster.denied:
            raise forbidden(user, _verb(request, target), target.resource, target.namespace)

    def _read(self, request: web.Request, target: Target) -> bytes:
        if target.name:
            return self.cluster.read(target.resource, target.name, target.namespace).body
        return self._lists.page(target.resource, target.namespace, request.query)

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        wanted = parse_watch(self.cluster, target.resource, target.namespace, request.query)
        response = web.StreamResponse(headers=_HEADERS | {"Audit-Id": str(uuid4())})
        await response.prepare(request)
        try:
            async for line in watch(self.cluster, wanted):
                await response.write(line)
            await response.write_eof()
        except ConnectionResetError:
            logger.debug("a client left its watch of %s", target.resource.plural)
        return response

    async def _create(self, request: web.Request, target: Target) -> Manifest:
        manifest = _placed(_manifest(await request.read()), target)
        if target.namespace:
            self.cluster.read(NAMESPACES, target.namespace)
        return self.cluster.create(manifest, manager=_manager(request), part=Part.MAIN)

    async def _change(self, request: web.Request, target: Target) -> Manifest:
        match request.method:
            case "PUT":
                return self._replace(request, target, _manifest(await request.read()))
            case "PATCH":
                return await self._patch(request, target)
            case _:
                return await self._delete(request, target)

    def _replace(self, request: web.Request, target: Target, manifest: Manifest) -> Manifest:
        part = Part.STATUS if target.is_status else Part.MAIN
        return self.cluster.replace(_placed(manifest, target), manager=_manager(request), part=part)

    async def _patch(self, request: web.Request, target: Target) -> Manifest:
        if request.content_type not in _PATCHES:
            raise unsupported_patch(request.content_type)
        patch = _manifest(await request.read())
        current = self.cluster.read(target.resource, target.name, target.namespace).manifest()
        return self._replace(request, target, merged(current, patch))

    async def _delete(self, request: web.Request, target: Target) -> Manifest:
        body = await request.read()
        uid = (_manifest(body).get("preconditions") or {}).get("uid") if body else None
        gone = self.cluster.delete(target.resource.kind, target.name, target.namespace, uid=uid)
        details = {"name": target.name, "kind": target.resource.plural, "uid": gone["metadata"]["uid"]}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _verb(request: web.Request, target: Target) -> str:
    if request.method == "GET":
        return "get" if target.name else "watch" if "watch" in request.query else "list"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, "delete")


def _manager(request: web.Request) -> str:
    return request.query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]


def _manifest(body: bytes) -> Manifest:
    try:
        return parse_manifest(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _placed(manifest: Manifest, target: Target) -> Manifest:
    """The manifest as an object of its path; raises StatusError where the two contradict each other."""
    metadata = manifest.get("metadata")
    if manifest.get("kind", target.resource.kind) != target.resource.kind or not isinstance(metadata, dict):
        raise bad_request(f"the object provided is not a {target.resource.kind}")
    maps = (manifest.get("spec"), manifest.get("status"), metadata.get("labels"), metadata.get("annotations"))
    if not all(part is None or isinstance(part, dict) for part in maps):
        raise bad_request("spec, status, labels and annotations are objects")
    place = {"namespace": target.namespace} if target.resource.namespaced else {}
    for key, value in (place | ({"name": target.name} if target.name else {})).items():
        if metadata.get(key, value) != value:
            raise bad_request(f"the {key} of the object ({metadata[key]}) does not match the one of the URL ({value})")
    name = {"name": target.name} if target.name else {}
    kind = {"kind": target.resource.kind, "apiVersion": target.resource.api_version}
    return {**manifest, **kind, "metadata": {**metadata, **place, **name}}


def _json(answer: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return _body(msgspec.json.encode(answer), status=status)


def _body(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, headers=_HEADERS)
