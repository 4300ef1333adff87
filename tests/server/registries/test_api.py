"""People add registries; what they enter is checked, and passwords go in but never come out."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.images import text_image
from tests.support.registries import (
    ServedRegistry,
    answering,
    hanging_up,
    serve_registry,
    talking_nonsense,
)
from tests.support.service import RunningService
from tests.support.xray import SCANNER, ArtifactoryWithXray

from deadlight.demo.registry import DemoRegistry

REGISTRIES = "/api/v1/registries"
PASSWORD = "correct horse battery"


@pytest.fixture
async def locked() -> AsyncIterator[ServedRegistry]:
    """A registry that asks for a password."""
    async with serve_registry(DemoRegistry(username="ada", password=PASSWORD)) as served:
        yield served


async def add(service: RunningService, host: str = "registry.example", **more: Any) -> int:
    return int((await service.post(REGISTRIES, {"host": host, **more}))["id"])


async def stored(service: RunningService) -> Any:
    (row,) = await service.rows("SELECT * FROM registry")
    return row


async def changes(service: RunningService) -> list[str]:
    return [row.data["host"] for row in await service.rows("SELECT data FROM event ORDER BY id")]


# --- entering --------------------------------------------------------------------------------------------


@pytest.mark.req("R9", "R13")
async def test_a_registry_is_added_listed_changed_and_removed(service: RunningService) -> None:
    registry_id = await add(service, mirrors=["https://mirror.example"], mutable_tags=["dev-*"])
    (listed,) = await service.get(REGISTRIES)
    assert (listed["id"], listed["host"], listed["name"]) == (registry_id, "registry.example", "registry.example")
    assert (listed["trusted"], listed["mirrors"], listed["mutable_tags"]) == (
        True,
        ["https://mirror.example"],
        ["dev-*"],
    )
    body = {"host": "registry.example", "name": "ours", "trusted": False}
    await service.request("PUT", f"{REGISTRIES}/{registry_id}", body)
    (listed,) = await service.get(REGISTRIES)
    assert (listed["name"], listed["trusted"], listed["mirrors"]) == ("ours", False, [])
    await service.request("DELETE", f"{REGISTRIES}/{registry_id}")
    assert await service.get(REGISTRIES) == []
    assert await changes(service) == ["registry.example"] * 3


async def test_a_registry_that_takes_another_host_changes_what_runs_from_either(service: RunningService) -> None:
    registry_id = await add(service, "b.example")
    await service.request("PUT", f"{REGISTRIES}/{registry_id}", {"host": "a.example"})
    assert await changes(service) == ["b.example", "a.example", "b.example"]


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
async def test_docker_hub_is_one_registry_under_all_its_names(service: RunningService, host: str) -> None:
    await add(service, host)
    assert (await stored(service)).host == "docker.io"
    answer = await service.post(REGISTRIES, {"host": "docker.io"}, expect=409)
    assert answer["message"] == "there already is a registry docker.io: change that one"


async def test_a_host_is_written_as_references_are_read(service: RunningService) -> None:
    await add(service, "Registry.Example:5000")
    assert (await stored(service)).host == "registry.example:5000"


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"host": "https://registry.example"}, "is no registry's host as image references name it"),
        ({"host": "registry"}, "'registry' is no registry's host as image references name it"),
        ({"host": "registry.example/team"}, "'registry.example/team' is no registry's host"),
        ({"host": "a.example", "url": "ftp://a.example"}, "not a registry URL: 'ftp://a.example'"),
        ({"host": "a.example", "url": "https://ada:secret@a.example"}, "not a registry URL: 'a.example'"),
        ({"host": "a.example", "mirrors": ["mirror"]}, "not a registry URL: 'mirror'"),
        ({"host": "a.example", "username": "ada"}, "registry a.example: give both a user name and a password"),
        ({"host": "a.example", "password": "x"}, "registry a.example: give both a user name and a password"),
        ({"host": "a.example", "username": "a:b", "password": "x"}, "a user name cannot contain a colon (RFC 7617)"),
    ],
)
async def test_what_cannot_work_is_refused_with_the_reason(
    service: RunningService, entered: dict[str, Any], message: str
) -> None:
    answer = await service.post(REGISTRIES, entered, expect=400)
    assert message in answer["message"]
    assert "secret" not in answer["message"]
    assert await service.get(REGISTRIES) == []
    assert await changes(service) == []


async def test_what_is_not_there_cannot_be_changed(service: RunningService) -> None:
    for method, path in (("PUT", "/7"), ("DELETE", "/7"), ("POST", "/7/test")):
        body = {"host": "a.example", "image": "a.example/b:1"}
        answer = await service.request(method, REGISTRIES + path, body, expect=404)
        assert answer["message"] == "no such registry"


async def test_only_an_administrator_changes_registries(service: RunningService) -> None:
    operator = await service.post("/api/v1/tokens", {"name": "operator", "role": "operator"})
    await service.post(REGISTRIES, {"host": "a.example"}, token=operator["token"], expect=403)
    assert await service.request("GET", REGISTRIES, token=operator["token"]) == []


# --- passwords -------------------------------------------------------------------------------------------


async def test_a_password_is_encrypted_at_rest_and_never_comes_back(
    service: RunningService, locked: ServedRegistry
) -> None:
    registry_id = await add(service, locked.host, url=locked.url, username="ada", password=PASSWORD)
    image = {"image": f"{locked.host}/shop/web:1.0.0"}
    answers = [
        await service.get(REGISTRIES),
        await service.post(f"{REGISTRIES}/{registry_id}/test", image),
        await service.post(REGISTRIES, {"host": locked.host, "username": "ada", "password": PASSWORD}, expect=409),
        await service.request("PUT", f"{REGISTRIES}/{registry_id}", {"host": "x", "password": PASSWORD}, expect=400),
        await service.post(REGISTRIES, {"host": "x" * 999, "password": PASSWORD}, expect=400),
        await service.post(REGISTRIES, {"host": "a.example", "password": [PASSWORD]}, expect=400),
    ]
    assert PASSWORD not in json.dumps(answers)
    row = await stored(service)
    assert PASSWORD.encode() not in row.password_encrypted
    assert service.services.cipher.decrypt(row.password_encrypted) == PASSWORD
    everything = await service.rows("SELECT to_jsonb(registry) AS found FROM registry")
    everything += await service.rows("SELECT to_jsonb(event) AS found FROM event")
    assert PASSWORD not in str(everything)
    assert PASSWORD.encode().hex() not in str(everything)


async def test_a_password_that_is_left_out_stays(service: RunningService, locked: ServedRegistry) -> None:
    entered = {"host": locked.host, "url": locked.url, "username": "ada"}
    registry_id = await add(service, **entered, password=PASSWORD)
    await service.request("PUT", f"{REGISTRIES}/{registry_id}", entered | {"name": "ours"})
    assert service.services.cipher.decrypt((await stored(service)).password_encrypted) == PASSWORD


@pytest.mark.parametrize("password", [{"password": ""}, {}], ids=["emptied", "left out"])
async def test_without_a_user_name_no_password_is_kept(
    service: RunningService, locked: ServedRegistry, password: dict[str, str]
) -> None:
    registry_id = await add(service, locked.host, url=locked.url, username="ada", password=PASSWORD)
    await service.request("PUT", f"{REGISTRIES}/{registry_id}", {"host": locked.host, "url": locked.url, **password})
    assert (await stored(service)).password_encrypted is None


@pytest.mark.parametrize("moved", [{"url": "https://elsewhere.example"}, {"host": "elsewhere.example"}, {"url": ""}])
async def test_a_stored_password_is_not_sent_to_another_address(service: RunningService, moved: dict[str, str]) -> None:
    entered = {"host": "registry.example", "url": "https://api.example", "username": "ada"}
    registry_id = await add(service, **entered, password=PASSWORD)
    answer = await service.request("PUT", f"{REGISTRIES}/{registry_id}", entered | moved, expect=400)
    assert "enter the password again" in answer["message"]
    assert (await stored(service)).url == "https://api.example"
    await service.request("PUT", f"{REGISTRIES}/{registry_id}", entered | moved | {"password": "another"})
    assert service.services.cipher.decrypt((await stored(service)).password_encrypted) == "another"


@pytest.mark.req("R5", "R7")
async def test_trust_caches_and_pace_are_entered_and_shown(service: RunningService) -> None:
    entered: dict[str, Any] = {
        "trusted_repositories": ["shop/*"],
        "untrusted_repositories": ["shop/playground/*"],
        "origins": [{"prefix": "hub", "origin": "docker.io"}],
        "checks_per_second": 2.5,
    }
    await add(service, **entered)
    (listed,) = await service.get(REGISTRIES)
    assert {name: listed[name] for name in entered} == entered
    assert (listed["images"], listed["requests"], listed["webhooks_accepted"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"origins": [{"prefix": "hub", "origin": "docker"}]}, "'docker' does not begin with a registry's host"),
        ({"checks_per_second": 0}, "greater than or equal to 0.1"),
        ({"type": "gopher"}, "'gopher' is no type of registry: choose one of oci, artifactory, harbor"),
        ({"type": "oci", "options": {"color": "red"}}, "has no setting 'color'"),
    ],
)
async def test_settings_that_cannot_work_are_refused(
    service: RunningService, entered: dict[str, Any], message: str
) -> None:
    answer = await service.post(REGISTRIES, {"host": "a.example", **entered}, expect=400)
    assert message in answer["message"]


async def test_a_type_is_what_the_host_tells_unless_it_is_chosen(service: RunningService) -> None:
    await add(service, "ghcr.io")
    await add(service, "registry.example")
    await add(service, "mine.example", type="harbor")
    types = {item["host"]: item["type"] for item in await service.get(REGISTRIES)}
    assert types == {"ghcr.io": "ghcr", "registry.example": "oci", "mine.example": "harbor"}
    offered = await service.get(f"{REGISTRIES}/types")
    assert {"oci", "artifactory", "harbor"} <= {kind["key"] for kind in offered["types"]}
    formats = {item["name"] for item in offered["webhook_formats"]}
    assert {kind["webhook_format"] for kind in offered["types"]} <= formats | {""}


async def test_secret_settings_of_a_type_stay_unless_they_would_go_elsewhere(service: RunningService) -> None:
    options = {"api_url": "https://a.example/artifactory", "access_token": PASSWORD}
    body: dict[str, Any] = {"host": "a.example", "type": "artifactory"}
    registry_id = await add(service, **body, options=options)
    (listed,) = await service.get(REGISTRIES)
    assert listed["options"] == {"api_url": "https://a.example/artifactory"}
    path = f"{REGISTRIES}/{registry_id}"
    await service.request("PUT", path, body | {"options": {"api_url": "https://a.example/artifactory"}})
    assert PASSWORD in service.services.cipher.decrypt((await stored(service)).options_encrypted)
    elsewhere = body | {"options": {"api_url": "https://b.example"}}
    assert "again" in (await service.request("PUT", path, elsewhere, expect=400))["message"]
    await service.request("PUT", path, body | {"options": {"access_token": "new", "api_url": "https://b.example"}})
    assert PASSWORD not in json.dumps(await service.get(REGISTRIES))


# --- the connection test ---------------------------------------------------------------------------------


async def try_out(service: RunningService, registry: ServedRegistry, **more: str) -> Any:
    registry_id = await add(service, registry.host, url=registry.url, **more)
    return await service.post(f"{REGISTRIES}/{registry_id}/test", {"image": f"{registry.host}/shop/web:1.0.0"})


async def test_a_connection_that_works_says_what_the_image_is(service: RunningService, locked: ServedRegistry) -> None:
    async with serve_registry() as registry:
        pushed = await registry.push(text_image("web"))
        assert await try_out(service, registry) == {
            "ok": True,
            "message": f"the registry answered for {registry.host}/shop/web:1.0.0",
            "digest": pushed.digest,
            "product": "OCI registry",
            "version": "",
            "problems": [],
        }


async def test_without_an_image_the_registry_itself_is_asked(service: RunningService) -> None:
    async with serve_registry() as registry:
        registry_id = await add(service, registry.host, url=registry.url)
        answer = await service.post(f"{REGISTRIES}/{registry_id}/test", {})
        assert (answer["ok"], answer["message"]) == (True, f"{registry.host} answers")
        registry.trouble = answering(500)
        answer = await service.post(f"{REGISTRIES}/{registry_id}/test", {"image": " "})
        assert (answer["ok"], answer["product"]) == (False, "")
        assert "it failed (500 Internal Server Error)" in answer["message"]


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ({"username": "ada", "password": "wrong"}, "it does not let us in (401 Unauthorized)"),
        ({}, "it wants a user name and password, and none are set (401)"),
    ],
)
async def test_a_wrong_or_missing_password_is_called_so(
    service: RunningService, locked: ServedRegistry, login: dict[str, str], reason: str
) -> None:
    answer = await try_out(service, locked, **login)
    assert (answer["ok"], answer["message"]) == (False, f"{locked.host} cannot be asked: {reason}")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (None, "has no manifest shop/web:1.0.0"),
        (answering(429, Retry_After="120"), "it limits our requests (429 Too Many Requests)"),
        (answering(500), "it failed (500 Internal Server Error)"),
        (talking_nonsense, "it answers with a web page instead of a manifest (text/html)"),
        (hanging_up, "the connection failed (Server disconnected)"),
    ],
    ids=["404", "429", "500", "garbage", "hangs up"],
)
async def test_what_does_not_work_is_said(service: RunningService, trouble: Any, reason: str) -> None:
    async with serve_registry() as registry:
        registry.trouble = trouble
        answer = await try_out(service, registry)
        assert (answer["ok"], answer["digest"]) == (False, "")
        assert answer["message"].startswith(registry.host)
        assert reason in answer["message"]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("other.example/shop/web:1", "other.example/shop/web:1 is an image of other.example, not of registry.example"),
        ("registry.example/Shop", "invalid repository 'Shop' in image reference 'registry.example/Shop'"),
    ],
)
async def test_an_image_that_is_not_the_registry_s_is_refused(
    service: RunningService, image: str, message: str
) -> None:
    registry_id = await add(service)
    answer = await service.post(f"{REGISTRIES}/{registry_id}/test", {"image": image}, expect=400)
    assert answer["message"] == message


# --- who scans --------------------------------------------------------------------------------------------


@pytest.mark.req("R10", "R11")
async def test_a_test_of_an_artifactory_that_scans_with_xray_says_what_hinders_that(service: RunningService) -> None:
    double = ArtifactoryWithXray()
    async with serve_registry(double) as served:
        account = {"username": SCANNER.name, "password": SCANNER.password}
        registry_id = await add(service, served.host, url=served.url, type="artifactory", scan_with="xray", **account)
        (listed,) = await service.get(REGISTRIES)
        assert listed["scan_with"] == "xray"
        tested = await service.post(f"{REGISTRIES}/{registry_id}/test", {"image": ""})
        assert (tested["ok"], tested["problems"]) == (True, [])
        double.version, double.xray_version = "7.77.19", ""
        tested = await service.post(f"{REGISTRIES}/{registry_id}/test", {"image": ""})
        old, missing = tested["problems"]
        assert old.startswith("Artifactory 7.77.19 is older than 7.77.20: upgrade it")
        assert missing.startswith("no Xray answers at ")


async def test_a_registry_without_a_scanner_of_its_own_is_scanned_by_deadlight(service: RunningService) -> None:
    answer = await service.post(REGISTRIES, {"host": "registry.example", "scan_with": "xray"}, expect=400)
    assert answer["message"] == "OCI registry brings no scanner of its own: have Deadlight scan it"
    types = {kind["key"]: kind["scanner"] for kind in (await service.get(f"{REGISTRIES}/types"))["types"]}
    assert (types["artifactory"], types["harbor"]) == ("Xray", "")
