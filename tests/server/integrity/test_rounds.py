"""Whose turn it is to be checked again, and what a round stores in one statement."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row
from tests.server.integrity.conftest import AWAY, INTERVAL, PUSHED, RUNNING, Judge, found
from tests.support.fleet import REGISTRY, Fleet
from tests.support.service import SECRET_KEY

from deadlight.server.integrity.rounds import (
    Asked,
    claim_due,
    confirm_unchanged,
    leave_alone,
    store_failures,
)
from deadlight.server.integrity.sources import SourceKey, ensure_source
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import save_registry
from deadlight.server.secrets import Cipher

CIPHER = Cipher(SECRET_KEY)


class Rounds:
    """Sources in registries, and their turns."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    async def add_registry(self, host: str = REGISTRY, **more: Any) -> None:
        async with self.fleet.engine.begin() as connection:
            await save_registry(connection, CIPHER, RegistryIn(host=host, **more))

    async def add_source(self, reference: str = "1.0.0", *, host: str = REGISTRY, deploy: bool = True) -> int:
        """A source that is due, of an image that is deployed."""
        async with self.fleet.engine.begin() as connection:
            source_id = await ensure_source(connection, SourceKey(host, "shop/web", reference))
        if deploy:
            image_tag_id = await self.fleet.add_image_tag(tag=reference, registry=host)
            await self.fleet.deploy(image_tag_id, name=f"{host}-{reference}")
        await self.let_time_pass()
        return source_id

    async def let_time_pass(self, by: timedelta = INTERVAL) -> None:
        """Everything that waits comes closer."""
        for table, column in (("source_record", "next_check_at"), ("registry", "checks_claimed_until")):
            await self.fleet.rows(f"UPDATE {table} SET {column} = {column} - CAST(:by AS interval)", by=by)

    async def due(self) -> Mapping[str, Sequence[int]]:
        """Claim what is due."""
        async with self.fleet.engine.begin() as connection:
            return await claim_due(connection, INTERVAL)


@pytest.fixture
async def rounds(fleet: Fleet) -> Rounds:
    """With a registry."""
    made = Rounds(fleet)
    await made.add_registry()
    return made


# --- whose turn it is ------------------------------------------------------------------------------------


@pytest.mark.req("I1")
async def test_only_what_is_deployed_is_due_and_what_is_not_waits_until_it_comes_back(
    fleet: Fleet, rounds: Rounds, judge: Judge
) -> None:
    source_id = await rounds.add_source(deploy=False)
    assert await rounds.due() == {}
    assert [row.next_check_at for row in await fleet.rows("SELECT next_check_at FROM source_record")] == [None]
    web = await fleet.deploy(await fleet.add_image_tag())
    await judge.follow(web.workload_id)
    assert await judge.checks() == 1
    await fleet.rows("UPDATE source_record SET next_check_at = now()")
    assert await rounds.due() == {REGISTRY: [source_id]}
    await rounds.let_time_pass()
    await fleet.undeploy(web.workload_id)
    assert await rounds.due() == {}


async def test_a_source_that_was_claimed_is_not_due_again_before_the_interval_has_passed(rounds: Rounds) -> None:
    source_id = await rounds.add_source()
    assert await rounds.due() == {REGISTRY: [source_id]}
    await rounds.let_time_pass(timedelta(minutes=1))
    assert await rounds.due() == {}
    await rounds.let_time_pass()
    assert await rounds.due() == {REGISTRY: [source_id]}


async def test_two_replicas_claim_no_source_twice(fleet: Fleet, rounds: Rounds) -> None:
    source_id = await rounds.add_source()
    async with fleet.engine.begin() as one, fleet.engine.begin() as two:
        assert await claim_due(one, INTERVAL) == {REGISTRY: [source_id]}
        assert await claim_due(two, INTERVAL) == {}


async def test_a_pinned_image_is_a_source_of_its_own(fleet: Fleet, rounds: Rounds) -> None:
    await rounds.add_source(deploy=False)
    await fleet.deploy(await fleet.add_image_tag(pinned_digest=RUNNING))
    assert await rounds.due() == {}


@pytest.mark.parametrize("trust", [{"trusted": False}, None])
async def test_a_registry_that_nobody_trusts_has_no_turns(rounds: Rounds, trust: dict[str, Any] | None) -> None:
    if trust:
        await rounds.add_registry("untrusted.example", **trust)
    await rounds.add_source(host="untrusted.example")
    assert await rounds.due() == {}


async def test_a_registry_is_asked_at_its_own_pace_whatever_waits_at_others(fleet: Fleet, rounds: Rounds) -> None:
    await rounds.add_registry("slow.example", checks_per_second=0.2)
    await fleet.rows("UPDATE registry SET checks_per_second = 0.4 WHERE host = :host", host=REGISTRY)
    for number in range(4):
        await rounds.add_source(str(number))
        await rounds.add_source(str(number), host="slow.example")
    first = await rounds.due()
    assert {host: len(ids) for host, ids in first.items()} == {REGISTRY: 2, "slow.example": 1}
    assert await rounds.due() == {}
    await rounds.let_time_pass(timedelta(seconds=5.1))
    second = await rounds.due()
    assert len(second[REGISTRY]) == 2
    assert not {*second[REGISTRY]} & {*first[REGISTRY]}


async def test_a_registry_that_wants_to_be_left_alone_is_and_the_others_are_not(fleet: Fleet, rounds: Rounds) -> None:
    await rounds.add_registry("other.example")
    await rounds.add_source()
    other = await rounds.add_source(host="other.example")
    async with fleet.engine.begin() as connection:
        await leave_alone(connection, REGISTRY, timedelta(minutes=10))
        await leave_alone(connection, REGISTRY, timedelta(seconds=1))
    assert await rounds.due() == {"other.example": [other]}
    await rounds.let_time_pass(timedelta(minutes=11))
    assert REGISTRY in await rounds.due()


# --- what is stored --------------------------------------------------------------------------------------


async def asked(fleet: Fleet) -> list[Asked]:
    rows = await fleet.rows("SELECT id, answered_at, failures FROM source_record ORDER BY id")
    return [Asked(row.id, row.answered_at, row.failures) for row in rows]


async def confirm(fleet: Fleet, sources: Sequence[Asked]) -> set[int]:
    async with fleet.engine.begin() as connection:
        return await confirm_unchanged(connection, sources, INTERVAL)


async def fail(fleet: Fleet, sources: Sequence[Asked]) -> None:
    async with fleet.engine.begin() as connection:
        await store_failures(connection, dict.fromkeys(sources, AWAY), INTERVAL)


async def state(fleet: Fleet) -> tuple[Row[Any], Row[Any], Row[Any]]:
    (source,) = await fleet.rows("SELECT *, next_check_at - now() AS pause FROM source_record")
    (history,) = await fleet.rows("SELECT * FROM tag_history")
    (verdict,) = await fleet.rows("SELECT * FROM verdict")
    return source, history, verdict


async def test_what_has_not_changed_is_confirmed_in_everything_that_says_when(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(RUNNING))
    before = await state(fleet)
    await fleet.forget_events()
    sources = await asked(fleet)
    assert await confirm(fleet, sources) == {sources[0].id}
    source, history, verdict = await state(fleet)
    assert source.answered_at > before[0].answered_at
    assert history.last_seen_at > before[1].last_seen_at
    assert verdict.judged_at > before[2].judged_at
    assert INTERVAL * 0.85 < source.pause < INTERVAL * 1.1
    assert not await fleet.events()


@pytest.mark.req("R2")
async def test_what_could_not_be_asked_is_stale_until_it_is_confirmed(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(RUNNING))
    await fail(fleet, await asked(fleet))
    first, _, stale = await state(fleet)
    assert (stale.status, stale.stale_reason) == ("No Issues", "it refuses connections")
    await fail(fleet, await asked(fleet))
    second, _, still = await state(fleet)
    assert (second.failures, second.problem, second.problem_since) == (2, "it refuses connections", first.problem_since)
    assert still.stale_since == stale.stale_since
    assert first.pause < second.pause < timedelta(seconds=12)
    assert await confirm(fleet, await asked(fleet))
    source, _, verdict = await state(fleet)
    assert (source.failures, source.problem, source.problem_since) == (0, "", None)
    assert (verdict.stale_reason, verdict.stale_since) == ("", None)


async def test_an_answer_that_is_older_than_what_is_stored_counts_for_nothing(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(RUNNING))
    old = await asked(fleet)
    await judge.hear(found(RUNNING))
    before = await state(fleet)
    assert await confirm(fleet, old) == set()
    await fail(fleet, old)
    after = await state(fleet)
    assert (after[0].answered_at, after[0].failures) == (before[0].answered_at, 0)
    assert after[1:] == before[1:]


async def test_a_source_with_something_to_settle_is_left_to_a_closer_look(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    web = await fleet.deploy(image_tag_id)
    await judge.hear(found(PUSHED))
    assert await confirm(fleet, await asked(fleet)) == set()  # a violation is open
    await fleet.undeploy(web.workload_id)
    await judge.follow(web.workload_id)
    assert await confirm(fleet, await asked(fleet))  # a verdict about what nothing has any more
    await fleet.deploy(await fleet.add_image_tag(digest=PUSHED), name="new")
    assert await confirm(fleet, await asked(fleet)) == set()  # no verdict yet


async def test_what_is_being_written_by_another_check_is_left_to_that(
    fleet: Fleet, judge: Judge, image_tag_id: int
) -> None:
    await fleet.deploy(image_tag_id)
    await judge.hear(found(RUNNING))
    sources = await asked(fleet)
    async with fleet.engine.begin() as other:
        await other.exec_driver_sql("SELECT FROM source_record FOR UPDATE")
        assert await confirm(fleet, sources) == set()
        await fail(fleet, sources)
    assert (await state(fleet))[0].failures == 0
