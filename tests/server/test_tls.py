"""What agents send travels encrypted, to a service they have reason to trust, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
import trustme
from tests.support.docker_registry import free_port
from tests.support.inventory import batch, node
from tests.support.service import eventually, service_settings

from deadlight.client import credentials
from deadlight.client.agent import AgentClient
from deadlight.client.credential_process import Token
from deadlight.client.errors import CredentialsError
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.auth.registration import create_registration_token
from deadlight.server.composition import _serve_http, open_services
from deadlight.server.dashboard.risk_index import RiskIndex


class SecureService:
    """A service behind a certificate of `authority`, and a place for what an agent keeps."""

    def __init__(self, port: int, authority: trustme.CA, folder: Path) -> None:
        self.url = f"https://localhost:{port}"
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))

    async def obtain(self, ca_file: Path | None, *, server: str = "") -> Token:
        """A token, as an agent gets one that has a registration token."""
        arguments = ["--server", server or self.url, "--state", str(self.folder / "state"), "--kind", "controller"]
        arguments += ["--cluster-uid", "uid-test", "--cluster-name", "test"]
        arguments += ["--registration-token-file", str(self.folder / "registration-token")]
        arguments += ["--ca-file", str(ca_file)] if ca_file else []
        return msgspec.convert(await asyncio.to_thread(credentials.obtain, credentials._options(arguments)), Token)


@asynccontextmanager
async def serving(database_url: str, folder: Path, name: str) -> AsyncIterator[SecureService]:
    """Serve with a certificate for `name`."""
    authority, port = trustme.CA(), free_port()
    issued = authority.issue_cert(name)
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    settings = service_settings(database_url, port=port, tls_cert_file=str(chain), tls_key_file=str(key))
    async with open_services(settings) as services:
        async with services.engine.begin() as connection:
            token = await create_registration_token(connection, "tests")
        (folder / "registration-token").write_text(token)
        server = asyncio.create_task(_serve_http(services, RiskIndex(services.engine), LiveIndex()))
        try:
            await eventually(lambda: listens(port))
            yield SecureService(port, authority, folder)
        finally:
            server.cancel()
            await asyncio.wait({server})


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.req("R21")
async def test_an_agent_that_knows_the_authority_enrols_and_reports(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url, tmp_path, "localhost") as service:
        token = await service.obtain(service.ca_file)

        async def fetch() -> Token:
            return token

        async with AgentClient(service.url, fetch, ca_file=service.ca_file) as agent:
            message = batch(node())
            assert (await agent.send_inventory(message)).batch_id == message.batch_id


@pytest.mark.req("R21")
async def test_an_agent_tells_nothing_to_a_service_whose_certificate_it_cannot_trust(
    database_url: str, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    async with serving(database_url, tmp_path, "localhost") as service:
        for ca_file in (None, stranger):
            with pytest.raises(CredentialsError, match="certificate"):
                await service.obtain(ca_file)
        assert (await service.obtain(service.ca_file)).agent_id  # it was the certificate and nothing else


@pytest.mark.req("R21")
async def test_a_certificate_for_another_name_is_not_this_services(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url, tmp_path, "elsewhere.example") as service:
        with pytest.raises(CredentialsError, match="certificate"):
            await service.obtain(service.ca_file)


@pytest.mark.req("R21")
async def test_nothing_is_answered_in_plain_text(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url, tmp_path, "localhost") as service, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(service.url.replace("https://", "http://"))
        with pytest.raises(CredentialsError):
            await service.obtain(None, server=service.url.replace("https://", "http://"))
