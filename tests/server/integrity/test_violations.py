"""Violations open, stay, change, close and come back by themselves, each with its places and events."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.server.integrity.conftest import AWAY, LATER, MISSING, PUSHED, RUNNING, Judge, found, trusted
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED

from deadlight.registry.types.registry_type import ArtifactFacts, TagPolicy
from deadlight.server.registries.origins import Origin

DETECTED, CLOSED = "IntegrityViolationDetected", "IntegrityViolationClosed"


@pytest.mark.req("I27", "R2")
async def test_what_the_registry_has_is_no_issue_and_no_event(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    await fleet.deploy(image_tag_id)
    await fleet.forget_events()
    await judge.hear(found(PUSHED, RUNNING))
    verdict = await judge.verdict(image_tag_id)
    assert (verdict.status, verdict.violation_type, verdict.expected_digest) == ("No Issues", None, PUSHED)
    assert not await judge.violations()
    assert not await fleet.events()


@pytest.mark.req("I30", "I31", "R4", "R7")
async def test_another_image_under_the_tag_opens_a_violation_with_its_evidence(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await judge.hear(found(RUNNING))
    web = await fleet.deploy(image_tag_id)
    await fleet.forget_events()
    await judge.hear(found(PUSHED))
    (violation,) = await judge.violations()
    assert (violation.type, violation.severity, violation.closed_at) == ("Digest Mismatch", "Critical", None)
    source = await judge.source()
    assert violation.evidence == {
        "reference": "registry.example/shop/web:1.0.0",
        "platform": "linux/amd64",
        "registry_type": "oci",
        "running_digest": RUNNING,
        "registry_digest": PUSHED,
        "artifact_found": True,
        "reason": "the registry has another image under this name; '1.0.0' looks like a full version",
        "tag_mutable": False,
        "mutability_source": "shape of the tag",
        "mutability_detail": "'1.0.0' looks like a full version",
        "deployed_at": STARTED.isoformat(),
        "tag_seen_changed_at": source.changed_at.isoformat(),
        "tag_updated_at": source.changed_at.isoformat(),
        "last_seen_present_at": source.answered_at.isoformat(),
        "registry_link": f"https://registry.example/v2/shop/web/manifests/{PUSHED}",
        "origin": "",
        "pushed_by": "",
        "pushed_at": None,
        "running_pushed_by": "",
        "running_pushed_at": None,
        "deleted_by": "",
        "deleted_at": None,
        "restorable_from": "",
    }
    data = {"workload_id": web.workload_id, "image_tag_id": image_tag_id, "violation_id": violation.id}
    assert await fleet.events() == [(DETECTED, data)]
    (place,) = await fleet.rows("SELECT * FROM violation_location")
    assert (place.workload_id, place.nodes, place.gone_at) == (web.workload_id, ["node-1"], None)


async def test_a_violation_that_stays_keeps_its_first_detection_and_its_evidence(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    (before,) = await judge.violations()
    await fleet.forget_events()
    await judge.hear(found(LATER))
    (after,) = await judge.violations()
    assert after.first_detected_at == before.first_detected_at
    assert after.evidence == before.evidence
    assert after.last_confirmed_at > before.last_confirmed_at
    assert not await fleet.events()
    assert (await judge.verdict(image_tag_id)).expected_digest == LATER


async def test_a_violation_that_changes_its_type_is_closed_and_another_is_opened(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    web = await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    await fleet.forget_events()
    await judge.hear(MISSING)
    mismatch, missing = await judge.violations()
    assert (mismatch.closed_at is not None, mismatch.close_reason) == (True, "became Missing Source")
    assert (missing.type, missing.severity, missing.closed_at) == ("Missing Source", "High", None)
    assert [(kind, data["violation_id"]) for kind, data in await fleet.events()] == [
        (CLOSED, mismatch.id),
        (DETECTED, missing.id),
    ]
    assert (await judge.places(gone=True), await judge.places()) == ([web.workload_id], [web.workload_id])


@pytest.mark.req("I1", "I29")
async def test_a_deleted_image_is_missing_until_it_is_restored(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(RUNNING))
    present_until = (await judge.source()).answered_at
    await judge.hear(MISSING)
    (violation,) = await judge.violations()
    assert violation.type == "Missing Source"
    assert violation.evidence["artifact_found"] is False
    assert violation.evidence["last_seen_present_at"] == present_until.isoformat()
    await fleet.forget_events()
    await judge.hear(found(RUNNING))
    (violation,) = await judge.violations()
    assert violation.close_reason == "now No Issues"
    assert [kind for kind, _ in await fleet.events()] == [CLOSED]
    assert (await judge.verdict(image_tag_id)).status == "No Issues"


@pytest.mark.req("I1")
async def test_a_tag_that_is_put_right_closes_the_violation(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    web = await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    await fleet.forget_events()
    await judge.hear(found(RUNNING))
    (violation,) = await judge.violations()
    assert violation.closed_at is not None
    ((kind, data),) = await fleet.events()
    assert (kind, data["workload_id"], data["violation_id"]) == (CLOSED, web.workload_id, violation.id)
    assert not await judge.places()


async def test_every_workload_is_a_place_with_an_event_of_its_own(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    other = await fleet.add_image_tag(repository="other/image")
    first = await fleet.deploy(image_tag_id, name="first")
    second = await fleet.deploy(image_tag_id, other, name="second", cluster="other")
    await fleet.deploy(other, name="third")
    await judge.hear(found(PUSHED))
    assert await judge.places() == [first.workload_id, second.workload_id]
    detected = [data["workload_id"] for _, data in await fleet.events(DETECTED)]
    assert detected == [first.workload_id, second.workload_id]
    await fleet.forget_events()
    await fleet.undeploy(first.workload_id)
    await judge.follow(first.workload_id)
    assert [(kind, data["workload_id"]) for kind, data in await fleet.events()] == [(CLOSED, first.workload_id)]
    (violation,) = await judge.violations()
    assert violation.closed_at is None
    assert await judge.places() == [second.workload_id]


async def test_a_second_workload_that_starts_with_a_known_bad_image_alerts_too(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id, name="first")
    await judge.hear(found(PUSHED))
    await fleet.forget_events()
    second = await fleet.deploy(image_tag_id, name="second")
    for _ in range(2):
        await judge.follow(second.workload_id)
    (violation,) = await judge.violations()
    data = {"workload_id": second.workload_id, "image_tag_id": image_tag_id, "violation_id": violation.id}
    assert await fleet.events() == [(DETECTED, data)]


async def test_a_violation_that_is_nowhere_any_more_closes(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    web = await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    await fleet.undeploy(web.workload_id)
    await judge.follow(web.workload_id)
    (violation,) = await judge.violations()
    assert (violation.closed_at is not None, violation.close_reason) == (True, "no longer deployed")
    assert not await judge.places()


async def test_a_bad_image_that_is_deployed_again_is_checked_at_once_and_alerts_again(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    web = await fleet.deploy(image_tag_id, name="web")
    await judge.hear(found(PUSHED))
    await fleet.undeploy(web.workload_id)
    await judge.follow(web.workload_id)
    assert await judge.checks() == 0
    again = await fleet.deploy(image_tag_id, name="again")
    await fleet.forget_events()
    await judge.follow(again.workload_id)
    assert await judge.checks() == 1
    await judge.hear(found(PUSHED))
    first, second = await judge.violations()
    assert second.first_detected_at > first.closed_at
    assert [(kind, data["workload_id"]) for kind, data in await fleet.events()] == [(DETECTED, again.workload_id)]


async def test_what_nothing_runs_has_a_verdict_and_no_violation_until_it_is_deployed(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await judge.hear(found(PUSHED))
    assert (await judge.verdict(image_tag_id)).violation_type == "Digest Mismatch"
    assert not await judge.violations()
    web = await fleet.deploy(image_tag_id)
    await judge.follow(web.workload_id)
    assert await judge.checks() == 1
    await judge.hear(found(PUSHED))
    assert await judge.places() == [web.workload_id]


@pytest.mark.req("R4", "R20")
async def test_what_was_gone_before_its_first_verdict_has_been_exposed_and_both_is_told(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    brief = await fleet.deploy(image_tag_id)
    await fleet.undeploy(brief.workload_id)
    await fleet.forget_events()
    await judge.hear(found(PUSHED))
    (violation,) = await judge.violations()
    assert (violation.closed_at is not None, violation.close_reason) == (True, "no longer deployed")
    assert violation.evidence["deployed_at"]
    data = {"workload_id": brief.workload_id, "image_tag_id": image_tag_id, "violation_id": violation.id}
    assert await fleet.events() == [(DETECTED, data), (CLOSED, data)]
    assert (await judge.places(), await judge.places(gone=True)) == ([], [brief.workload_id])
    await judge.hear(found(PUSHED))
    assert len(await judge.violations()) == 1


@pytest.mark.req("R5")
async def test_an_untrusted_image_that_was_gone_before_its_first_verdict_is_told_too(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    brief = await fleet.deploy(image_tag_id)
    await fleet.undeploy(brief.workload_id)
    await fleet.forget_events()
    await judge.hear(None)
    data = {"workload_id": brief.workload_id, "image_tag_id": image_tag_id}
    assert await fleet.events() == [("UntrustedRegistryDetected", data)]
    assert not await fleet.rows("SELECT FROM untrusted_location WHERE gone_at IS NULL")


async def test_a_place_that_was_missed_is_found_at_the_next_check(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id, name="first")
    await judge.hear(found(PUSHED))
    late = await fleet.deploy(image_tag_id, name="late")
    await fleet.forget_events()
    await judge.hear(found(PUSHED))
    assert [(kind, data["workload_id"]) for kind, data in await fleet.events()] == [(DETECTED, late.workload_id)]


async def test_an_image_that_was_not_checked_for_a_while_is_checked_when_it_comes_back(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await judge.hear(found(RUNNING))
    web = await fleet.deploy(image_tag_id)
    await judge.follow(web.workload_id)
    assert await judge.checks() == 0
    await fleet.rows("UPDATE source_record SET next_check_at = now() - interval '1 second'")
    await judge.follow(web.workload_id)
    assert await judge.checks() == 1


@pytest.mark.req("I31")
async def test_a_tag_that_had_moved_before_the_deployment_is_mutable(fleet: Fleet, judge: Judge) -> None:
    await judge.hear(found(LATER))
    await judge.hear(found(RUNNING))
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    verdict = await judge.verdict(image_tag_id)
    assert verdict.violation_type == "Post-Deployment Tag Update"
    assert (verdict.mutable, verdict.mutability_source) == (True, "tag history")


@pytest.mark.req("I31")
async def test_moving_a_tag_again_does_not_talk_its_violation_down(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await judge.hear(found(RUNNING))
    await fleet.deploy(image_tag_id)
    for name in (PUSHED, LATER, PUSHED, LATER):
        await judge.hear(found(name))
    (violation,) = await judge.violations()
    assert (violation.type, violation.closed_at) == ("Digest Mismatch", None)


@pytest.mark.req("I31")
async def test_the_registrys_patterns_decide_and_a_change_of_them_changes_the_violation(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    await judge.hear(found(PUSHED), trusted(mutable_tags=("1.*",)))
    mismatch, update = await judge.violations()
    assert (mismatch.closed_at is not None, update.type, update.severity) == (
        True,
        "Post-Deployment Tag Update",
        "Medium",
    )
    assert update.evidence["mutability_source"] == "user pattern"


async def test_a_registry_that_cannot_be_asked_leaves_everything_as_it_was_but_marked(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    (violation,) = await judge.violations()
    before = await judge.verdict(image_tag_id)
    await fleet.forget_events()
    await judge.hear(AWAY)
    first = await judge.verdict(image_tag_id)
    await judge.hear(AWAY)
    second = await judge.verdict(image_tag_id)
    assert second.stale_reason == "it refuses connections"
    assert first.stale_since == second.stale_since
    assert (second.status, second.violation_type, second.judged_at) == (
        before.status,
        before.violation_type,
        before.judged_at,
    )
    assert await judge.violations() == [violation]
    assert not await fleet.events()
    await judge.hear(found(PUSHED))
    recovered = await judge.verdict(image_tag_id)
    assert (recovered.stale_reason, recovered.stale_since) == ("", None)
    assert len(await judge.violations()) == 1


async def test_a_registry_that_could_never_be_asked_says_nothing(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(AWAY)
    assert not await fleet.rows("SELECT FROM verdict")
    source = await judge.source()
    assert (source.state, source.problem, source.failures) == ("unknown", "it refuses connections", 1)


@pytest.mark.req("I28", "R5", "R7")
async def test_an_untrusted_registry_is_a_risk_of_every_workload_and_no_violation(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    first = await fleet.deploy(image_tag_id, name="first")
    await fleet.forget_events()
    await judge.hear(None)
    assert (await judge.verdict(image_tag_id)).status == "Untrusted Registry"
    second = await fleet.deploy(image_tag_id, name="second")
    for _ in range(2):
        await judge.follow(second.workload_id)
    assert await fleet.events() == [
        ("UntrustedRegistryDetected", {"workload_id": each.workload_id, "image_tag_id": image_tag_id})
        for each in (first, second)
    ]
    assert not await judge.violations()
    await judge.hear(found(RUNNING))
    assert not await fleet.rows("SELECT FROM untrusted_location WHERE gone_at IS NULL")


@pytest.mark.req("I28")
async def test_a_violation_closes_when_its_registry_is_not_trusted_any_more(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    await fleet.forget_events()
    await judge.hear(None)
    (violation,) = await judge.violations()
    assert violation.close_reason == "now Untrusted Registry"
    assert [kind for kind, _ in await fleet.events()] == [CLOSED, "UntrustedRegistryDetected"]


class TestPinnedByDigest:
    @pytest.mark.req("I27", "I29")
    async def test_existence_is_what_counts(self, fleet: Fleet) -> None:
        judge = Judge(fleet, reference=PUSHED)
        image_tag_id = await fleet.add_image_tag(tag="", digest=RUNNING, pinned_digest=PUSHED)
        await fleet.deploy(image_tag_id)
        await judge.hear(found(PUSHED, RUNNING))
        assert (await judge.verdict(image_tag_id)).status == "No Issues"
        await judge.hear(MISSING)
        assert (await judge.verdict(image_tag_id)).violation_type == "Missing Source"

    @pytest.mark.req("I31")
    @pytest.mark.parametrize("tag", ["", "latest"])
    async def test_running_something_else_is_critical_whatever_tag_stands_beside_it(
        self, fleet: Fleet, tag: str
    ) -> None:
        judge = Judge(fleet, reference=PUSHED)
        image_tag_id = await fleet.add_image_tag(tag=tag, digest=RUNNING, pinned_digest=PUSHED)
        await fleet.deploy(image_tag_id)
        await judge.hear(found(PUSHED))
        (violation,) = await judge.violations()
        assert (violation.type, violation.severity) == ("Digest Mismatch", "Critical")
        assert violation.evidence["mutability_detail"] == "the reference is pinned by digest"


async def test_annotations_with_zero_bytes_keep_nothing_from_being_judged(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED, annotations={"authors\0": "no\0body", "text": "\\u0000"}))
    assert len(await judge.violations()) == 1
    assert (await judge.source()).record["annotations"] == {"authors": "nobody", "text": "\\u0000"}


async def test_first_detected_is_a_moment_of_the_detection(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    (row,) = await fleet.rows("SELECT now() - first_detected_at AS age FROM violation")
    assert timedelta(0) <= row.age < timedelta(minutes=1)


@pytest.mark.req("I18")
async def test_a_violation_that_opens_again_remembers_the_ones_before(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    for _ in range(3):
        await judge.hear(found(PUSHED))
        await judge.hear(found(RUNNING))
    await judge.hear(MISSING)
    first, second, third, other = await judge.violations()
    assert [(item.occurrence, item.reopened_from) for item in (first, second, third, other)] == [
        (1, None),
        (2, first.id),
        (3, second.id),
        (1, None),
    ]
    assert first.first_ever_detected_at == first.first_detected_at
    assert third.first_ever_detected_at == first.first_detected_at < third.first_detected_at
    assert other.first_ever_detected_at == other.first_detected_at


@pytest.mark.req("I31")
async def test_the_registry_s_own_policy_decides_before_everything_else_and_is_shown(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    facts = ArtifactFacts(
        pushed_by="ci-bot",
        pushed_at=STARTED,
        tag_policy=TagPolicy(may_move=True, detail="no immutability rule matches"),
        link="https://registry.example/ui/shop/web",
    )
    await judge.hear(replace(found(PUSHED), facts=facts), trusted(immutable_tags=("*",)))
    verdict = await judge.verdict(image_tag_id)
    assert (verdict.mutable, verdict.mutability_source) == (True, "registry policy")
    assert verdict.mutability_detail == "the registry lets this tag move (no immutability rule matches)"
    (violation,) = await judge.violations()
    assert violation.type == "Post-Deployment Tag Update"
    evidence = violation.evidence
    assert (evidence["pushed_by"], evidence["pushed_at"]) == ("ci-bot", STARTED.isoformat())
    assert evidence["registry_link"] == "https://registry.example/ui/shop/web"
    (history,) = await fleet.rows("SELECT pushed_by, pushed_at FROM tag_history")
    assert (history.pushed_by, history.pushed_at) == ("ci-bot", STARTED)


async def test_a_cached_image_s_origin_is_known(fleet: Fleet, judge: Judge, image_tag_id: int) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(MISSING, trusted(origins=(Origin("shop", "ghcr.io/shop"),)))
    (violation,) = await judge.violations()
    assert violation.evidence["origin"] == "ghcr.io/shop/web:1.0.0"
