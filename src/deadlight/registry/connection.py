"""One registry as a whole: the client of its distribution API and the adapter to its product's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import aiohttp

from deadlight.registry.client import DEFAULT_LIMITS, DEFAULT_TIMING, RegistryClient
from deadlight.registry.endpoint import Endpoint
from deadlight.registry.limits import Limits, Timing
from deadlight.registry.types.generic import GENERIC
from deadlight.registry.types.registry_type import RegistryApi, RegistryType
from deadlight.registry.types.table import TYPES


@dataclass(frozen=True, slots=True)
class Address:
    """Everything it takes to reach a registry; equal ones are one registry to us."""

    endpoint: Endpoint
    type: str = GENERIC.key
    """The key of its type; one that nobody knows is as good as the generic one."""
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The settings of that type by name, secret ones too."""


class Connection(NamedTuple):
    """The ways to ask one registry. Share it: it holds tokens and keeps the pace."""

    client: RegistryClient
    api: RegistryApi


@runtime_checkable
class _Lending(Protocol):
    """A product whose credentials for the distribution API are lent for some hours."""

    async def sign_in(self) -> Endpoint:
        """The endpoint with credentials that are good now."""
        ...


def connect(
    address: Address,
    session: aiohttp.ClientSession,
    *,
    types: Mapping[str, RegistryType] = TYPES,
    limits: Limits = DEFAULT_LIMITS,
    timing: Timing = DEFAULT_TIMING,
) -> Connection:
    """Prepare to ask a registry; raises InvalidEndpointError for settings that cannot work."""
    options: Mapping[str, str] = dict(address.options)
    api = types.get(address.type, GENERIC).connect(address.endpoint, session, options, timing)
    sign_in = api.sign_in if isinstance(api, _Lending) else None
    return Connection(RegistryClient(address.endpoint, session, sign_in=sign_in, limits=limits, timing=timing), api)
