"""A registry's webhook has what it speaks of checked at once; who cannot prove to be it is refused and counted."""

import json
from datetime import datetime
from typing import Any

import pytest
from tests.server.integrity.checks import DIGEST, PUSHED, WEB
from tests.support.fleet import Fleet
from tests.support.registries import ServedRegistry
from tests.support.registry_webhooks import SAMPLES, Sent
from tests.support.service import RunningService, eventually

from deadlight.registry.notifications import NOTIFICATIONS

REGISTRIES = "/api/v1/registries"


class Hook:
    """A registry whose webhooks go to the service."""

    def __init__(self, service: RunningService, registry: ServedRegistry, fleet: Fleet) -> None:
        self.service, self.registry, self.fleet = service, registry, fleet
        self.id, self.secret = 0, ""

    async def add(self, host: str = "", **more: Any) -> None:
        body = {"host": host or self.registry.host, "url": self.registry.url, **more}
        self.id = (await self.service.post(REGISTRIES, body))["id"]

    async def make_secret(self, product: str = "distribution") -> dict[str, Any]:
        setup: dict[str, Any] = await self.service.post(f"{REGISTRIES}/{self.id}/webhook", {"product": product})
        self.secret = setup["secret"]
        return setup

    async def deliver(self, sent: Sent, product: str = "distribution") -> int:
        """The status of the answer."""
        url = f"{self.service.url}{REGISTRIES}/{self.id}/notifications/{product}"
        query = {"token": sent.url_token} if sent.url_token else None
        async with self.service.http.post(url, data=sent.body, headers=sent.headers, params=query) as response:
            return response.status

    async def say(self, action: str, *, secret: str = "", **target: str) -> int:
        """Deliver one event of distribution's."""
        target = {"repository": "shop/web", "tag": "1.0.0"} | target
        event = {"action": action, "timestamp": "2026-03-04T05:06:07Z", "target": target, "actor": {"name": "ada"}}
        headers = {"authorization": f"Bearer {secret or self.secret}"}
        return await self.deliver(Sent(headers, json.dumps({"events": [event]}).encode()))

    async def counts(self) -> tuple[int, int, str]:
        (listed,) = await self.service.get(REGISTRIES)
        return listed["webhooks_accepted"], listed["webhooks_refused"], listed["webhook_problem"]


@pytest.fixture
def hook(whole_service: RunningService, registry: ServedRegistry, fleet: Fleet) -> Hook:
    return Hook(whole_service, registry, fleet)


async def deploy(hook: Hook) -> int:
    """An image that is what its tag is, checked, and not due again for minutes."""
    await hook.registry.push(WEB)
    image_tag_id = await hook.fleet.add_image_tag(digest=DIGEST, registry=hook.registry.host)
    await hook.fleet.deploy(image_tag_id)
    await eventually(lambda: stands(hook, image_tag_id, "No Issues", None))
    return image_tag_id


async def stands(hook: Hook, image_tag_id: int, status: str, violation: str | None) -> bool:
    rows = await hook.fleet.rows("SELECT * FROM verdict WHERE image_tag_id = :id", id=image_tag_id)
    return [(row.status, row.violation_type) for row in rows] == [(status, violation)]


@pytest.mark.req("I1", "R2")
async def test_a_push_and_a_deletion_are_noticed_at_once_and_who_did_it_is_kept(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    image_tag_id = await deploy(hook)
    await hook.registry.push(PUSHED)
    assert await hook.say("push", digest=PUSHED.manifest.digest) == 202
    await eventually(lambda: stands(hook, image_tag_id, "Invalid Image Integrity", "Digest Mismatch"))
    (violation,) = await hook.fleet.rows("SELECT evidence FROM violation")
    assert violation.evidence["pushed_by"] == "ada"
    assert violation.evidence["pushed_at"] == "2026-03-04T05:06:07+00:00"
    await hook.registry.delete("1.0.0")
    assert await hook.say("delete") == 202
    await eventually(lambda: stands(hook, image_tag_id, "Invalid Image Source", "Missing Source"))
    (violation,) = await hook.fleet.rows("SELECT evidence FROM violation WHERE closed_at IS NULL")
    assert violation.evidence["deleted_by"] == "ada"
    assert (await hook.counts())[:2] == (2, 0)


@pytest.mark.req("R2")
async def test_a_webhook_that_lies_changes_nothing(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    image_tag_id = await deploy(hook)
    for action, told in (("push", {"digest": PUSHED.manifest.digest}), ("delete", {}), ("delete", {"digest": DIGEST})):
        assert await hook.say(action, **told) == 202
    await hook.service.settle()
    assert await stands(hook, image_tag_id, "No Issues", None)
    assert [row.digest for row in await hook.fleet.rows("SELECT digest FROM tag_history")] == [DIGEST]
    (source,) = await hook.fleet.rows("SELECT deleted_by, deleted_at FROM source_record")
    assert (source.deleted_by, source.deleted_at) == ("", None)


@pytest.mark.req("I1", "R2")
async def test_a_registry_that_tells_before_it_has_done_it_is_asked_again(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    image_tag_id = await deploy(hook)
    await say_too_early(hook, "push", digest=PUSHED.manifest.digest)
    assert await stands(hook, image_tag_id, "No Issues", None)
    await hook.registry.push(PUSHED)
    await eventually(lambda: soon_stands(hook, image_tag_id, "Invalid Image Integrity", "Digest Mismatch"))
    (violation,) = await hook.fleet.rows("SELECT evidence FROM violation")
    assert violation.evidence["pushed_by"] == "ada"
    await say_too_early(hook, "delete")
    await hook.registry.delete("1.0.0")
    await eventually(lambda: soon_stands(hook, image_tag_id, "Invalid Image Source", "Missing Source"))


async def say_too_early(hook: Hook, action: str, **target: str) -> None:
    """Have something told and checked that is not so yet."""
    await hook.say(action, **target)
    await hook.service.settle()
    assert await hook.fleet.rows("SELECT FROM pgqueuer WHERE entrypoint = 'check_source'")


async def soon_stands(hook: Hook, image_tag_id: int, status: str, violation: str | None) -> bool:
    """Whether a verdict is this, with the pause before the next question over."""
    await hook.fleet.rows("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'check_source' RETURNING id")
    return await stands(hook, image_tag_id, status, violation)


async def test_who_pushed_is_added_to_a_violation_that_the_schedule_found_first(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    image_tag_id = await deploy(hook)
    await hook.registry.push(PUSHED)
    await hook.fleet.rows("UPDATE source_record SET next_check_at = now()")
    await eventually(lambda: stands(hook, image_tag_id, "Invalid Image Integrity", "Digest Mismatch"))
    await hook.say("push", digest=PUSHED.manifest.digest)
    await hook.service.settle()
    (violation,) = await hook.fleet.rows("SELECT evidence FROM violation")
    assert violation.evidence["pushed_by"] == "ada"
    (updated_at, seen_at) = (violation.evidence[name] for name in ("tag_updated_at", "tag_seen_changed_at"))
    assert datetime.fromisoformat(updated_at) == datetime.fromisoformat(seen_at)  # pushed long before


async def test_a_deletion_by_digest_is_only_kept_with_what_had_that_digest(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    image_tag_id = await deploy(hook)
    await hook.registry.delete("1.0.0")
    await hook.fleet.rows("UPDATE source_record SET next_check_at = now()")
    await eventually(lambda: stands(hook, image_tag_id, "Invalid Image Source", "Missing Source"))
    for deleted, who in ((PUSHED.manifest.digest, ""), (DIGEST, "ada")):
        await hook.say("delete", tag="", digest=deleted)
        await hook.service.settle()
        (source,) = await hook.fleet.rows("SELECT deleted_by FROM source_record")
        assert source.deleted_by == who


async def test_what_is_said_twice_in_a_delivery_is_one_check(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    await deploy(hook)
    event = {
        "action": "push",
        "timestamp": "2026-03-04T05:06:07Z",
        "target": {"repository": "shop/web", "tag": "1.0.0"},
    }
    url = f"{hook.service.url}{REGISTRIES}/{hook.id}/notifications/distribution"
    headers = {"authorization": f"Bearer {hook.secret}"}
    async with hook.service.http.post(url, json={"events": [event, event]}, headers=headers) as response:
        assert await response.json() == {"checks": 1}


async def test_a_forged_or_unsigned_delivery_is_refused_and_counted(hook: Hook) -> None:
    await hook.add()
    assert await hook.say("push", secret="guessed") == 401
    assert await hook.counts() == (0, 1, "no secret has been made for it")
    await hook.make_secret()
    old = hook.secret
    assert await hook.say("push", secret="guessed") == 401
    assert await hook.deliver(Sent({}, b"{}")) == 401
    assert await hook.deliver(Sent({"authorization": f"Bearer {old}"}, b"{}"), "gopher") == 401
    await hook.make_secret()
    assert await hook.say("push", secret=old) == 401
    assert await hook.counts() == (0, 5, "it does not carry the secret")
    await hook.service.request("DELETE", f"{REGISTRIES}/{hook.id}/webhook")
    assert await hook.say("push") == 401
    hook.id = 999_999
    assert await hook.say("push") == 401


async def test_what_cannot_be_read_is_counted_and_not_sent_again(hook: Hook) -> None:
    await hook.add()
    await hook.make_secret()
    assert await hook.deliver(Sent({"authorization": f"Bearer {hook.secret}"}, b"{" * 1000)) == 202
    accepted, refused, problem = await hook.counts()
    assert (accepted, refused) == (0, 1)
    assert problem.startswith("a notification that cannot be read")


async def test_the_secret_is_shown_once_and_kept_encrypted(hook: Hook) -> None:
    await hook.add()
    setup = await hook.make_secret()
    assert setup["url"].endswith(f"{REGISTRIES}/{hook.id}/notifications/distribution")
    assert setup["url"] in setup["configuration"]
    assert hook.secret in setup["configuration"]
    assert hook.secret not in json.dumps(await hook.service.get(REGISTRIES))
    (row,) = await hook.fleet.rows("SELECT webhook_secret_encrypted FROM registry")
    assert hook.secret.encode() not in row.webhook_secret_encrypted
    await hook.service.post(f"{REGISTRIES}/{hook.id}/webhook", {"product": "gopher"}, expect=400)
    await hook.service.post(f"{REGISTRIES}/999999/webhook", {"product": "zot"}, expect=404)


async def test_every_product_s_webhook_is_taken(hook: Hook) -> None:
    await hook.add()
    for number, sample in enumerate(SAMPLES, 1):
        await hook.make_secret(sample.format)
        assert await hook.deliver(sample.sent(hook.secret), sample.format) == 202, sample.name
        assert await hook.counts() == (number, 0, ""), sample.name


def test_every_product_has_instructions() -> None:
    for form in NOTIFICATIONS.values():
        assert form.instructions("https://deadlight.example/x", "s3cret").steps
