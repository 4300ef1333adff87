"""What handlers and jobs are given: made once in the composition root, passed on, never looked up globally."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Annotated, cast
from weakref import WeakValueDictionary

import aiohttp
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.registry.attestations.keyless import VerifyBundle
from deadlight.registry.connection import Address, Connection
from deadlight.registry.types.registry_type import RegistryType
from deadlight.server.db.notifications import Listener
from deadlight.server.secrets import Cipher
from deadlight.server.settings import Settings
from deadlight.server.turnstile import Turnstile


class Turns:
    """At most so many at a time of whatever has the same name."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Semaphore:
        """To be held while it lasts; forgotten when nobody holds it or waits for it."""
        return self._turns.setdefault(name, asyncio.Semaphore(self._at_once))


OBSERVATIONS_AT_ONCE, OBSERVATIONS_PER_SECOND = 400_000, 2_000
"""Of one sensor: what it keeps while the service is away, and twice what it finds where ever new files are opened."""

DETECTIONS_AT_ONCE, DETECTIONS_PER_SECOND = 20_000, 10
"""Of one sensor: what it keeps while the service is away, and ten containers that are attacked without end."""

STRANGERS_AT_ONCE, STRANGERS_PER_SECOND = 1_000, 0.02
"""Of one sensor: containers that nobody knows and it tells of for the first time. A controller tells within seconds."""

WEBHOOKS_AT_ONCE, WEBHOOKS_PER_SECOND = 200, 20
"""Of one registry: enough for a busy day."""

INVENTORY_AT_ONCE = 4
"""Batches of inventory that are taken at a time. When changes come faster than they are taken controllers send more of
them together, which costs less a change, and what leads to an alert does not wait behind all of them."""

IMAGES_AT_ONCE = 8
"""New images of one registry that are read at a time: what is known of all layers of each is in memory."""

RENEWALS_AT_ONCE = 2
"""The same of images whose result is renewed: a new one waits for the layers of no more of them."""


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
    pull_turns: Turns
    """Held by a registry's host while a layer is pulled from it."""
    image_turns: Turns = field(default_factory=lambda: Turns(IMAGES_AT_ONCE))
    """Held by a registry's host while a new image of it is read."""
    renewal_turns: Turns = field(default_factory=lambda: Turns(RENEWALS_AT_ONCE))
    """Held by a registry's host while what is known of an image of it is renewed."""
    layer_turns: Turns = field(default_factory=lambda: Turns(1))
    """Held by a registry's host and a layer's digest while it is read: whoever waits for it finds it read."""
    inventory_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(INVENTORY_AT_ONCE))
    """Held while a batch of inventory is taken."""
    observations: Turnstile = field(default_factory=lambda: Turnstile(OBSERVATIONS_AT_ONCE, OBSERVATIONS_PER_SECOND))
    """What each sensor tells passes here, by its id."""
    detections: Turnstile = field(default_factory=lambda: Turnstile(DETECTIONS_AT_ONCE, DETECTIONS_PER_SECOND))
    """What each sensor detects passes here, by its id."""
    strangers: Turnstile = field(default_factory=lambda: Turnstile(STRANGERS_AT_ONCE, STRANGERS_PER_SECOND))
    """New containers of which only a sensor has told pass here, by its id."""
    webhooks: Turnstile = field(default_factory=lambda: Turnstile(WEBHOOKS_AT_ONCE, WEBHOOKS_PER_SECOND))
    """Each registry's webhooks pass here, by its id."""


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(_services)]
"""A handler's parameter of this type receives the services."""
