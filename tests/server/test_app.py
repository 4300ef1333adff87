"""What holds for every request: bounds, errors, headers, the console's files and the API's description."""

import asyncio
import gzip
import io
import logging
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.types import Message
from tests.support.service import RunningService, service_settings

from deadlight import __version__
from deadlight.server.app import LARGE_BODIES, MAX_BODY_BYTES, SECURITY_HEADERS, create_app
from deadlight.server.composition import open_services


async def ask(
    app: FastAPI, path: str, method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[int, dict[str, str], bytes]:
    """What an application without a service answers: status, headers and body."""
    messages: list[Message] = []
    asked_for_body = asyncio.Event()

    async def receive() -> Message:
        if asked_for_body.is_set():
            await asyncio.Event().wait()  # the client stays and says no more
        asked_for_body.set()
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
        "server": ("test", 80),
        "client": ("test", 1),
        "root_path": "",
    }
    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return messages[0]["status"], answered, b"".join(message.get("body", b"") for message in messages[1:])


# --- health ----------------------------------------------------------------------------------------------


async def test_the_service_says_that_it_lives_and_that_it_is_ready(service: RunningService) -> None:
    assert await service.get("/api/v1/system/liveness") == {"status": "ok", "version": __version__}
    assert await service.get("/api/v1/system/readiness") == {"status": "ok"}


async def test_a_service_whose_database_is_away_lives_but_is_not_ready() -> None:
    settings = service_settings("postgresql://nobody@127.0.0.1:9/nothing")
    async with open_services(settings) as services:
        app = create_app(services)
        assert (await ask(app, "/api/v1/system/liveness"))[0] == 200
        status, _, body = await ask(app, "/api/v1/system/readiness")
    assert (status, msgspec.json.decode(body)) == (
        503,
        {"code": "unavailable", "message": "the database does not answer"},
    )


# --- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/agent/v1/nothing", "/runtime/api/v1/nothing"])
async def test_an_unknown_endpoint_is_said_to_be_one(tmp_path: Path, path: str) -> None:
    status, headers, body = await ask(create_app(console=tmp_path), path)
    assert (status, msgspec.json.decode(body)["code"]) == (404, "not_found")
    assert headers["content-type"] == "application/json"


async def test_a_method_that_an_endpoint_does_not_have_is_refused(tmp_path: Path) -> None:
    app = create_app(console=tmp_path)
    for method, path in (("DELETE", "/api/v1/funnel"), ("PATCH", "/api/v1/workers"), ("POST", "/somewhere")):
        status, _, body = await ask(app, path, method)
        assert (status, msgspec.json.decode(body)["code"]) == (405, "http_error")


async def test_invalid_requests_are_told_the_field_and_never_the_value(service: RunningService) -> None:
    secret = "s3cret" * 1000
    for method, path, body, field in (
        ("POST", "/api/v1/session", {"name": "admin", "password": secret}, "password"),
        ("POST", "/api/v1/session", {"name": [secret], "password": ""}, "name"),
        ("POST", "/api/v1/session", secret, "dictionary"),
        ("POST", "/api/v1/registries", {"host": "h", "password": {"x": secret}}, "password"),
        ("POST", "/api/v1/registries", {"host": "h", "username": secret}, "username"),
        ("POST", "/api/v1/workers", {"destinations": [{"type": secret, "config": secret}]}, "destinations.0.config"),
        ("GET", f"/api/v1/alerts/{secret[:60]}", None, "alert_id"),
        ("GET", f"/api/v1/image-tags?limit={secret[:60]}", None, "limit"),
    ):
        refusal = await service.request(method, path, body, expect=400)
        assert refusal["code"] == "bad_request"
        assert field in refusal["message"]
        assert "s3cret" not in refusal["message"], path


async def test_a_body_that_is_not_json_is_refused(service: RunningService) -> None:
    headers = {"authorization": f"Bearer {service.api_token}", "content-type": "application/json"}
    for body in (b"{", b"\xff\xfe", b"[" * 100_000, b"NaN", b'{"name": "\\ud800"}', b""):
        async with service.http.post(f"{service.url}/api/v1/workers", data=body, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (400, "bad_request")


async def test_what_nobody_expected_is_logged_and_answered_without_details(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.services.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE advisory_import RENAME TO s3cret"))
    with caplog.at_level(logging.ERROR):
        answer = await service.request("GET", "/api/v1/advisories/imports", expect=500)
    assert answer == {
        "code": "internal_error",
        "message": "something went wrong on our side; the service's log says what",
    }
    assert [record.message for record in caplog.records] == ["request failed"]


async def test_numbers_and_texts_beyond_what_can_be_stored_are_the_callers_mistake(service: RunningService) -> None:
    for path, status in (
        (f"/api/v1/image-tags/{2**63}", 400),
        (f"/api/v1/workers/{2**200}", 400),
        (f"/api/v1/alerts?worker_id={-(2**63) - 1}", 400),
        ("/api/v1/image-tags?search=%00", 400),
        ("/api/v1/image-tags?limit=99999999999999999999", 400),
        ("/api/v1/image-tags?next_key=%00", 400),
        ("/api/v1/funnel?namespace=%00", 400),
    ):
        await service.request("GET", path, expect=status)
    await service.request("DELETE", "/runtime/api/v1/registration_token/%00", expect=404)


# --- bounds ----------------------------------------------------------------------------------------------


async def test_a_body_is_bounded_before_anybody_knows_who_sent_it(service: RunningService) -> None:
    for path in ("/api/v1/session", "/api/v1/workers", "/agent/v1/enrol"):
        for data in (io.BytesIO(b" " * (MAX_BODY_BYTES + 1)), chunks(MAX_BODY_BYTES + 1)):
            async with service.http.post(f"{service.url}{path}", data=data) as response:
                answer = await response.json()
                assert (response.status, answer["code"]) == (413, "payload_too_large")
                assert str(MAX_BODY_BYTES) in answer["message"]


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody announces."""
    for _ in range(0, size, 65_536):
        yield b" " * 65_536


async def test_only_messages_that_are_large_by_nature_may_be(service: RunningService) -> None:
    of_people = {"/api/v1/advisories/import", "/api/v1/match"}
    of_people |= {f"/api/v1/feeds/{name}/import" for name in ("kev", "epss")}
    assert set(LARGE_BODIES) == {"/agent/v1/inventory", "/agent/v1/observations", "/agent/v1/detections", *of_people}
    document = {"origin": "big", "content": " " * MAX_BODY_BYTES}
    body = msgspec.json.encode({"source": "test", "documents": [document]})
    headers = {"authorization": f"Bearer {service.api_token}", "content-type": "application/json"}
    url = f"{service.url}/api/v1/advisories/import"
    async with service.http.post(url, data=io.BytesIO(body), headers=headers) as response:
        assert (response.status, (await response.json())["rejected"]) == (200, 1)


# --- headers ---------------------------------------------------------------------------------------------


async def test_every_answer_tells_browsers_what_this_site_never_does(service: RunningService) -> None:
    for path in ("/", "/api/v1/funnel", "/api/v1/nothing", "/assets/nothing.js", "/api/openapi.json", "/favicon.ico"):
        async with service.http.get(f"{service.url}{path}") as response:
            found = {name: response.headers[name] for name in SECURITY_HEADERS}
    assert found == SECURITY_HEADERS
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src" not in policy  # so that default-src 'self' holds for scripts


async def test_no_other_site_may_read_answers(service: RunningService) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with service.http.options(f"{service.url}/api/v1/workers", headers=headers) as response:
        assert "access-control-allow-origin" not in response.headers
    async with service.http.get(f"{service.url}/api/v1/funnel", headers=headers) as response:
        assert "access-control-allow-origin" not in response.headers


# --- the console -----------------------------------------------------------------------------------------


@pytest.fixture
def console(tmp_path: Path) -> Path:
    files = tmp_path / "console"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_text("<title>Deadlight</title>")
    (files / "assets" / "app-1a2b.js").write_text("start()")
    (tmp_path / "secret.txt").write_text("s3cret")
    return files


async def test_a_console_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    for path in ("/", "/runtime/live/images/1"):
        status, headers, body = await ask(create_app(console=tmp_path), path)
        assert (status, body) == (503, b"The console has not been built: run `make console`.\n")
        assert headers["x-frame-options"] == "DENY"


async def test_the_consoles_pages_are_one_and_its_assets_are_kept(console: Path) -> None:
    app = create_app(console=console)
    for path in ("/", "/runtime/live/images/1", "/index.html"):
        status, headers, body = await ask(app, path)
        assert (status, body, headers["cache-control"]) == (200, b"<title>Deadlight</title>", "no-cache")
    status, headers, body = await ask(app, "/assets/app-1a2b.js")
    assert (status, body) == (200, b"start()")
    assert "immutable" in headers["cache-control"]
    assert "content-encoding" not in headers
    status, _, body = await ask(app, "/assets/app-of-another-version.js")
    assert (status, msgspec.json.decode(body)["message"]) == (
        404,
        "this version of the console has no such file: reload the page",
    )


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip, deflate, br", True), ("br;q=1.0, GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
async def test_assets_are_compressed_for_whoever_takes_that(console: Path, accepted: str, is_compressed: bool) -> None:
    (console / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"start()"))
    asked = ((b"accept-encoding", accepted.encode()),)
    status, headers, body = await ask(create_app(console=console), "/assets/app-1a2b.js", headers=asked)
    assert (status, headers["vary"]) == (200, "accept-encoding")
    assert headers["content-type"].startswith("text/javascript")
    assert (headers.get("content-encoding") == "gzip") is is_compressed
    assert (gzip.decompress(body) if is_compressed else body) == b"start()"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..\\secret.txt",
        "//etc/passwd",
        "/assets//../../secret.txt",
        "/\0",
        "/" + "a" * 5000,
        "/assets",
        "/.",
        "/%2e%2e/secret.txt",
    ],
)
async def test_nothing_but_the_consoles_files_is_served(console: Path, path: str) -> None:
    status, _, body = await ask(create_app(console=console), path)
    assert status in {200, 404}
    assert b"s3cret" not in body
    assert b"root:" not in body


# --- the API's description -------------------------------------------------------------------------------


async def test_the_apis_description_is_served_and_names_every_operation_once(service: RunningService) -> None:
    description = await service.get("/api/openapi.json")
    assert description["info"]["version"] == __version__
    operations = [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)) > 40
    for path, method, operation in operations:
        assert operation.get("tags"), f"{method} {path} has no tag"
        assert operation.get("description"), f"{method} {path} does not say what it does"
    assert not any(path.startswith("/agent/") for path in description["paths"])


async def test_interactive_documentation_from_elsewhere_is_not_served(console: Path) -> None:
    for path in ("/docs", "/redoc"):
        _, _, body = await ask(create_app(console=console), path)
        assert body == b"<title>Deadlight</title>"
