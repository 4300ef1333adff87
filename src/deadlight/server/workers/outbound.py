"""The connections alerts go out on.

Addresses come from users, so what they may reach is checked where it counts: on the address that is about to be
connected to, after every lookup, so that a name cannot be turned to another address in between.
"""

import socket
from collections.abc import Sequence
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from deadlight.server.settings import IPNetwork
from deadlight.server.workers.notifiers.notifier import RefusedError

SETTING = "DEADLIGHT_DENIED_DESTINATIONS"


def is_denied(address: str, denied: Sequence[IPNetwork]) -> bool:
    """Whether an IP address lies in a denied network; IPv4 addresses mapped into IPv6 are what they map to."""
    parsed = ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped.version == network.version and mapped in network for network in denied)


class _Resolver(AbstractResolver):
    def __init__(self, denied: Sequence[IPNetwork]) -> None:
        self._denied = denied
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [result for result in found if not is_denied(result["host"], self._denied)]
        if not allowed:
            raise RefusedError(f"{host} leads into a network that alerts are never sent to ({SETTING})")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


class _Connector(aiohttp.TCPConnector):
    """Also checks addresses written as numbers, which no resolver sees."""

    def __init__(self, denied: Sequence[IPNetwork]) -> None:
        super().__init__(resolver=_Resolver(denied), limit=100, use_dns_cache=False)
        self._denied = denied

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the base class's signature
    ) -> aiohttp.connector.Connection:
        check_address(req.url.host or "", self._denied)
        return await super().connect(req, traces, timeout)


def check_address(host: str, denied: Sequence[IPNetwork]) -> None:
    """Raises RefusedError where `host` is a denied address. A name is judged when it is looked up."""
    try:
        address = str(ip_address(host.strip("[]")))
    except ValueError:
        return
    if is_denied(address, denied):
        raise RefusedError(f"{host} is in a network that alerts are never sent to ({SETTING})")


def open_outbound_session(denied: Sequence[IPNetwork]) -> aiohttp.ClientSession:
    """A session for alerts. It follows no proxy of the environment, which would connect in its place."""
    return aiohttp.ClientSession(connector=_Connector(denied), trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
