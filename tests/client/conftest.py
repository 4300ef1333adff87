"""Fixtures of the agents' client: a service that speaks the protocol, a certificate authority for it."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from tests.client.model_service import ModelService


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    model = ModelService()
    await model.start()
    yield model
    await model.stop()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
async def secure_service(authority: trustme.CA) -> AsyncIterator[ModelService]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    model = ModelService()
    await model.start(context)
    yield model
    await model.stop()
