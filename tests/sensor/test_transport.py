"""Messages to the service over a real connection."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from deadlight.client.errors import InsecureServerError
from deadlight.sensor.errors import SensorError
from deadlight.sensor.transport import COMPRESS_FROM_BYTES, RefusedError, Service, TokenRefusedError, UnavailableError

PATH = "/agent/v1/heartbeat"


@pytest.fixture
def connect() -> Iterator[Callable[..., Service]]:
    """Opens a connection that is closed after the test."""
    with ExitStack() as opened:
        yield lambda url, **options: opened.enter_context(closing(Service(url, **options)))


def test_a_message_arrives_with_its_token(service, connect):
    connect(service.url).post(PATH, b'{"a": 1}', "t1")

    (request,) = service.requests
    assert (request.path, request.body) == (PATH, b'{"a": 1}')
    assert request.headers["Authorization"] == "Bearer t1"
    assert "Content-Encoding" not in request.headers


def test_a_service_below_a_path_gets_its_messages_there(service, connect):
    connect(f"{service.url}/deadlight/").post(PATH, b"{}", "t1")

    assert service.requests[0].path == f"/deadlight{PATH}"


def test_a_large_message_is_compressed(service, connect):
    body = json.dumps({"text": "x" * COMPRESS_FROM_BYTES}).encode()
    connect(service.url).post(PATH, body, "t1")

    (request,) = service.requests
    assert request.headers["Content-Encoding"] == "gzip"
    assert int(request.headers["Content-Length"]) < len(body)
    assert request.body == body


def test_the_connection_is_kept(service, connect):
    connection = connect(service.url)
    for _ in range(3):
        connection.post(PATH, b"{}", "t1")

    assert service.connections == 1


def test_a_kept_connection_that_the_server_closed_meanwhile_is_no_failure(service, reply, connect):
    connection = connect(service.url)
    connection.post(PATH, b"{}", "t1")
    service.instead(PATH, reply())
    connection.post(PATH, b"{}", "t1")

    assert service.connections == 2


def test_a_new_connection_that_is_closed_unanswered_is_a_failure(service, reply, connect):
    service.instead(PATH, reply())

    with pytest.raises(UnavailableError, match="cannot reach the service"):
        connect(service.url).post(PATH, b"{}", "t1")
    assert len(service.requests) == 1


def test_a_service_that_is_not_there_is_a_failure(connect):
    with pytest.raises(UnavailableError, match="Connection refused"):
        connect("http://127.0.0.1:1").post(PATH, b"{}", "t1")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_will_never_be_accepted_is_refused(service, reply, status, connect):
    service.instead(PATH, reply(status, b'{"detail": "field observations is too long"}'))

    with pytest.raises(RefusedError, match="too long"):
        connect(service.url).post(PATH, b"{}", "t1")


@pytest.mark.parametrize("status", [302, 403, 404, 408, 429, 500, 502, 503])
def test_everything_else_may_work_later(service, reply, status, connect):
    service.instead(PATH, reply(status, b"not now", {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}))

    with pytest.raises(UnavailableError, match=f"{status}: not now") as failure:
        connect(service.url).post(PATH, b"{}", "t1")
    assert failure.value.wait == 7


def test_a_refused_token_is_told_apart(service, reply, connect):
    service.instead(PATH, reply(401, b"expired"))

    with pytest.raises(TokenRefusedError):
        connect(service.url).post(PATH, b"{}", "t1")


def test_an_endless_answer_is_not_read_to_its_end(service, reply, connect):
    service.instead(PATH, reply(200, b"x" * 1_000_000))
    connection = connect(service.url)

    assert len(connection.post(PATH, b"{}", "t1")) == 64 * 1024
    assert connection.post(PATH, b"{}", "t1") == b"{}"


def test_an_answer_that_is_not_http_is_a_failure(service, reply, connect):
    service.instead(PATH, reply(200, b"nonsense\r\n", {"Transfer-Encoding": "chunked"}))

    with pytest.raises(UnavailableError, match="cannot reach the service"):
        connect(service.url).post(PATH, b"{}", "t1")


@pytest.mark.req("R31")
def test_messages_go_over_tls_to_a_service_that_the_given_authority_vouches_for(
    tls_service, authority, tmp_path, connect
):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    connect(tls_service.url, ca_file=tmp_path / "ca.pem").post(PATH, b"{}", "t1")

    assert len(tls_service.requests) == 1


def test_nothing_is_sent_to_a_service_that_nobody_vouches_for(tls_service, connect):
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        connect(tls_service.url).post(PATH, b"{}", "t1")
    assert tls_service.requests == []


def test_a_token_is_never_sent_in_clear_text_to_another_machine():
    with pytest.raises(InsecureServerError):
        Service("http://deadlight.example.com")


def test_an_authority_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SensorError, match=r"missing\.pem"):
        Service("https://deadlight.example.com", ca_file=tmp_path / "missing.pem")
