"""The web application: routes, errors, headers and the console's files."""

import logging
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy import text
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deadlight import __version__
from deadlight.server import demonstration
from deadlight.server.advisories import api as advisories_api
from deadlight.server.assessment import api as assessment_api
from deadlight.server.assessment import runtime_api
from deadlight.server.auth import api as auth_api
from deadlight.server.dashboard import api as dashboard_api
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.errors import ServiceError
from deadlight.server.inventory import api as inventory_api
from deadlight.server.registries import api as registries_api
from deadlight.server.runtime import api as observations_api
from deadlight.server.scans import api as scans_api
from deadlight.server.services import Services, ServicesDep
from deadlight.server.workers import api as workers_api

logger = logging.getLogger(__name__)

ROUTERS = (
    auth_api.router,
    inventory_api.router,
    observations_api.router,
    registries_api.router,
    advisories_api.router,
    dashboard_api.router,
    assessment_api.router,
    runtime_api.router,
    workers_api.router,
    scans_api.router,
    demonstration.router,
)

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

CONSOLE = Path(str(files("deadlight.server"))) / "console"
"""Built by `make console` and shipped in the wheel."""


def create_app(services: Services | None = None, risk_index: RiskIndex | None = None) -> FastAPI:
    """The application over running services; without them it can only describe itself (OpenAPI)."""
    app = FastAPI(
        title="Deadlight",
        version=__version__,
        description="Runtime security for containers. /runtime/api/v1 is the public Runtime API.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.risk_index = risk_index
    for router in ROUTERS:
        app.include_router(router)
    _add_health(app)
    _add_errors(app)
    app.add_middleware(_SecurityHeaders)
    _add_console(app)
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/api/v1/system/liveness", tags=["system"], operation_id="getLiveness")
    async def liveness() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/api/v1/system/readiness", tags=["system"], operation_id="getReadiness")
    async def readiness(services: ServicesDep) -> dict[str, str]:
        """The database answers too."""
        async with services.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {"status": "ok"}


class _SecurityHeaders:
    """Adds the headers that tell browsers what this site never does. Plain ASGI, so that streams stay streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def refuse(_: Request, error: ServiceError) -> JSONResponse:
        return _problem(error.status, error.code, error.message)

    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(400, "bad_request", describe_validation(error))

    @app.exception_handler(HTTPException)
    async def refuse_http(_: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, "http_error", str(error.detail))

    @app.exception_handler(Exception)
    async def fail(request: Request, error: Exception) -> JSONResponse:
        logger.error("request failed", exc_info=error, extra={"path": request.url.path})
        return _problem(500, "internal_error", "something went wrong on our side; the service's log says what")


def _problem(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status_code=status)


def describe_validation(error: RequestValidationError) -> str:
    """What is wrong with a request, field by field, without the values: some are secrets."""
    parts: list[str] = []
    for item in error.errors()[:10]:
        place = ".".join(str(step) for step in item["loc"] if step != "body")
        parts.append(f"{place}: {item['msg']}" if place else str(item["msg"]))
    return "; ".join(parts)


def _add_console(app: FastAPI) -> None:
    @app.get("/{path:path}", include_in_schema=False)
    async def console(path: str) -> Response:
        """A file of the console, or its page, whose own router knows the rest of the address."""
        if path.startswith(("api/", "agent/", "runtime/api/")):
            return _problem(404, "not_found", "no such endpoint; /api/openapi.json lists them")
        return _console_file(path)


def _console_file(path: str) -> Response:
    page = CONSOLE / "index.html"
    if not page.is_file():
        return Response("The console has not been built: run `make console`.\n", 503, media_type="text/plain")
    wanted = (CONSOLE / path).resolve()
    headers: dict[str, Any] = {"cache-control": "no-cache"}
    if path and wanted.is_file() and wanted.is_relative_to(CONSOLE.resolve()):
        if "assets" in wanted.parts:  # named by their content
            headers = {"cache-control": "public, max-age=31536000, immutable"}
        return FileResponse(wanted, headers=headers)
    return FileResponse(page, headers=headers)
