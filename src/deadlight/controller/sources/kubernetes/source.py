"""A Kubernetes cluster, followed: one reflector a kind, one view, changes out."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from typing import Protocol, assert_never

import msgspec

from deadlight.controller.deltas import Change
from deadlight.controller.errors import ControllerError
from deadlight.controller.health import Health
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.cluster import fetch_version
from deadlight.controller.sources.kubernetes.events import Gone, Seen
from deadlight.controller.sources.kubernetes.reflector import UNHURRIED, Pace, Reflector
from deadlight.controller.sources.kubernetes.resources import OWNERS, PLACES, PODS, Resource
from deadlight.controller.sources.kubernetes.view import ClusterView
from deadlight.model.wire import ClusterRecord, Deployer

VERSION_SECONDS = 600.0
"""How often the API server is asked for its version: upgrades are rare, and asking costs 300 bytes."""

logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Where changes go."""

    def apply(self, changes: Iterable[Change]) -> bool:
        """Take in changes; returns whether any of them was news."""

    def describe(self, cluster: ClusterRecord) -> None:
        """Take in the cluster's own record."""


class KubernetesSource:
    """Follows a cluster. `complete` is set once everything readable has been read."""

    def __init__(
        self, api: KubernetesApi, cluster: ClusterRecord, sink: Sink, health: Health, pace: Pace = UNHURRIED
    ) -> None:
        self.complete = asyncio.Event()
        self._api = api
        self._cluster = cluster
        self._sink = sink
        self._health = health
        self._pace = pace
        self._view = ClusterView()

    async def run(self) -> None:
        """Follow every kind until cancelled; owners first, so that pods find theirs."""
        await self._read_version()
        async with asyncio.TaskGroup() as tasks:
            for resources in ((*PLACES, *OWNERS), (PODS,)):
                reflectors = [self._reflector(resource) for resource in resources]
                for reflector in reflectors:
                    tasks.create_task(reflector.run())
                for reflector in reflectors:
                    await reflector.settled.wait()
            self._describe()
            self.complete.set()
            while True:
                await asyncio.sleep(VERSION_SECONDS)
                await self._read_version()
                self._describe()

    def attribute(self, uid: str, deployer: Deployer) -> None:
        """Take in that the API server authenticated somebody who asked for what a workload is to be."""
        self._sink.apply(self._view.attribute(uid, deployer))
        self._health.counts.deployers += 1
        self._health.counts.deployers_lost = self._view.deployers.lost

    def _reflector(self, resource: Resource) -> Reflector:
        return Reflector(self._api, resource, partial(self._deliver, resource), self._health, self._pace)

    def _deliver(self, resource: Resource, event: Seen | Gone) -> None:
        match event:
            case Seen():
                news = self._sink.apply(self._view.see(event.object))
                self._health.counts.unchanged += not news
            case Gone():
                news = self._sink.apply(self._view.forget(resource.kind, event.uid))
            case _:
                assert_never(event)
        if news and resource.kind is objects.Node and self.complete.is_set():
            self._describe()

    def _describe(self) -> None:
        self._sink.describe(self._view.locate(self._cluster))

    async def _read_version(self) -> None:
        try:
            version = await fetch_version(self._api)
        except ControllerError as error:
            if self._health.trouble("version", f"cannot read the API server's version: {error}"):
                logger.warning("cannot read the API server's version: %s", error)
            return
        self._health.cleared("version")
        self._cluster = msgspec.structs.replace(self._cluster, version=version)
