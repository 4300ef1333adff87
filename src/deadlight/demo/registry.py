"""A small registry that speaks the OCI distribution API (pull, push, discover, delete) and keeps everything in memory.

For the demonstration and for tests: images there are small and nothing needs to outlive the process.
"""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe

import msgspec
from aiohttp import web

from deadlight.model.image import is_digest
from deadlight.registry.documents import digest_of

MAX_BODY_BYTES = 1024 * 1024 * 1024
"""The largest layer or piece of one that is taken."""

_NAME = r"{name:[a-z0-9]+(?:[._/-]+[a-z0-9]+)*}"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest or index as it was pushed."""

    media_type: str
    content: bytes


@dataclass(slots=True)
class Repository:
    """What one repository holds. Manifests and blobs are found by digest."""

    manifests: dict[str, StoredManifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)


class _Descriptor(msgspec.Struct):
    digest: str


class _ManifestDocument(msgspec.Struct):
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []
    manifests: list[_Descriptor] = []


class DemoRegistry:
    """The registry. With a user name it asks everybody for these Basic credentials."""

    def __init__(self, *, username: str = "", password: str = "") -> None:
        """Start empty."""
        self._repositories: dict[str, Repository] = {}
        self._login = "Basic " + b64encode(f"{username}:{password}".encode()).decode() if username else ""

    def application(self) -> web.Application:
        """The API as an aiohttp application."""
        application = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/v2/", self._check_version),
                web.get("/v2/_catalog", self._list_repositories),
                web.get(f"/v2/{_NAME}/tags/list", self._list_tags),
                web.get(f"/v2/{_NAME}/manifests/{{reference}}", self._get_manifest),
                web.put(f"/v2/{_NAME}/manifests/{{reference}}", self._put_manifest),
                web.delete(f"/v2/{_NAME}/manifests/{{reference}}", self._delete_manifest),
                web.get(f"/v2/{_NAME}/blobs/{{digest}}", self._get_blob),
                web.delete(f"/v2/{_NAME}/blobs/{{digest}}", self._delete_blob),
                web.post(f"/v2/{_NAME}/blobs/uploads/", self._begin_upload),
                web.get(f"/v2/{_NAME}/blobs/uploads/{{upload}}", self._get_upload),
                web.patch(f"/v2/{_NAME}/blobs/uploads/{{upload}}", self._continue_upload),
                web.put(f"/v2/{_NAME}/blobs/uploads/{{upload}}", self._finish_upload),
                web.delete(f"/v2/{_NAME}/blobs/uploads/{{upload}}", self._cancel_upload),
            ]
        )
        application.on_response_prepare.append(_name_the_api)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if self._login and not hmac.compare_digest(given.encode(), self._login.encode()):
            refusal = _error(401, "UNAUTHORIZED", "authentication required")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="demonstration registry"'
            return refusal
        return await handler(request)

    async def _check_version(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    # --- discovery ------------------------------------------------------------------------------------------

    async def _list_repositories(self, request: web.Request) -> web.Response:
        names, headers = _page(request, [name for name, held in self._repositories.items() if held.manifests])
        return web.json_response({"repositories": names}, headers=headers)

    async def _list_tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._repositories:
            return _error(404, "NAME_UNKNOWN", f"no repository {name}")
        tags, headers = _page(request, list(self._repositories[name].tags))
        return web.json_response({"name": name, "tags": tags}, headers=headers)

    # --- manifests ------------------------------------------------------------------------------------------

    async def _get_manifest(self, request: web.Request) -> web.Response:
        held, reference = self._held(request), request.match_info["reference"]
        digest = held.tags.get(reference, reference)
        manifest = held.manifests.get(digest)
        if manifest is None:
            return _error(404, "MANIFEST_UNKNOWN", f"no manifest {reference}")
        headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=manifest.content, content_type=manifest.media_type, headers=headers)

    async def _put_manifest(self, request: web.Request) -> web.Response:
        held, reference = self._claimed(request), request.match_info["reference"]
        content = await request.read()
        digest = digest_of(content)
        if is_digest(reference) and reference != digest:
            return _error(400, "DIGEST_INVALID", f"the manifest is {digest}")
        try:
            document = msgspec.json.decode(content, type=_ManifestDocument)
        except msgspec.DecodeError as error:
            return _error(400, "MANIFEST_INVALID", str(error))
        blobs = {blob.digest for blob in [*document.layers, *filter(None, [document.config])]}
        manifests = {manifest.digest for manifest in document.manifests}
        if missing := sorted((blobs - held.blobs.keys()) | (manifests - held.manifests.keys())):
            return _error(400, "MANIFEST_BLOB_UNKNOWN", f"push these first: {', '.join(missing)}")
        held.manifests[digest] = StoredManifest(request.content_type, content)
        if not is_digest(reference):
            held.tags[reference] = digest
        location = f"/v2/{request.match_info['name']}/manifests/{digest}"
        return web.Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})

    async def _delete_manifest(self, request: web.Request) -> web.Response:
        held, reference = self._held(request), request.match_info["reference"]
        if held.tags.pop(reference, None) is not None:
            return web.Response(status=202)
        if held.manifests.pop(reference, None) is None:
            return _error(404, "MANIFEST_UNKNOWN", f"no manifest {reference}")
        held.tags = {tag: digest for tag, digest in held.tags.items() if digest != reference}
        return web.Response(status=202)

    # --- blobs ----------------------------------------------------------------------------------------------

    async def _get_blob(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        blob = self._held(request).blobs.get(digest)
        if blob is None:
            return _error(404, "BLOB_UNKNOWN", f"no blob {digest}")
        headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        first, end = _range(request, len(blob))
        if first >= end:
            return _error(416, "RANGE_INVALID", f"the blob has {len(blob)} bytes")
        if (first, end) == (0, len(blob)):
            return web.Response(body=blob, content_type="application/octet-stream", headers=headers)
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(blob)}"
        return web.Response(status=206, body=blob[first:end], content_type="application/octet-stream", headers=headers)

    async def _delete_blob(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        if self._held(request).blobs.pop(digest, None) is None:
            return _error(404, "BLOB_UNKNOWN", f"no blob {digest}")
        return web.Response(status=202)

    async def _begin_upload(self, request: web.Request) -> web.Response:
        held, digest = self._claimed(request), request.query.get("mount", "")
        source = self._repositories.get(request.query.get("from", ""), Repository())
        if digest in source.blobs:
            held.blobs[digest] = source.blobs[digest]
            return _created(request, digest)
        upload = token_urlsafe(12)
        held.uploads[upload] = bytearray()
        return _accepted(request, upload, 0)

    async def _get_upload(self, request: web.Request) -> web.Response:
        upload = request.match_info["upload"]
        received = self._held(request).uploads.get(upload)
        if received is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        return _accepted(request, upload, len(received), status=204)

    async def _continue_upload(self, request: web.Request) -> web.Response:
        upload = request.match_info["upload"]
        received = self._held(request).uploads.get(upload)
        if received is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        first = request.headers.get("Content-Range", f"{len(received)}-").partition("-")[0]
        if first != str(len(received)):
            return _accepted(request, upload, len(received), status=416)
        received += await request.read()
        return _accepted(request, upload, len(received))

    async def _finish_upload(self, request: web.Request) -> web.Response:
        held, digest = self._held(request), request.query.get("digest", "")
        received = held.uploads.pop(request.match_info["upload"], None)
        if received is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        blob = bytes(received) + await request.read()
        if (actual := await asyncio.to_thread(digest_of, blob)) != digest:
            return _error(400, "DIGEST_INVALID", f"the blob is {actual}")
        held.blobs[digest] = blob
        return _created(request, digest)

    async def _cancel_upload(self, request: web.Request) -> web.Response:
        if self._held(request).uploads.pop(request.match_info["upload"], None) is None:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        return web.Response(status=204)

    def _held(self, request: web.Request) -> Repository:
        """What the named repository holds: nothing, if it does not exist."""
        return self._repositories.get(request.match_info["name"], Repository())

    def _claimed(self, request: web.Request) -> Repository:
        """The named repository, created if need be."""
        return self._repositories.setdefault(request.match_info["name"], Repository())


@asynccontextmanager
async def serve_registry(registry: DemoRegistry, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve on `host` and `port`, 0 for any that is free, and yield the base URL."""
    runner = web.AppRunner(registry.application())
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _name_the_api(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)


def _created(request: web.Request, digest: str) -> web.Response:
    location = f"/v2/{request.match_info['name']}/blobs/{digest}"
    return web.Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})


def _accepted(request: web.Request, upload: str, received: int, *, status: int = 202) -> web.Response:
    location = f"/v2/{request.match_info['name']}/blobs/uploads/{upload}"
    return web.Response(status=status, headers={"Location": location, "Range": f"0-{max(0, received - 1)}"})


def _page(request: web.Request, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Up to `n` names after `last`, in order, and the header that leads to the next page."""
    rest = sorted(name for name in names if name > request.query.get("last", ""))
    wanted = request.query.get("n", "")
    page = rest[: int(wanted)] if wanted.isdecimal() else rest
    if len(page) == len(rest) or not page:
        return page, {}
    return page, {"Link": f'<{request.path}?n={wanted}&last={page[-1]}>; rel="next"'}


def _range(request: web.Request, size: int) -> tuple[int, int]:
    """The bytes asked for, from first to before end; everything where the header is absent or unreadable."""
    try:
        first, end, _ = request.http_range.indices(size)
    except ValueError:
        return 0, size
    return first, end
