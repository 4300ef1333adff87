"""Windows say what was live when: each is held against what was done and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from tests.scanner.layer_builder import LayerBuilder
from tests.server.integrity.conftest import AWAY, MISSING, PUSHED, RUNNING, found, trusted
from tests.server.ledger.conftest import Ledger
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, HIGH, osv

from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.scanner import squash
from deadlight.server.ledger.reconcile import list_missed, lock_workloads, reconcile
from deadlight.server.scans.store import record_scanned

PYYAML = package("pyyaml", "5.0", "PyPI")
CALLS_IT = squash([LayerBuilder().file("app/main.py", "import yaml\nyaml.load(1)\n").scan()]).calls
PUBLISHED = datetime(2026, 11, 5, tzinfo=UTC)
BAD = osv("MAL-2026-1", "pyyaml", ecosystem="PyPI", severity="")


def flaw(**more: Any) -> dict[str, Any]:
    """A vulnerability that the image's own code reaches: a rule is about it."""
    values = {"severity": CRITICAL, "published": PUBLISHED.isoformat()} | more
    return osv("CVE-2017-18342", "pyyaml", ecosystem="PyPI", fixed="5.1", **values)


async def now(fleet: Fleet) -> datetime:
    (row,) = await fleet.rows("SELECT clock_timestamp() AS now")
    at: datetime = row.now
    return at


async def test_a_moved_tag_is_exposed_from_its_move_until_it_is_back(fleet: Fleet, ledger: Ledger) -> None:
    running = await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(RUNNING))
    before = await now(fleet)
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    after = await now(fleet)
    window = await ledger.window()
    expected = (running.workload_id, "integrity_violation", "Digest Mismatch", "tag_changed")
    assert (window.workload_id, window.risk, window.violation_type, window.opened_basis) == expected
    assert before < window.opened_at <= window.detected_at < after
    assert window.closed_at is None
    await ledger.judge.hear(found(RUNNING))
    await ledger.handle_events()
    closed = await ledger.window()
    assert after < closed.closed_at < await now(fleet)
    assert (closed.close_reason, closed.repaired) == ("now No Issues", False)


@pytest.mark.parametrize(
    ("pushed_before_detection", "last_seen_before_detection", "basis"),
    [
        pytest.param(60, 90, "tag_pushed", id="the registry says when"),
        pytest.param(90, 60, "tag_changed", id="moved to what was pushed before"),
        pytest.param(-60, 90, "tag_changed", id="its clock is ahead of ours"),
    ],
)
async def test_a_moved_tag_is_exposed_from_its_push_where_the_registry_tells(
    fleet: Fleet, ledger: Ledger, pushed_before_detection: int, last_seen_before_detection: int, basis: str
) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(RUNNING))
    seen_at = await now(fleet) - timedelta(seconds=last_seen_before_detection)
    await fleet.rows("UPDATE tag_history SET first_seen_at = :at, last_seen_at = :at", at=seen_at)
    pushed_at = await now(fleet) - timedelta(seconds=pushed_before_detection)
    await ledger.judge.hear(replace(found(PUSHED), facts=ArtifactFacts(pushed_by="ada", pushed_at=pushed_at)))
    await ledger.handle_events()
    window = await ledger.window()
    assert window.opened_basis == basis
    assert (window.opened_at == pushed_at) == (basis == "tag_pushed")


async def test_a_tag_pushed_before_the_first_look_is_exposed_since_then(fleet: Fleet, ledger: Ledger) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    pushed_at = STARTED + timedelta(minutes=5)
    await ledger.judge.hear(replace(found(PUSHED), facts=ArtifactFacts(pushed_at=pushed_at)))
    await ledger.handle_events()
    window = await ledger.window()
    assert (window.opened_at, window.opened_basis) == (pushed_at, "tag_pushed")


async def test_what_was_wrong_at_first_sight_is_exposed_since_it_was_deployed(fleet: Fleet, ledger: Ledger) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    window = await ledger.window()
    assert (window.opened_at, window.opened_basis) == (STARTED, "deployed")


async def test_a_missing_source_is_exposed_since_the_registry_last_had_it(fleet: Fleet, ledger: Ledger) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(RUNNING))
    had_it = await now(fleet)
    await ledger.judge.hear(AWAY)
    await ledger.handle_events()
    assert not await ledger.windows()  # nobody knows
    await ledger.judge.hear(MISSING)
    await ledger.handle_events()
    window = await ledger.window()
    assert (window.violation_type, window.opened_basis) == ("Missing Source", "last_seen_present")
    assert window.opened_at <= had_it < window.detected_at
    await ledger.judge.hear(AWAY)
    await ledger.handle_events()
    assert (await ledger.window()).closed_at is None


async def test_a_violation_of_another_type_is_another_window_that_names_the_first(fleet: Fleet, ledger: Ledger) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.judge.hear(MISSING)
    await ledger.handle_events()
    first, second = await ledger.windows()
    assert (first.violation_type, first.close_reason) == ("Digest Mismatch", "became Missing Source")
    assert (second.violation_type, second.previous_id) == ("Missing Source", first.id)
    assert first.closed_at <= second.opened_at <= second.detected_at


async def test_what_opens_again_is_a_new_window_and_the_old_one_stays_as_it_was(fleet: Fleet, ledger: Ledger) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    for reply in (found(PUSHED), found(RUNNING)):
        await ledger.judge.hear(reply)
        await ledger.handle_events()
    first = await ledger.window()
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    same, second = await ledger.windows()
    assert same == first
    assert second.previous_id == first.id
    assert first.closed_at <= second.opened_at


async def test_an_untrusted_registry_is_exposed_from_the_deployment_until_it_is_trusted(
    fleet: Fleet, ledger: Ledger
) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(None)
    await ledger.handle_events()
    window = await ledger.window("untrusted_registry")
    assert (window.opened_at, window.opened_basis, window.closed_at) == (STARTED, "deployed", None)
    await ledger.judge.hear(found(RUNNING), trusted())
    await ledger.handle_events()
    closed = await ledger.window()
    assert (closed.closed_at is None, closed.close_reason) == (False, "registry trusted now")


async def test_a_workload_that_is_scaled_away_or_removed_is_exposed_no_longer(fleet: Fleet, ledger: Ledger) -> None:
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    scaled, removed = await fleet.deploy(image_tag_id), await fleet.deploy(image_tag_id, name="other")
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    await ledger.run_image(scaled.workload_id)
    await fleet.undeploy(removed.workload_id)
    await ledger.change(removed.workload_id)
    reasons = {window.workload_id: window.close_reason for window in await ledger.windows()}
    assert reasons == {
        scaled.workload_id: "image no longer deployed here",
        removed.workload_id: "workload removed",
    }


async def test_what_was_gone_before_its_first_verdict_was_exposed_all_the_same(fleet: Fleet, ledger: Ledger) -> None:
    running = await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await fleet.undeploy(running.workload_id)
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    window = await ledger.window()
    assert STARTED == window.opened_at < window.detected_at == window.closed_at
    assert window.close_reason == "workload removed"


async def test_a_critical_applicable_vulnerability_is_exposed_since_it_was_published(
    fleet: Fleet, ledger: Ledger
) -> None:
    image = await fleet.add_image(installed(PYYAML), calls=CALLS_IT)
    running = await fleet.deploy(image.image_tag_id)
    await ledger.assess(image.image_id)
    assert not await ledger.windows()
    await ledger.learn(flaw())
    window = await ledger.window("critical_applicable_cves")
    assert (window.workload_id, window.opened_at, window.opened_basis) == (running.workload_id, PUBLISHED, "published")
    await ledger.learn(flaw(severity=HIGH))
    closed = await ledger.window()
    assert closed.close_reason == "no critical and applicable vulnerability any more"
    await ledger.learn(flaw())
    _, again = await ledger.windows()
    assert (again.previous_id, again.opened_at, again.opened_basis) == (closed.id, closed.closed_at, "reopened")


async def test_a_malicious_package_is_exposed_since_it_was_deployed_or_matched(fleet: Fleet, ledger: Ledger) -> None:
    image = await fleet.add_image(installed(PYYAML))
    await fleet.deploy(image.image_tag_id)
    await ledger.learn(BAD)
    await ledger.assess(image.image_id)
    window = await ledger.window("malicious")
    assert (window.opened_basis, window.opened_at <= window.detected_at) == ("matched", True)
    await ledger.learn({**BAD, "withdrawn": "2026-02-01T00:00:00Z"})
    assert (await ledger.window()).close_reason == "no malicious package any more"


async def test_an_image_that_is_known_brings_its_risk_under_another_tag(fleet: Fleet, ledger: Ledger) -> None:
    image = await fleet.add_image(installed(PYYAML))
    await ledger.learn(BAD)
    await ledger.assess(image.image_id)
    other = await fleet.add_image_tag(tag="2.0.0")
    await fleet.deploy(other)
    await ledger.handle_events()
    assert not await ledger.windows()
    await fleet.rows("INSERT INTO image_tag_image VALUES (:tag, :image)", tag=other, image=image.image_id)
    async with fleet.engine.begin() as connection:
        await record_scanned(connection, image.image_id)
    await ledger.handle_events()
    assert (await ledger.window("malicious")).image_tag_id == other


async def test_a_clock_that_is_ahead_opens_no_window_before_it_is_detected(fleet: Fleet, ledger: Ledger) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING), started_at=ahead)
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    window = await ledger.window()
    assert (window.opened_at, window.opened_basis) == (window.detected_at, "detected")


async def test_what_no_event_led_to_is_found_repaired_and_said_to_be_so(fleet: Fleet, ledger: Ledger) -> None:
    running = await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    for reply in (found(PUSHED), found(RUNNING)):
        await ledger.judge.hear(reply)
        async with fleet.engine.begin() as connection:
            assert await list_missed(connection, 10) == []  # only not handled yet
        await fleet.forget_events()
        async with fleet.engine.begin() as connection:
            missed = await list_missed(connection, 10)
            assert missed == [running.workload_id]
            await lock_workloads(connection, missed)
            await reconcile(connection, missed, repaired=True)
    window = await ledger.window()
    assert (window.closed_at is not None, window.repaired) == (True, True)
    async with fleet.engine.begin() as connection:
        assert await list_missed(connection, 10) == []


@pytest.mark.parametrize("where", ["workload", "namespace"])
async def test_the_team_is_the_one_named_when_the_window_opens(fleet: Fleet, ledger: Ledger, where: str) -> None:
    team = {"deadlight.io/team": "payments"}
    more: dict[str, Any] = {"annotations": team} if where == "workload" else {}
    running = await fleet.deploy(await fleet.add_image_tag(digest=RUNNING), **more)
    if where == "namespace":
        await fleet.rows(
            """
            INSERT INTO namespace (cluster_id, uid, name, labels, content_hash)
            SELECT cluster_id, 'n', namespace, '{"deadlight.io/team": "payments"}', 0 FROM workload
            """
        )
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    await fleet.rows('UPDATE workload SET annotations = \'{"deadlight.io/team": "others"}\'')
    await ledger.change(running.workload_id)
    assert (await ledger.window()).team == "payments"


async def test_following_workloads_costs_one_statement_where_all_is_in_line(fleet: Fleet, ledger: Ledger) -> None:
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    running = [await fleet.deploy(image_tag_id, name=name) for name in ("a", "b")]
    await ledger.judge.hear(found(PUSHED))
    statements: list[str] = []
    event.listen(fleet.engine.sync_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    async with fleet.engine.begin() as connection:
        assert await reconcile(connection, [item.workload_id for item in running]) == (2, 0)
        assert "OVERRIDING SYSTEM VALUE" in statements[1]
        statements.clear()
        assert await reconcile(connection, [item.workload_id for item in running]) == (0, 0)
    assert len(statements) == 1
