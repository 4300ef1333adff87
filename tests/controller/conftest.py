"""Fixtures of the controller: a service that speaks the protocol, and a cluster behind a stand-in API server."""

from collections.abc import AsyncIterator

import pytest
from tests.client.model_service import ModelService

from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    model = ModelService()
    await model.start()
    yield model
    await model.stop()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster("east", bookmark_seconds=0.05)


@pytest.fixture
async def standin(cluster: Cluster) -> AsyncIterator[Standin]:
    async with Standin([cluster]) as running:
        yield running


@pytest.fixture
def access(cluster: Cluster, standin: Standin) -> Access:
    return Access(server=standin.url(cluster), authenticator=Fixed(Credential(cluster.token)), name=cluster.name)
