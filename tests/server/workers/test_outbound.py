"""Where alerts may not go, however the address is written."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.support.receiver import Receiver
from yarl import URL

from deadlight.server.settings import DENIED_DESTINATIONS
from deadlight.server.workers.notifiers.http import post
from deadlight.server.workers.notifiers.notifier import RefusedError, Transport
from deadlight.server.workers.outbound import SETTING, is_denied, open_outbound_session

DENIED = tuple(ip_network(network) for network in DENIED_DESTINATIONS.split(","))


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with open_outbound_session(DENIED) as http:
        yield Transport(http, "", "", timeout_seconds=5.0)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.255.254",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[::1%25lo]",
        "0.0.0.0",
        "0",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "100.100.100.200",
        "224.0.0.1",
        "[ff02::1]",
    ],
)
async def test_loopback_metadata_and_their_like_are_refused_before_anything_is_sent(
    receiver: Receiver, transport: Transport, host: str
) -> None:
    port = URL(receiver.url).port
    with pytest.raises(RefusedError):
        await post(transport, f"http://{host}:{port}/hook", b"x", {})
    assert not receiver.received


async def test_a_refusal_names_the_setting_and_not_the_path(receiver: Receiver, transport: Transport) -> None:
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(RefusedError) as refusal:
            await post(transport, f"http://{host}:{URL(receiver.url).port}/s3cret", b"x", {})
        assert SETTING in str(refusal.value)
        assert "s3cret" not in str(refusal.value)


async def test_what_the_setting_allows_is_reached(receiver: Receiver) -> None:
    async with open_outbound_session((ip_network("10.0.0.0/8"),)) as http:
        receipt = await post(Transport(http, "", ""), receiver.url, b"x", {})
    assert receipt.status_code == 200


async def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, receiver.url)
    async with asyncio.timeout(5), open_outbound_session(DENIED) as http:
        with pytest.raises(RefusedError):
            await post(Transport(http, "", ""), "http://169.254.169.254/latest/meta-data", b"x", {})
    assert not receiver.received


async def test_a_receivers_cookie_is_not_kept(receiver: Receiver) -> None:
    answer = web.Response()
    answer.set_cookie("session", "1")
    receiver.answers.append(answer)
    async with open_outbound_session(()) as http:
        for _ in range(2):
            await post(Transport(http, "", ""), receiver.url, b"x", {})
    assert "cookie" not in {name.lower() for name in receiver.received[1].headers}


@given(st.ip_addresses(v=4) | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_an_ipv4_address_is_judged_alike_however_it_is_written(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    assert is_denied(str(address), DENIED) == is_denied(str(mapped), DENIED) == is_denied(mapped.exploded, DENIED)


def test_private_networks_are_places_for_alerts() -> None:
    for address in ("10.0.0.1", "172.16.0.1", "192.168.1.1", "93.184.216.34", "2606:2800:220:1::1"):
        assert not is_denied(address, DENIED)
