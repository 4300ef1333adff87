"""Proxies are looked for before each request only where the environment names one."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from deadlight.client.rest import RestClient
from deadlight.model import proxies

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("name", "are_set"),
    [("HTTPS_PROXY", True), ("http_proxy", True), ("NO_PROXY", False), ("ALL_PROXY", False), ("OTHER", False)],
)
def test_they_are_set_where_a_scheme_has_one(monkeypatch: pytest.MonkeyPatch, name: str, *, are_set: bool) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    assert proxies.are_set() is are_set


async def test_a_password_of_netrc_is_no_hindrance_to_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(netrc))
    sent: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers.get("authorization"))
        return web.json_response({})

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with RestClient(f"http://127.0.0.1:{runner.addresses[0][1]}", "a-token") as client:
            await client.get("/")
        async with aiohttp.ClientSession(trust_env=proxies.are_set()) as session:
            await session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()
    assert sent == ["Bearer a-token", None]
