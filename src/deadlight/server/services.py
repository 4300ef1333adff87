"""What handlers and jobs are given: made once in the composition root, passed on, never looked up globally."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, cast

import aiohttp
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.registry.attestations.keyless import VerifyBundle
from deadlight.registry.connection import Address, Connection
from deadlight.registry.types.registry_type import RegistryType
from deadlight.server.db.notifications import Listener
from deadlight.server.secrets import Cipher
from deadlight.server.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The running service's resources."""

    settings: Settings
    engine: AsyncEngine
    cipher: Cipher
    http: aiohttp.ClientSession
    """For registries: follows redirects as the registry client decides."""
    outbound: aiohttp.ClientSession
    """For alerts: refuses addresses in `settings.denied_destinations` at connection time."""
    processes: Executor
    """Runs what keeps a processor busy (reading layers) outside this process."""
    listener: Listener
    registries: dict[Address, Connection]
    """One connection per way to reach a registry: it holds tokens and keeps the pace."""
    verify_bundle: VerifyBundle
    """Verifies keyless signatures."""
    registry_types: Mapping[str, RegistryType]
    """Adapters to what registries know beyond the distribution API, by the type stored with them."""


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(_services)]
"""A handler's parameter of this type receives the services."""
