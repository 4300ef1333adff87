"""The web application: routes, errors, headers and the console's files."""

import logging
import math
import mimetypes
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deadlight import __version__
from deadlight.server import demonstration
from deadlight.server.advisories import api as advisories_api
from deadlight.server.advisories import feeds_api
from deadlight.server.assessment import api as assessment_api
from deadlight.server.assessment import (
    image_api,
    images_api,
    runtime_api,
    runtime_live,
    views_api,
    workloads_api,
)
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.attestations import api as attestations_api
from deadlight.server.auth import api as auth_api
from deadlight.server.auth import registration_api
from deadlight.server.auth.requests import MAX_COMPRESSED_BYTES
from deadlight.server.clusters import api as clusters_api
from deadlight.server.clusters import heartbeats
from deadlight.server.clusters import runtime_api as runtime_clusters_api
from deadlight.server.dashboard import api as dashboard_api
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.db.engine import autocommit
from deadlight.server.detections import api as detections_api
from deadlight.server.detections import rules_api
from deadlight.server.errors import CODES, Refusal, ServiceError, TooManyRequestsError, UnavailableError
from deadlight.server.findings import match_api
from deadlight.server.integrity import api as integrity_api
from deadlight.server.inventory import api as inventory_api
from deadlight.server.ledger import api as ledger_api
from deadlight.server.owners import api as owners_api
from deadlight.server.registries import api as registries_api
from deadlight.server.runtime import api as observations_api
from deadlight.server.scans import api as scans_api
from deadlight.server.services import Services, ServicesDep
from deadlight.server.workers import api as workers_api

logger = logging.getLogger(__name__)

ROUTERS = (
    auth_api.router,
    registration_api.router,
    inventory_api.router,
    observations_api.router,
    registries_api.router,
    integrity_api.router,
    advisories_api.router,
    feeds_api.router,
    dashboard_api.router,
    assessment_api.router,
    attestations_api.router,
    images_api.router,
    views_api.router,
    image_api.router,
    workloads_api.router,
    runtime_api.router,
    runtime_live.router,
    ledger_api.router,
    detections_api.router,
    rules_api.router,
    heartbeats.router,
    clusters_api.router,
    runtime_clusters_api.router,
    workers_api.router,
    owners_api.router,
    scans_api.router,
    match_api.router,
    demonstration.router,
)

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_GZIP = re.compile(r"(?i)\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
"""In an Accept-Encoding header (RFC 9110, 12.5.3): taken, and not by a weight of zero."""

CONSOLE = Path(str(resources.files("deadlight.server"))) / "console"
"""Built by `make console` and shipped in the wheel."""


MAX_BODY_BYTES = 1024 * 1024
LARGE_BODIES = {
    "/agent/v1/inventory": MAX_COMPRESSED_BYTES,
    "/agent/v1/observations": MAX_COMPRESSED_BYTES,
    "/agent/v1/detections": MAX_COMPRESSED_BYTES,
    "/api/v1/advisories/import": 32 * 1024 * 1024,
    "/api/v1/match": 8 * 1024 * 1024,
    "/api/v1/feeds/epss/import": 64 * 1024 * 1024,
    "/api/v1/feeds/kev/import": 64 * 1024 * 1024,
}
"""The most a request may bring: a body is read before anybody knows who sent it."""


def create_app(
    services: Services | None = None,
    risk_index: RiskIndex | None = None,
    live_index: LiveIndex | None = None,
    *,
    console: Path = CONSOLE,
) -> FastAPI:
    """The application over running services; without them it can only describe itself (OpenAPI)."""
    app = FastAPI(
        title="Deadlight",
        version=__version__,
        description="Runtime security for containers. /runtime/api/v1 is the public Runtime API.",
        openapi_url="/api/openapi.json",
        responses={
            "4XX": {"model": Refusal, "description": "Refused; the message says what to do."},
            "5XX": {"model": Refusal, "description": "Failed on our side."},
        },
        docs_url=None,
        redoc_url=None,
    )
    for router in ROUTERS:
        app.include_router(router)
    _add_health(app)
    _add_errors(app)
    app.add_middleware(_Edge)
    _add_console(app, console)
    bind(app, services, risk_index, live_index)
    return app


def bind(
    app: FastAPI,
    services: Services | None,
    risk_index: RiskIndex | None = None,
    live_index: LiveIndex | None = None,
) -> None:
    """Let an application answer from these services; nothing else in it depends on them."""
    app.state.services = services
    app.state.risk_index = risk_index
    app.state.live_index = live_index or LiveIndex()


def _add_health(app: FastAPI) -> None:
    @app.get("/api/v1/system/liveness", tags=["system"], operation_id="getLiveness")
    async def liveness() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/api/v1/system/readiness", tags=["system"], operation_id="getReadiness")
    async def readiness(services: ServicesDep) -> dict[str, str]:
        """The database answers too."""
        try:
            async with autocommit(services.engine) as connection:
                await connection.execute(text("SELECT 1"))
        except (OperationalError, PoolTimeoutError):
            raise UnavailableError("the database does not answer") from None
        return {"status": "ok"}


class _Edge:
    """What holds for every request and answer. Plain ASGI, so that streams stay streams.

    Bodies are bounded, what nobody expected becomes an answer without details, and browsers are told what this site
    never does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        bounded = _bounded(receive, LARGE_BODIES.get(scope.get("path", ""), MAX_BODY_BYTES))
        try:
            await self._app(scope, bounded, send_with_headers)
        except ClientDisconnect:
            return
        except Exception:
            logger.exception("request failed", extra={"path": scope.get("path", "")})
            if not started:
                await _problem(500, "internal_error", _FAILED)(scope, receive, send_with_headers)


_FAILED = "something went wrong on our side; the service's log says what"


def _bounded(receive: Receive, limit: int) -> Receive:
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, f"a request brings at most {limit} bytes here: send less at a time")
        return message

    return receive_bounded


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def refuse(_: Request, error: ServiceError) -> JSONResponse:
        wait = math.ceil(error.wait_seconds) if isinstance(error, TooManyRequestsError) else 0
        return _problem(error.status, error.code, error.message, {"retry-after": str(wait)} if wait else None)

    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(400, "bad_request", describe_validation(error))

    @app.exception_handler(HTTPException)
    async def refuse_http(request: Request, error: HTTPException) -> JSONResponse:
        headers = (
            {"allow": _allowed(app, request.scope)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else None
        )
        return _problem(error.status_code, CODES.get(error.status_code, "http_error"), str(error.detail), headers)

    @app.exception_handler(DataError)
    async def refuse_value(_: Request, error: DataError) -> JSONResponse:
        if getattr(error.orig, "sqlstate", "") not in _VALUE_ERRORS:
            raise error
        return _problem(400, "bad_request", "a number or text is beyond what can be stored or looked for")


def _allowed(app: FastAPI, scope: Scope) -> str:
    """The methods of all routes of an address (RFC 9110, section 10.2.1); the framework names those of the first."""
    routes = [route for route in app.routes if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


_VALUE_ERRORS = {
    None,  # refused by the driver, unsent: a zero byte in a text
    "22003",  # numeric_value_out_of_range
    "22008",  # datetime_field_overflow
    "22021",  # character_not_in_repertoire
    "22P05",  # untranslatable_character
}
"""What PostgreSQL says of values it has no room for. They come from the request: our own fit."""


def _problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)


def describe_validation(error: RequestValidationError) -> str:
    """What is wrong with a request, field by field, without the values: some are secrets."""
    parts: list[str] = []
    for item in error.errors()[:10]:
        place = ".".join(str(step) for step in item["loc"][1:])  # the first is where it stood: body, query, path
        parts.append(f"{place}: {_mistake(item)}" if place else _mistake(item))
    return "; ".join(parts)


def _mistake(item: Mapping[str, Any]) -> str:
    """One of the framework's mistakes as people say it: it counts characters of some texts as items."""
    limits = item.get("ctx", {})
    if limits.get("min_length") == 1:
        return "must not be empty"
    if "max_length" in limits and isinstance(item.get("input"), str):
        return f"must have at most {limits['max_length']} characters"
    return str(item["msg"]).removeprefix("Value error, ")


def _add_console(app: FastAPI, files: Path) -> None:
    """Whatever is no endpoint is a file of the console, or its page, whose own router knows the rest of the address.

    Not a route: one that takes every GET would hide that an endpoint is there, but takes other methods.
    """

    async def console(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError("only HTTP is spoken here")
        path = scope["path"].removeprefix("/")
        takes_gzip = _GZIP.search(Headers(scope=scope).get("accept-encoding", "")) is not None
        await _answer(files, scope["method"], path, takes_gzip=takes_gzip)(scope, receive, send)

    app.router.default = console


def _answer(files: Path, method: str, path: str, *, takes_gzip: bool) -> Response:
    if path.startswith(("api/", "agent/", "runtime/api/")):
        return _problem(404, "not_found", "no such endpoint; /api/openapi.json lists them")
    if method not in {"GET", "HEAD"}:
        return _problem(405, "http_error", "a page can only be read", {"allow": "GET, HEAD"})
    return _console_file(files, path, takes_gzip=takes_gzip)


def _console_file(files: Path, path: str, *, takes_gzip: bool) -> Response:
    page = files / "index.html"
    if not page.is_file():
        return Response("The console has not been built: run `make console`.\n", 503, media_type="text/plain")
    wanted = Path(os.path.normpath(files / path))
    if wanted.is_relative_to(files) and os.path.isfile(wanted):  # noqa: PTH113 - Path.is_file raises on hostile names
        return _asset(wanted, takes_gzip=takes_gzip) if path.startswith("assets/") else _changing(wanted)
    if path.startswith("assets/"):
        return _problem(404, "not_found", "this version of the console has no such file: reload the page")
    return _changing(page)


def _changing(file: Path) -> Response:
    return FileResponse(file, headers={"cache-control": "no-cache"})


def _asset(file: Path, *, takes_gzip: bool) -> Response:
    """Named by its content, and compressed when the console was built: a quarter of the bytes."""
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    compressed = file.with_name(f"{file.name}.gz")
    if not takes_gzip or not compressed.is_file():
        return FileResponse(file, headers=headers)
    kind = mimetypes.guess_type(file.name)[0]
    return FileResponse(compressed, media_type=kind, headers={**headers, "content-encoding": "gzip"})
