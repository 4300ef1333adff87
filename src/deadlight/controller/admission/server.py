"""The HTTPS endpoint that the API server talks to: admission reviews and audit events.

It allows everything: whatever happens here, nobody's deployment waits for it or fails because of it. Whoever talks to
it knows its token, which is part of the webhook's address, and the bearer of the audit backend.
"""

import hmac
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from aiohttp import web

from deadlight.controller.admission.options import AdmissionOptions
from deadlight.controller.admission.requests import (
    Asked,
    UnreadableRequestError,
    asked_in_review,
    iter_asked,
    parse_events,
    parse_review,
)
from deadlight.controller.errors import ConfigurationError
from deadlight.controller.health import Counts

MOST_BYTES = 12 * 1024 * 1024
"""An object has at most 1.5 MiB and a review two of them; the audit backend truncates its batches at 10 MiB."""

SHORTEST_TOKEN = 16

logger = logging.getLogger(__name__)


@asynccontextmanager
async def serve_admission(
    options: AdmissionOptions, take: Callable[[Asked], None], counts: Counts
) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port.

    Raises:
        ConfigurationError: the certificate, the token or the address cannot be used.
    """
    endpoint = _Endpoint(_read_token(options.token_file), take, counts)
    application = web.Application(client_max_size=MOST_BYTES)
    application.router.add_post("/admission/{token}", endpoint.review)
    application.router.add_post("/audit", endpoint.audit)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, ssl_context=_tls(options))
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigurationError(f"cannot listen for admission reviews: {error}") from error
    port: int = runner.addresses[0][1]
    logger.info("admission reviews and audit events are taken at port %s", port)
    try:
        yield port
    finally:
        await runner.cleanup()


class _Endpoint:
    def __init__(self, token: str, take: Callable[[Asked], None], counts: Counts) -> None:
        self._token = token
        self._take = take
        self._counts = counts

    async def review(self, request: web.Request) -> web.Response:
        """Take note of what a review asks for, and allow it."""
        self._check(request.match_info["token"])
        self._counts.admission_reviews += 1
        try:
            review = parse_review(await self._read(request))
        except UnreadableRequestError as error:
            raise self._refuse(error) from error
        try:
            asked = asked_in_review(review, datetime.now(UTC))
            if asked is not None:
                self._take(asked)
        except Exception:  # whatever a workload looks like, it is not for us to hold it up
            logger.exception("an admission review was not understood")
            self._counts.admission_unreadable += 1
        answer = {"uid": review.request.uid, "allowed": True}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def audit(self, request: web.Request) -> web.Response:
        """Take note of what the API server has done, and for whom."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self._check(token if scheme.lower() == "bearer" else "")
        try:
            events = parse_events(await self._read(request))
        except UnreadableRequestError as error:
            raise self._refuse(error) from error
        self._counts.audit_events += len(events)
        for asked in iter_asked(events):
            self._take(asked)
        return web.Response()

    async def _read(self, request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            self._counts.admission_unreadable += 1
            raise

    def _check(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(errors="replace"), self._token.encode()):
            self._counts.admission_refused += 1
            raise web.HTTPForbidden(text="the token is not this controller's\n")

    def _refuse(self, error: UnreadableRequestError) -> web.HTTPBadRequest:
        self._counts.admission_unreadable += 1
        return web.HTTPBadRequest(text=f"{str(error)[:500]}\n")


def _read_token(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the admission token: {error}") from error
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isalnum():
        raise ConfigurationError(f"the admission token in {file} must have {SHORTEST_TOKEN} letters and digits or more")
    return token


def _tls(options: AdmissionOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(options.cert_file, options.key_file)
        if options.client_ca_file:
            context.load_verify_locations(options.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # SSLError is one
        raise ConfigurationError(f"cannot use the certificate for admission reviews: {error}") from error
    return context
