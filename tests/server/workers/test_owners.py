"""Alerts name who is responsible, and mail to them instead of a list where a worker says so."""

from typing import Any

import pytest
from tests.server.workers.conftest import Workers
from tests.server.workers.test_alerts import HOOK, Happenings
from tests.server.workers.test_delivery import Courier
from tests.support.fleet import Fleet
from tests.support.mail import MailServer
from tests.support.service import RunningService

from deadlight.server.workers.service import owner_recipients

TO = {"to": ["security@example.com"], "to_owner": True, "owner_domains": ["Example.com", "shop.example"]}
SHOP = {
    "namespace": "shop",
    "team": "shop",
    "person": "Heidi",
    "email": "heidi@example.com",
    "slack": "#shop",
    "on_call": "https://rota.example/shop",
}
STRANGER = {"org.opencontainers.image.authors": "Mallory <mallory@attacker.example>"}


def email(**more: Any) -> dict[str, Any]:
    return {"type": "email", "config": {**TO, **more}}


@pytest.fixture
def happenings(service: RunningService) -> Happenings:
    return Happenings(service.services.engine)


@pytest.fixture
def courier(service: RunningService) -> Courier:
    return Courier(service)


@pytest.mark.req("F8", "F23")
async def test_the_owner_is_in_the_alert_criteria_can_ask_for_them_and_mail_goes_to_them(
    happenings: Happenings, workers: Workers, courier: Courier, fleet: Fleet, mail_server: MailServer
) -> None:
    await workers.service.post("/api/v1/owners", SHOP)
    await workers.add(email(), HOOK, criteria='event.data.owner.team == "shop"')
    await workers.add(HOOK, criteria='event.data.owner.team == "platform"')
    running = await fleet.deploy(await fleet.add_image_tag())
    await happenings.change(running)
    alerts = {alert["destination_type"]: alert for alert in await workers.alerts()}
    assert {kind: alert["recipients"] for kind, alert in alerts.items()} == {
        "email": ["heidi@example.com"],
        "webhook": [],
    }
    body = (await workers.alert(alerts["webhook"]["id"]))["body"]
    assert body["data"]["owner"] == {
        "team": "shop",
        "person": "Heidi",
        "email": "heidi@example.com",
        "slack": "#shop",
        "on_call": "https://rota.example/shop",
        "source": "owners map, rule 1",
    }
    await courier.attempt(alerts["email"]["id"])
    (mail,) = mail_server.mails
    plain = mail.message.get_body(("plain",))
    assert plain is not None
    assert mail.recipients == ["heidi@example.com"]
    assert "Owner: shop, Heidi, heidi@example.com, #shop (owners map, rule 1)" in plain.get_content()
    assert "On call: https://rota.example/shop" in plain.get_content()


@pytest.mark.req("F23")
async def test_an_address_that_a_strangers_image_names_gets_nothing_and_the_fallback_does(
    happenings: Happenings, workers: Workers, courier: Courier, fleet: Fleet, mail_server: MailServer
) -> None:
    worker_id = await workers.add(email())
    label = (await workers.get(worker_id))["destinations"][0]["label"]
    assert label == "the owner in example.com, shop.example, else security@example.com"
    image = await fleet.add_image(labels=STRANGER)
    await happenings.change(await fleet.deploy(image.image_tag_id))
    await happenings.change(await fleet.deploy(await fleet.add_image_tag("shop/unknown"), name="unknown"))
    for alert in await workers.alerts():
        assert alert["recipients"] == []
        await courier.attempt(alert["id"])
    await courier.attempt(await workers.test(worker_id))
    assert [mail.recipients for mail in mail_server.mails] == [["security@example.com"]] * 3


async def test_mail_to_owners_needs_the_domains_they_may_be_in(workers: Workers) -> None:
    wrongs: list[dict[str, Any]] = [{"owner_domains": []}, {"owner_domains": ["*"]}, {"owner_domains": ["@b.example"]}]
    for wrong in [*wrongs, {"to": []}]:
        body = {"name": "x", "event_types": ["WorkloadChanged"], "destinations": [email(**wrong)]}
        answer = await workers.service.post("/api/v1/workers", body, expect=400)
        assert "email destination is not usable" in answer["message"]


@pytest.mark.parametrize(
    ("address", "gets_it"),
    [
        ("a@EXAMPLE.com", True),
        ("a@example.com.attacker.example", False),
        ("a@sub.example.com", False),
        ("a@attacker.example@example.com", False),
        ("", False),
    ],
)
def test_only_addresses_in_the_named_domains_get_alerts(address: str, gets_it: bool) -> None:
    assert owner_recipients(address, ["example.com"]) == ([address] if gets_it else [])
