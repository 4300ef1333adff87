"""The way to an API server: TLS both ways, files that rotate, and the in-cluster account."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from deadlight.controller.errors import ApiError, ConfigurationError, UnreachableError
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed, TokenFile
from deadlight.controller.sources.kubernetes.incluster import in_cluster, is_in_cluster
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def secure(cluster: Cluster, authority: trustme.CA) -> AsyncIterator[Access]:
    """A stand-in that speaks TLS and wants a client certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    client = authority.issue_cert("controller@deadlight.example")
    credential = Credential(
        cluster.token, client.cert_chain_pems[0].bytes().decode(), client.private_key_pem.bytes().decode()
    )
    async with Standin([cluster], ssl_context=context) as standin:
        pem = authority.cert_pem.bytes().decode()
        yield Access(server=standin.url(cluster), authenticator=Fixed(credential), ca=pem)


async def ask(access: Access) -> bytes:
    async with KubernetesApi(access, quiet_seconds=5) as api:
        return await api.get("/version")


@pytest.mark.req("R23")
async def test_both_sides_prove_themselves(secure: Access) -> None:
    assert b"gitVersion" in await ask(secure)


@pytest.mark.req("R23")
async def test_a_server_of_another_authority_gets_no_request(secure: Access) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()

    with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(replace(secure, ca=stranger))
    with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(replace(secure, ca=None))


async def test_verification_is_off_only_where_the_kubeconfig_says_so(secure: Access) -> None:
    assert b"gitVersion" in await ask(replace(secure, ca=None, insecure=True))


async def test_the_name_in_the_certificate_may_be_another_than_the_address(secure: Access) -> None:
    with pytest.raises(UnreachableError, match=r"(?i)hostname"):
        await ask(replace(secure, tls_server_name="other.example"))


async def test_a_rotated_authority_file_is_read_again(secure: Access, authority: trustme.CA, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    path.write_bytes(trustme.CA().cert_pem.bytes())
    async with KubernetesApi(replace(secure, ca=path)) as api:
        with pytest.raises(UnreachableError):
            await api.get("/version")
        path.write_bytes(authority.cert_pem.bytes())
        assert b"gitVersion" in await api.get("/version")


@pytest.mark.parametrize("content", [None, b"no certificate", b"\xff"])
async def test_an_unusable_authority_file_is_named(content: bytes | None, secure: Access, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"ca\.crt"):
        await ask(replace(secure, ca=path))


@pytest.mark.req("R21", "R23")
async def test_a_rotated_token_is_picked_up_and_a_wrong_one_refused(
    access: Access, cluster: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("outdated")
    async with KubernetesApi(replace(access, authenticator=TokenFile(path))) as api:
        with pytest.raises(ApiError) as refused:
            await api.get("/api/v1/pods")
        path.write_text(f"{cluster.token}\n")
        assert b"PodList" in await api.get("/api/v1/pods")

    assert refused.value.status == 401


@pytest.mark.req("R23")
async def test_inside_a_cluster_the_service_account_is_the_way(tmp_path: Path) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert not is_in_cluster(environment, tmp_path)
    with pytest.raises(ConfigurationError, match="not inside a cluster"):
        in_cluster(environment, tmp_path)
    (tmp_path / "token").write_text("t")
    assert is_in_cluster(environment, tmp_path)
    assert not is_in_cluster({}, tmp_path)

    access = in_cluster(environment, tmp_path)

    assert access.server == "https://[fd00::1]:6443"
    assert access.ca == tmp_path / "ca.crt"
    assert (await access.authenticator.credential()).token == "t"
