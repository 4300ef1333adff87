"""Messages to the service over a real connection."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain, repeat

import pytest
import trustme

from deadlight.client.errors import InsecureServerError
from deadlight.sensor import transport
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.errors import SensorError
from deadlight.sensor.transport import (
    COMPRESS_FROM_BYTES,
    MAX_ANSWER_BYTES,
    NOT_FOUND_SECONDS,
    RefusedError,
    Service,
    TokenRefusedError,
    UnavailableError,
)

PATH = "/agent/v1/heartbeat"


@pytest.fixture
def connect(tokens: Tokens) -> Iterator[Callable[..., Service]]:
    """Opens a connection that is closed after the test."""
    with ExitStack() as opened:
        yield lambda url, **options: opened.enter_context(closing(Service(url, tokens, **options)))


def test_a_message_arrives_with_its_token(service, connect):
    connect(service.url).post(PATH, b'{"a": 1}')

    (request,) = service.requests
    assert (request.path, request.body) == (PATH, b'{"a": 1}')
    assert request.headers["Authorization"] == "Bearer t1"
    assert "Content-Encoding" not in request.headers


def test_a_service_below_a_path_gets_its_messages_there(service, connect):
    connect(f"{service.url}/deadlight/").post(PATH, b"{}")

    assert service.requests[0].path == f"/deadlight{PATH}"


def test_a_large_message_is_compressed(service, connect):
    body = json.dumps({"text": "x" * COMPRESS_FROM_BYTES}).encode()
    connect(service.url).post(PATH, body)

    (request,) = service.requests
    assert request.headers["Content-Encoding"] == "gzip"
    assert int(request.headers["Content-Length"]) < len(body)
    assert request.body == body


def test_the_connection_is_kept(service, connect):
    connection = connect(service.url)
    for _ in range(3):
        connection.post(PATH, b"{}")

    assert service.connections == 1


def test_a_kept_connection_that_the_server_closed_meanwhile_is_no_failure(service, reply, connect):
    connection = connect(service.url)
    connection.post(PATH, b"{}")
    service.instead(PATH, reply())
    connection.post(PATH, b"{}")

    assert service.connections == 2


def test_a_new_connection_that_is_closed_unanswered_is_a_failure(service, reply, connect):
    service.instead(PATH, reply())

    with pytest.raises(UnavailableError, match="cannot reach the service"):
        connect(service.url).post(PATH, b"{}")
    assert len(service.requests) == 1


def test_a_service_that_is_not_there_is_a_failure(connect):
    with pytest.raises(UnavailableError, match="Connection refused"):
        connect("http://127.0.0.1:1").post(PATH, b"{}")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_will_never_be_accepted_is_refused(service, reply, status, connect):
    service.instead(PATH, reply(status, b'{"detail": "field observations is too long"}'))

    with pytest.raises(RefusedError, match="too long"):
        connect(service.url).post(PATH, b"{}")


@pytest.mark.parametrize("status", [302, 403, 404, 408, 429, 500, 502, 503])
def test_everything_else_may_work_later(service, reply, status, connect):
    service.instead(PATH, reply(status, b"not now", {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}))

    with pytest.raises(UnavailableError, match=f"{status}: not now") as failure:
        connect(service.url).post(PATH, b"{}")
    assert failure.value.wait == 7


def test_a_path_that_the_service_does_not_know_is_not_asked_for_all_the_time(service, reply, connect):
    service.instead(PATH, reply(404, b"Not Found"))

    with pytest.raises(UnavailableError, match="404") as failure:
        connect(service.url).post(PATH, b"{}")
    assert failure.value.wait == NOT_FOUND_SECONDS


def test_a_refused_token_is_told_apart_and_replaced(service, reply, connect):
    service.instead(PATH, reply(401, b"expired"))
    connection = connect(service.url)

    with pytest.raises(TokenRefusedError):
        connection.post(PATH, b"{}")
    assert connection._tokens._token is None


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_token_that_an_error_page_shows_is_hidden(service, reply, status, connect):
    service.instead(PATH, reply(status, b"<pre>Authorization: Bearer t1</pre>"))

    with pytest.raises(SensorError, match=r"Bearer \.\.\.<"):
        connect(service.url).post(PATH, b"{}")


def test_something_is_asked_for_with_the_token_and_read_up_to_a_limit(service, reply, connect):
    service.instead("/agent/v1/policy", reply(200, b"x" * 100), reply(200, b"x" * 5))
    connection = connect(service.url)

    assert connection.get("/agent/v1/policy", most=10) == b"x" * 10
    assert connection.get("/agent/v1/policy", most=10) == b"x" * 5
    assert service.requests[0].headers["Authorization"] == "Bearer t1"


def test_an_endless_answer_is_not_read_to_its_end(service, reply, connect):
    service.instead(PATH, reply(200, b"x" * 1_000_000))
    connection = connect(service.url)

    assert len(connection.post(PATH, b"{}")) == MAX_ANSWER_BYTES
    assert connection.post(PATH, b"{}") == b"{}"


def test_an_answer_that_is_not_http_is_a_failure(service, reply, connect):
    service.instead(PATH, reply(200, b"nonsense\r\n", {"Transfer-Encoding": "chunked"}))

    with pytest.raises(UnavailableError, match="cannot reach the service"):
        connect(service.url).post(PATH, b"{}")


@contextmanager
def trickling(parts: Iterable[bytes]) -> Iterator[str]:
    """A server that answers in parts, a moment between two; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                for part in parts:
                    connection.sendall(part)
                    time.sleep(0.01)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(30)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [repeat(b"x"), chain([HEAD], repeat(b"x")), chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"a: b\r\n", 90), repeat(b"x"))],
    ids=["status", "body", "headers"],
)
def test_an_answer_that_trickles_in_ends_at_its_deadline(parts, connect, monkeypatch):
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.2)
    with trickling(parts) as url:
        connection = connect(url)
        with pytest.raises(UnavailableError, match=r"its answer took more than 0\.2 s|line|timed out"):
            connection.post(PATH, b"{}")


def test_an_authority_that_was_replaced_is_read_again(tls_service, authority, tmp_path, connect):
    trusted = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(trusted))
    connection = connect(tls_service.url, ca_file=trusted)
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        connection.post(PATH, b"{}")
    authority.cert_pem.write_to_path(str(trusted))
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        connection.post(PATH, b"{}")

    assert connection.post(PATH, b"{}") == b"{}"
    trusted.unlink()
    assert connection.post(PATH, b"{}") == b"{}"


@pytest.mark.req("R31")
def test_messages_go_over_tls_to_a_service_that_the_given_authority_vouches_for(
    tls_service, authority, tmp_path, connect
):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    connect(tls_service.url, ca_file=tmp_path / "ca.pem").post(PATH, b"{}")

    assert len(tls_service.requests) == 1


def test_nothing_is_sent_to_a_service_that_nobody_vouches_for(tls_service, connect):
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        connect(tls_service.url).post(PATH, b"{}")
    assert tls_service.requests == []


def test_a_token_is_never_sent_in_clear_text_to_another_machine(tokens):
    with pytest.raises(InsecureServerError):
        Service("http://deadlight.example.com", tokens)


def test_an_authority_that_cannot_be_read_is_named(tmp_path, tokens):
    with pytest.raises(SensorError, match=r"missing\.pem"):
        Service("https://deadlight.example.com", tokens, ca_file=tmp_path / "missing.pem")
