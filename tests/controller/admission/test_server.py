"""The endpoint over real TLS: it allows everything, believes nobody without its token and counts what it does."""

import ssl
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from tests.controller.admission.conftest import TOKEN
from tests.controller.admission.made import deployment, encoded, event, events, review

from deadlight.controller.admission.options import AdmissionOptions
from deadlight.controller.admission.requests import Asked
from deadlight.controller.admission.server import MOST_BYTES, serve_admission
from deadlight.controller.errors import ConfigurationError
from deadlight.controller.health import Counts


class ApiServer:
    """A client as the API server is one, with what came of what it said."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http
        self.taken: list[Asked] = []
        self.counts = Counts()

    async def send(self, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
        data = BytesIO(body if isinstance(body, bytes) else encoded(body))
        async with self.http.post(f"{self.url}{path}", data=data, headers=headers) as response:
            return response.status, await response.read()


@pytest.fixture
async def api_server(authority: trustme.CA, options: AdmissionOptions) -> AsyncIterator[ApiServer]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http:
        client = ApiServer("", http)
        async with serve_admission(options, client.taken.append, client.counts) as port:
            client.url = f"https://127.0.0.1:{port}"
            yield client


@pytest.mark.req("F2")
async def test_every_review_is_allowed_and_a_deployment_is_taken_note_of(api_server: ApiServer) -> None:
    for said in (review(deployment("web:2"), deployment("web:1"), uid="7"), review("nonsense", uid="7")):
        status, body = await api_server.send(f"/admission/{TOKEN}", said)
        assert status == 200
        assert body == encoded(
            {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {"uid": "7", "allowed": True},
            }
        )
    assert [item.deployer.user for item in api_server.taken] == ["grace@example.com"]
    assert api_server.counts.admission_reviews == 2


@pytest.mark.req("F2", "R21")
async def test_audit_events_are_taken_from_their_bearer_only(api_server: ApiServer) -> None:
    body = events(event(deployment("web:2")), event(deployment("web:2"), verb="delete"))
    assert (await api_server.send("/audit", body, authorization=f"Bearer {TOKEN}"))[0] == 200
    assert [item.deployer.via for item in api_server.taken] == ["audit"]
    assert api_server.counts.audit_events == 2
    for authorization in ("", "Bearer", "Bearer x", f"Basic {TOKEN}"):
        assert (await api_server.send("/audit", body, authorization=authorization))[0] == 403
    assert (len(api_server.taken), api_server.counts.admission_refused) == (1, 4)


@pytest.mark.req("R21")
async def test_whoever_does_not_know_the_token_is_not_believed(api_server: ApiServer) -> None:
    for path in ("/admission/x", f"/admission/{TOKEN}x", "/admission/%C3%A4%00"):
        assert (await api_server.send(path, review(deployment())))[0] == 403
    for path in ("/admission", "/admission/", "/"):
        assert (await api_server.send(path, review(deployment())))[0] == 404
    assert (api_server.taken, api_server.counts.admission_refused) == ([], 3)


async def test_what_is_no_review_is_refused_and_counted(api_server: ApiServer) -> None:
    for body in (b"", b"{}", b"[" * 10_000):
        assert (await api_server.send(f"/admission/{TOKEN}", body))[0] == 400
        assert (await api_server.send("/audit", body, authorization=f"Bearer {TOKEN}"))[0] in {200, 400}
    assert (await api_server.send(f"/admission/{TOKEN}", b" " * (MOST_BYTES + 1)))[0] == 413
    assert api_server.taken == []
    assert api_server.counts.admission_unreadable == 6


@pytest.mark.req("R21")
async def test_with_an_authority_for_clients_only_its_certificates_are_heard(
    authority: trustme.CA, options: AdmissionOptions, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    strict = AdmissionOptions(
        host=options.host,
        port=0,
        cert_file=options.cert_file,
        key_file=options.key_file,
        token_file=options.token_file,
        client_ca_file=tmp_path / "clients.pem",
    )
    nobody, known = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(nobody)
    authority.configure_trust(known)
    authority.issue_cert("kube-apiserver").configure_cert(known)
    taken: list[Asked] = []
    async with serve_admission(strict, taken.append, Counts()) as port, aiohttp.ClientSession() as http:
        url = f"https://127.0.0.1:{port}/admission/{TOKEN}"
        body = encoded(review(deployment()))
        with pytest.raises(aiohttp.ClientError):
            await http.post(url, data=body, ssl=nobody)
        async with http.post(url, data=body, ssl=known) as response:
            assert response.status == 200
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("token", "short", "16 letters"),
        ("token", "with spaces in it, and long enough", "16 letters"),
        ("tls.crt", "no certificate", "certificate"),
        ("tls.key", None, "certificate"),
        ("token", None, "token"),
    ],
)
async def test_what_cannot_be_used_is_said_at_the_start(
    options: AdmissionOptions, tmp_path: Path, file: str, content: str | None, text: str
) -> None:
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(ConfigurationError, match=text):
        async with serve_admission(options, lambda _: None, Counts()):
            pass
