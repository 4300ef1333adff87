"""A source is checked against a real registry: what it says counts, and what it cannot say changes nothing."""

import asyncio

import pytest
from aiohttp import web
from tests.server.integrity.checks import DIGEST, PUSHED, WEB, Checks
from tests.support.inventory import batch, container, node, pod, workload
from tests.support.registries import (
    Handler,
    ServedRegistry,
    Trouble,
    answering,
    hanging_up,
    never_answering,
    serve_registry,
    talking_nonsense,
)
from tests.support.service import RunningService, eventually

from deadlight.demo.images import build_index

# --- what the registry says ------------------------------------------------------------------------------


@pytest.mark.req("R2", "R14")
async def test_an_image_that_is_what_its_tag_is_has_no_issues(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    verdict = await checks.verdict(image_tag_id)
    assert (verdict.status, verdict.expected_digest, verdict.stale_reason) == ("No Issues", DIGEST, "")
    assert not await checks.fleet.rows("SELECT FROM violation")


@pytest.mark.req("R2", "R14")
@pytest.mark.parametrize("which", ["index", "manifest", "configuration"])
async def test_every_digest_a_kubelet_may_report_is_the_same_image(checks: Checks, which: str) -> None:
    index = build_index([WEB])
    await checks.registry.push(index)
    digests = {"index": index.index.digest, "manifest": DIGEST, "configuration": WEB.config.digest}
    image_tag_id = await checks.deploy(digests[which])
    await checks.check()
    assert (await checks.verdict(image_tag_id)).status == "No Issues"


async def test_a_tag_that_was_pushed_anew_is_a_mismatch_and_the_usual_check_is_one_question(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    checks.registry.asked.clear()
    await checks.check()
    assert checks.registry.asked == [("HEAD", "/v2/shop/web/manifests/1.0.0")]
    await checks.registry.push(PUSHED)
    await checks.check()
    verdict = await checks.verdict(image_tag_id)
    assert (verdict.violation_type, verdict.expected_digest) == ("Digest Mismatch", PUSHED.manifest.digest)


@pytest.mark.req("R2", "R7")
async def test_only_the_registry_s_own_word_makes_a_source_missing(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    await checks.registry.delete("1.0.0")
    await checks.check()
    assert (await checks.verdict(image_tag_id)).violation_type == "Missing Source"
    await checks.registry.push(WEB)
    await checks.check()
    assert (await checks.verdict(image_tag_id)).status == "No Issues"


async def test_what_only_the_registry_s_own_api_knows_is_asked_for_until_it_is_known(checks: Checks) -> None:
    await checks.registry.push(WEB)
    await checks.deploy()
    for delete in (False, True):
        if delete:
            await checks.registry.delete("1.0.0")
        await checks.check()
        assert (await checks.source()).facts is not None
        await checks.fleet.rows("UPDATE source_record SET facts = NULL")  # as when the registry is changed
        await checks.check()
        assert (await checks.source()).facts is not None


async def test_a_pinned_image_is_asked_for_by_its_digest(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy(tag="", pinned_digest=DIGEST)
    await checks.check(DIGEST)
    assert (await checks.verdict(image_tag_id)).status == "No Issues"
    assert {path for _, path in checks.registry.asked if "/manifests/" in path} == {f"/v2/shop/web/manifests/{DIGEST}"}
    await checks.registry.push(PUSHED)  # the tag may go where it likes
    await checks.check(DIGEST)
    assert (await checks.verdict(image_tag_id)).status == "No Issues"
    await checks.registry.delete(DIGEST)
    await checks.check(DIGEST)
    assert (await checks.verdict(image_tag_id)).violation_type == "Missing Source"


# --- what it cannot say ----------------------------------------------------------------------------------

TROUBLES = [
    pytest.param(answering(401), "it wants a login that we do not know (401, offers nothing)", id="401"),
    pytest.param(answering(403), "it does not let us in (403 Forbidden)", id="403"),
    pytest.param(answering(404), "no registry answers there (404 Not Found, no content type)", id="404 of a proxy"),
    pytest.param(answering(429, Retry_After="1800"), "it limits our requests (429 Too Many Requests)", id="429"),
    pytest.param(answering(500), "it failed (500 Internal Server Error)", id="500"),
    pytest.param(answering(503), "it is out of order (503 Service Unavailable)", id="503"),
    pytest.param(talking_nonsense, "it answers with a web page instead of a manifest (text/html)", id="garbage"),
    pytest.param(never_answering, "it does not answer within 0.2 s", id="slow"),
    pytest.param(hanging_up, "the connection failed (Server disconnected)", id="hangs up"),
]


@pytest.mark.req("R2")
@pytest.mark.parametrize(("trouble", "reason"), TROUBLES)
async def test_a_registry_in_trouble_leaves_the_verdict_and_marks_it(
    checks: Checks, trouble: Trouble, reason: str
) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    before = await checks.verdict(image_tag_id)
    await checks.fleet.forget_events()
    checks.services.registries.clear()
    await checks.hurry()
    checks.registry.trouble = trouble
    await checks.check()
    stale = await checks.verdict(image_tag_id)
    assert (stale.status, stale.judged_at, stale.expected_digest) == (before.status, before.judged_at, DIGEST)
    assert stale.stale_reason == reason
    assert stale.stale_since is not None
    assert (await checks.source()).problem == reason
    (asked,) = await checks.fleet.rows("SELECT problem FROM registry")
    assert asked.problem == reason
    assert not await checks.fleet.events()
    assert not await checks.fleet.rows("SELECT FROM violation")
    checks.registry.trouble = None
    checks.services.registries.clear()
    await checks.check()
    assert (await checks.verdict(image_tag_id)).stale_reason == ""
    assert (await checks.source()).problem == ""


async def test_trouble_of_one_registry_is_none_of_another_s(checks: Checks) -> None:
    async with serve_registry() as fine:
        await fine.push(WEB)
        others = Checks(checks.services, fine, checks.fleet)
        await others.trust()
        image_tag_id = await others.deploy(name="other")
        checks.registry.trouble = answering(500)
        await checks.deploy()
        await checks.check()
        await others.check()
        assert (await others.verdict(image_tag_id)).status == "No Issues"


async def test_an_image_whose_registry_could_never_be_asked_has_no_verdict(checks: Checks) -> None:
    checks.registry.trouble = answering(500)
    await checks.deploy()
    await checks.check()
    assert not await checks.fleet.rows("SELECT FROM verdict")
    assert (await checks.source()).state == "unknown"


@pytest.mark.parametrize(("asked", "seconds"), [("1800", 1800), ("999999999", 3600)])
async def test_a_registry_that_limits_us_is_asked_again_when_it_says(checks: Checks, asked: str, seconds: int) -> None:
    await checks.registry.push(WEB)
    await checks.deploy()
    checks.registry.trouble = answering(429, Retry_After=asked)
    await checks.check()
    pause = (await checks.source()).pause.total_seconds()
    assert seconds * 0.9 - 5 <= pause <= seconds * 1.1
    checks.registry.asked.clear()
    await checks.check()  # somebody wants to know at once all the same
    assert checks.registry.asked == []


async def test_a_password_saved_with_another_secret_key_is_the_problem_that_is_shown(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    await checks.fleet.rows("UPDATE registry SET username = 'ada', password_encrypted = 'nonsense'")
    await checks.check()
    assert "DEADLIGHT_SECRET_KEY differs" in (await checks.verdict(image_tag_id)).stale_reason
    assert (await checks.verdict(image_tag_id)).status == "No Issues"


async def test_a_record_that_another_version_wrote_is_asked_for_anew(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.check()
    await checks.fleet.rows("""UPDATE source_record SET record = '{"digest": 7}'""")
    await checks.check()
    assert (await checks.verdict(image_tag_id)).status == "No Issues"


# --- trust -----------------------------------------------------------------------------------------------


@pytest.mark.req("R5", "R7")
async def test_a_registry_that_is_not_trusted_is_not_asked(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    await checks.trust(trusted=False)
    await checks.check()
    assert checks.registry.asked == []
    assert (await checks.verdict(image_tag_id)).status == "Untrusted Registry"
    await checks.trust()
    await checks.check()
    assert (await checks.verdict(image_tag_id)).status == "No Issues"


async def test_an_answer_that_comes_after_the_registry_was_distrusted_does_not_count(checks: Checks) -> None:
    await checks.registry.push(WEB)
    image_tag_id = await checks.deploy()
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked.set()
        await go_on.wait()
        return await handler(request)

    checks.registry.trouble = hold
    check = asyncio.create_task(checks.check())
    await asked.wait()
    await checks.trust(trusted=False)
    go_on.set()
    await check
    assert (await checks.verdict(image_tag_id)).status == "Untrusted Registry"


async def test_checks_at_the_same_time_come_to_one_violation(checks: Checks) -> None:
    await checks.registry.push(PUSHED)
    await checks.deploy()
    await asyncio.gather(*(checks.check() for _ in range(5)))
    assert len(await checks.fleet.rows("SELECT FROM violation WHERE closed_at IS NULL")) == 1
    assert len(await checks.fleet.events("IntegrityViolationDetected")) == 1


# --- the schedule ----------------------------------------------------------------------------------------


@pytest.mark.req("R2", "R7", "R20")
async def test_what_starts_is_checked_and_what_is_pushed_later_is_noticed(
    whole_service: RunningService, registry: ServedRegistry
) -> None:
    await whole_service.post("/api/v1/registries", {"host": registry.host, "url": registry.url})
    await registry.push(WEB)
    controller = await whole_service.enrol()
    running = container(f"{registry.host}/shop/web:1.0.0", DIGEST)
    await controller.post("/agent/v1/inventory", batch(node(), workload(), pod(running)))

    async def verdict_is(status: str, violation: str | None) -> bool:
        (row,) = (await whole_service.get("/api/v1/image-tags"))["image_tags"] or [{}]
        return (row.get("integrity_status"), row.get("violation_type")) == (status, violation)

    await eventually(lambda: verdict_is("No Issues", None))
    await registry.push(PUSHED)
    async with whole_service.services.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE source_record SET next_check_at = now()")
    await eventually(lambda: verdict_is("Invalid Image Integrity", "Digest Mismatch"))
