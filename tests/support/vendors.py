"""The vendors' own host names on loopback, with certificates for them: what a client sends goes to no other name.

Clients are given no address of a double. They ask `api.ecr.eu-west-1.amazonaws.com` as in life, and whatever they look
up besides the names of the vendor that is on stage does not exist.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Protocol

import aiohttp
import msgspec
import trustme
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from tests.support.accounts import Calendar
from tests.support.registries import Handler, ServedRegistry, serve_registry

from deadlight.registry.documents import digest_of

_NAMES = (
    "*.dkr.ecr.eu-west-1.amazonaws.com",
    "*.ecr.eu-west-1.amazonaws.com",
    "*.eu-west-1.amazonaws.com",
    "*.pkg.dev",
    "*.googleapis.com",
    "*.azurecr.io",
    "*.microsoftonline.com",
    "ghcr.io",
    "*.github.com",
    "*.docker.io",
    "*.docker.com",
)


class Vendor(Protocol):
    """A double of a vendor."""

    @property
    def hosts(self) -> Sequence[str]:
        """Its names."""

    def application(self) -> web.Application:
        """Everything under all of its names."""


class VendorNetwork(AbstractResolver):
    """A network in which a vendor's names lead to one port, and no others lead anywhere."""

    def __init__(self, hosts: Sequence[str], port: int) -> None:
        self._hosts = frozenset(hosts)
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The port on loopback; raises OSError for a stranger's name."""
        if host not in self._hosts:
            raise OSError(f"no such host here: {host}")
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


@cache
def _certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the server shows, and what the client believes: made once, for it takes long."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert(*_NAMES).configure_cert(server)
    authority.configure_trust(client)
    return server, client


@asynccontextmanager
async def serve_vendor(vendor: Vendor) -> AsyncIterator[tuple[ServedRegistry, aiohttp.ClientSession]]:
    """Serve a double under its names; the session is in its network."""
    server, client = _certificates()
    async with serve_registry(vendor, tls=server) as served:
        network = VendorNetwork(vendor.hosts, served.tls_port)
        connector = aiohttp.TCPConnector(resolver=network, ssl=client)
        async with aiohttp.ClientSession(connector=connector) as http:
            yield served, http


class _Entry(msgspec.Struct):
    digest: str


class _Index(msgspec.Struct):
    manifests: list[_Entry] = []


class Pushes:
    """What was pushed to a double's registry, and when."""

    def __init__(self) -> None:
        self.images: dict[tuple[str, str], datetime] = {}
        """By repository and digest."""
        self.tags: dict[tuple[str, str], tuple[str, datetime]] = {}
        """By repository and tag: digest, and since when."""
        self.children: dict[str, list[str]] = {}
        """Of an index, by its digest."""
        self._calendar = Calendar()

    @web.middleware
    async def keep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note what the registry took."""
        response = await handler(request)
        if request.method == "PUT" and "/manifests/" in request.path and response.status == 201:
            name, reference = request.match_info["name"], request.match_info["reference"]
            content = await request.read()
            digest, now = digest_of(content), self._calendar.next()
            self.images.setdefault((name, digest), now)
            self.children[digest] = [entry.digest for entry in msgspec.json.decode(content, type=_Index).manifests]
            if reference != digest:
                self.tags[name, reference] = digest, now
        return response

    def last_push_at(self, digest: str) -> datetime | None:
        """When a digest came."""
        return next((at for (_, held), at in self.images.items() if held == digest), None)

    def tags_of(self, name: str, digest: str) -> list[str]:
        """The tags that point at a digest now."""
        return [tag for (holder, tag), (held, _) in self.tags.items() if (holder, held) == (name, digest)]
