"""A round asks a real registry about many tags: little where nothing has changed, and little of one that is away."""

from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import event
from tests.server.integrity.checks import DIGEST, PUSHED, WEB, Checks
from tests.support.registries import Handler, answering, serve_registry

from deadlight.server.integrity.rechecks import AT_ONCE, GIVE_UP_AFTER, check_due_sources

TAGS = 4


@pytest.fixture
async def checked(checks: Checks) -> Checks:
    """Tags that have been checked once and are what they were."""
    for number in range(TAGS):
        await checks.registry.push(WEB, f"1.0.{number}")
        await checks.deploy(tag=f"1.0.{number}", name=f"web-{number}")
        await checks.check(f"1.0.{number}")
    await checks.fleet.forget_events()
    checks.registry.asked.clear()
    return checks


async def verdicts(checks: Checks) -> dict[str, Any]:
    rows = await checks.fleet.rows(
        "SELECT tag, coalesce(violation_type, status) AS said, stale_reason FROM verdict "
        "JOIN image_tag ON id = image_tag_id"
    )
    return {row.tag: (row.said, row.stale_reason) for row in rows}


def count_statements(checks: Checks) -> list[str]:
    """What is said to the database from now on, transactions and pings aside."""
    said: list[str] = []
    event.listen(checks.services.engine.sync_engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    return said


@pytest.mark.req("I1", "R2")
async def test_a_round_in_which_nothing_changed_is_a_head_for_each_tag_and_a_handful_of_statements(
    checked: Checks,
) -> None:
    said = count_statements(checked)
    await checked.check_all()
    assert sorted(checked.registry.asked) == [("HEAD", f"/v2/shop/web/manifests/1.0.{n}") for n in range(TAGS)]
    assert len(said) == 5  # the registry, its sources, the registry again, all confirmations, the registry's note
    (row,) = await checked.fleet.rows("SELECT requests, bytes_received, asked_at, problem FROM registry")
    assert row.requests >= TAGS
    assert row.bytes_received > 0
    assert await verdicts(checked) == {f"1.0.{number}": ("No Issues", "") for number in range(TAGS)}
    assert not await checked.fleet.events()


@pytest.mark.req("I1", "I29", "I30")
async def test_what_changed_is_looked_at_closer_and_only_that(checked: Checks) -> None:
    await checked.registry.push(PUSHED, "1.0.1")
    await checked.registry.delete("1.0.2")
    await checked.check_all()
    found = await verdicts(checked)
    assert {tag: said for tag, (said, _) in found.items()} == {
        "1.0.0": "No Issues",
        "1.0.1": "Digest Mismatch",
        "1.0.2": "Missing Source",
        "1.0.3": "No Issues",
    }
    assert len(await checked.fleet.events("IntegrityViolationDetected")) == 2
    await checked.registry.push(WEB, "1.0.1")
    await checked.registry.push(WEB, "1.0.2")
    await checked.check_all()
    assert set(await verdicts(checked)) == {f"1.0.{number}" for number in range(TAGS)}
    assert not await checked.fleet.rows("SELECT FROM violation WHERE closed_at IS NULL")


@pytest.mark.req("I29")
async def test_a_registry_that_is_away_makes_everything_stale_and_nothing_missing(checked: Checks) -> None:
    checked.registry.trouble = answering(500)
    await checked.check_all()
    reason = "it failed (500 Internal Server Error)"
    assert await verdicts(checked) == {f"1.0.{number}": ("No Issues", reason) for number in range(TAGS)}
    (row,) = await checked.fleet.rows("SELECT problem FROM registry")
    assert row.problem == reason
    checked.registry.trouble = None
    await checked.check_all()
    assert {stale for _, stale in (await verdicts(checked)).values()} == {""}
    assert not await checked.fleet.events()


async def test_a_registry_that_answers_nothing_is_not_asked_about_everything(checks: Checks) -> None:
    many = 3 * AT_ONCE
    await checks.fleet.rows(
        """
        INSERT INTO source_record (registry, repository, reference, state, record)
        SELECT :host, 'shop/web', number::text, 'present', jsonb_build_object('digest', CAST(:digest AS text))
        FROM generate_series(1, :many) AS number
        """,
        host=checks.registry.host,
        digest=DIGEST,
        many=many,
    )
    checks.registry.trouble = answering(403)
    await checks.check_all()
    assert GIVE_UP_AFTER <= len(checks.registry.asked) <= GIVE_UP_AFTER + AT_ONCE < many
    rows = await checks.fleet.rows("SELECT failures, problem FROM source_record")
    assert {(row.failures, row.problem) for row in rows} == {(1, "it does not let us in (403 Forbidden)")}


async def test_a_record_that_another_version_wrote_is_asked_for_anew_once(checked: Checks) -> None:
    await checked.fleet.rows("UPDATE source_record SET record = jsonb_build_object('digest', record -> 'digest')")
    await checked.check_all()
    checked.registry.asked.clear()
    await checked.check_all()
    assert {method for method, _ in checked.registry.asked} == {"HEAD"}
    assert len(checked.registry.asked) == TAGS


async def test_what_is_closed_to_us_does_not_speak_for_the_whole_registry(checked: Checks) -> None:
    many = AT_ONCE + GIVE_UP_AFTER
    await checked.fleet.rows(
        """
        INSERT INTO source_record (id, registry, repository, reference, failures) OVERRIDING SYSTEM VALUE
        SELECT -number, :host, 'shop/closed', number::text, 1 FROM generate_series(1, :many) AS number
        """,
        host=checked.registry.host,
        many=many,
    )

    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=403) if "/closed/" in request.path else await handler(request)

    checked.registry.trouble = close
    await checked.check_all()
    assert await verdicts(checked) == {f"1.0.{number}": ("No Issues", "") for number in range(TAGS)}
    rows = await checked.fleet.rows("SELECT FROM source_record WHERE problem <> ''")
    assert len(rows) == many


async def test_a_registry_that_limits_us_is_left_alone_as_a_whole(checked: Checks) -> None:
    checked.registry.trouble = answering(429, Retry_After="600")
    await checked.check_all()
    (row,) = await checked.fleet.rows("SELECT checks_claimed_until - now() AS pause FROM registry")
    assert 590 <= row.pause.total_seconds() <= 601
    checked.registry.trouble = None
    await checked.fleet.rows("UPDATE source_record SET next_check_at = now()")
    await check_due_sources(checked.services)
    assert not await checked.fleet.rows("SELECT FROM pgqueuer WHERE entrypoint = 'check_sources'")


async def test_one_registry_s_turns_are_jobs_of_their_own(checked: Checks) -> None:
    async with serve_registry() as fine:
        others = Checks(checked.services, fine, checked.fleet)
        await others.trust()
        await fine.push(WEB)
        image_tag_id = await others.deploy(name="other")
        await others.check()
        await checked.fleet.rows("UPDATE source_record SET next_check_at = now()")
        await check_due_sources(checked.services)
        jobs = await checked.fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint = 'check_sources'")
        assert len(jobs) == 2
        checked.registry.trouble = answering(500)
        await others.check_all()
        assert (await others.verdict(image_tag_id)).stale_reason == ""


@pytest.mark.req("R5", "R7", "I28")
async def test_a_repository_that_is_not_trusted_any_more_is_not_asked_about(checked: Checks) -> None:
    await checked.trust(untrusted_repositories=["shop/*"])
    await checked.check_all()
    assert checked.registry.asked == []
    assert {said for said, _ in (await verdicts(checked)).values()} == {"Untrusted Registry"}
    await checked.trust(trusted=False)
    await checked.check_all()
    assert checked.registry.asked == []
    await checked.trust()
    await checked.check_all()
    assert {said for said, _ in (await verdicts(checked)).values()} == {"No Issues"}


async def test_a_password_that_cannot_be_read_is_the_problem_of_all(checked: Checks) -> None:
    await checked.fleet.rows("UPDATE registry SET username = 'ada', password_encrypted = 'nonsense'")
    await checked.check_all()
    assert checked.registry.asked == []
    assert all("cannot be decrypted" in stale for _, stale in (await verdicts(checked)).values())
