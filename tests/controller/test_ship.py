"""Shipping over real HTTP, to a service that forgets, refuses and breaks connections."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client.model_service import Fault, ModelService
from tests.client.waiting import until
from tests.controller.made import CLUSTER, gone, namespace, node, pod, workload

from deadlight.client.agent import AgentClient
from deadlight.client.backoff import Backoff
from deadlight.client.credential_process import Token
from deadlight.controller.deltas import Change
from deadlight.controller.health import Health
from deadlight.controller.ship import Rhythm, Shipper
from deadlight.model import wire

HASTE = Backoff(base=0.001, cap=0.002)
RHYTHM = Rhythm(linger=0.005, verify=60.0, batch_objects=3, backoff=HASTE)


class Shipping:
    """A shipper at work, and what it works with."""

    def __init__(self, service: ModelService, client: AgentClient, rhythm: Rhythm) -> None:
        self.service = service
        self.health = Health()
        self.shipper = Shipper(client, CLUSTER, self.health, rhythm)

    def apply(self, *changes: Change) -> None:
        self.shipper.apply(changes)

    @property
    def held(self) -> set[tuple[str, str]]:
        return {(kind, uid) for kind, records in self.service.held.items() for uid in records}


@asynccontextmanager
async def shipping(service: ModelService, *changes: Change, rhythm: Rhythm = RHYTHM) -> AsyncIterator[Shipping]:
    """A shipper that starts with `changes` and runs until the block ends."""

    async def token() -> Token:
        service.access_tokens.add("t")
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        return Token(access_token="t", expires_at=expires_at, agent_id="a", cluster_id="c")

    async with AgentClient(service.url, token, backoff=HASTE) as client:
        ship = Shipping(service, client, rhythm)
        ship.apply(*changes)
        running = asyncio.create_task(ship.shipper.run())
        try:
            yield ship
        finally:
            running.cancel()
            await asyncio.wait([running])


@pytest.mark.req("R6", "M14")
async def test_first_contact_is_a_full_sync_that_sweeps_what_is_gone(service: ModelService) -> None:
    service.held["pod"]["from-before"] = pod("from-before")

    async with shipping(service, node("n"), namespace("shop"), workload("w"), pod("p1"), pod("p2")) as ship:
        await ship.shipper.synced.wait()

    assert ship.held == {("node", "n"), ("namespace", "shop"), ("workload", "w"), ("pod", "p1"), ("pod", "p2")}
    assert service.cluster == CLUSTER
    assert len({batch.sync_id for batch in service.batches}) == 1
    assert [batch.sync_complete for batch in service.batches] == [False, True]
    assert service.dangling == []


async def test_changes_within_the_linger_travel_together(service: ModelService) -> None:
    async with shipping(service, rhythm=replace(RHYTHM, linger=0.2, batch_objects=500)) as ship:
        await ship.shipper.synced.wait()
        ship.apply(pod("p1"), pod("p2"))
        await asyncio.sleep(0.05)  # long enough for an impatient shipper to send
        ship.apply(pod("p3"))
        await until(lambda: len(ship.held) == 3)

    assert len(service.batches) == 2


async def test_a_full_batch_does_not_wait_for_the_linger(service: ModelService) -> None:
    async with shipping(service, rhythm=replace(RHYTHM, linger=60.0)) as ship:
        await ship.shipper.synced.wait()
        ship.apply(*(pod(f"p{number}") for number in range(3)))
        await until(lambda: len(ship.held) == 3)


async def test_one_batch_is_in_flight_however_many_changes_wait(service: ModelService) -> None:
    async with shipping(service, *(pod(f"p{number}") for number in range(30))) as ship:
        await ship.shipper.synced.wait()

    assert service.most_in_flight == 1
    assert [len(batch.pods) for batch in service.batches] == [3] * 10


@pytest.mark.req("R6")
async def test_a_service_that_lost_its_database_is_told_everything_again(service: ModelService) -> None:
    async with shipping(service, node("n"), pod("p1")) as ship:
        await ship.shipper.synced.wait()
        service.lose_everything()
        ship.apply(pod("p2"))
        await until(lambda: ship.held == {("node", "n"), ("pod", "p1"), ("pod", "p2")})

    assert ship.health.counts.resyncs == 1


@pytest.mark.req("R6")
async def test_an_idle_controller_lets_the_service_compare_from_time_to_time(service: ModelService) -> None:
    async with shipping(service, pod("p"), rhythm=replace(RHYTHM, verify=0.02)) as ship:
        await ship.shipper.synced.wait()
        service.lose_everything()
        await until(lambda: ship.held == {("pod", "p")})


async def test_a_batch_refused_for_good_leads_to_a_full_sync(
    service: ModelService, caplog: pytest.LogCaptureFixture
) -> None:
    async with shipping(service, pod("p1")) as ship:
        await ship.shipper.synced.wait()
        service.faults.append(Fault.REFUSED)
        with caplog.at_level(logging.INFO, "deadlight"):
            ship.apply(pod("p2"))
            await until(lambda: len(ship.held) == 2)

    assert ship.health.counts.refused_batches == 1
    assert ship.health.counts.resyncs == 1
    assert "made to answer 422" in caplog.text


async def test_a_rejected_object_is_named_counted_and_does_not_hold_up_the_rest(
    service: ModelService, caplog: pytest.LogCaptureFixture
) -> None:
    service.objects_refused = lambda uid: uid == "bad"
    async with shipping(service, pod("bad"), pod("good")) as ship:
        await ship.shipper.synced.wait()
        assert ship.held == {("pod", "good")}
        assert ship.health.counts.resyncs == 0
        service.objects_refused = lambda uid: False
        ship.apply(pod("bad", "Failed"))
        await until(lambda: len(ship.held) == 2)

    assert ship.health.counts.rejected_objects == 1
    assert "bad: not today" in caplog.text


async def test_a_service_that_always_wants_everything_again_is_reported_as_a_problem(service: ModelService) -> None:
    service.always_resync = True
    async with shipping(service, pod("p")) as ship:
        await until(lambda: bool(ship.health.problems))
        assert not ship.shipper.synced.is_set()
        service.always_resync = False
        await ship.shipper.synced.wait()

    assert ship.health.problems == ()


async def test_a_change_of_the_cluster_itself_is_sent_without_any_object(service: ModelService) -> None:
    upgraded = msgspec.structs.replace(CLUSTER, version="v1.37.0")
    async with shipping(service) as ship:
        await ship.shipper.synced.wait()
        ship.shipper.describe(CLUSTER)
        ship.shipper.describe(upgraded)
        await until(lambda: service.cluster == upgraded)

    assert len(service.batches) == 2


UIDS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.builds(workload, UIDS, st.integers(0, 2)),
    st.builds(pod, UIDS, st.sampled_from(["Pending", "Running"])),
    st.builds(gone, st.sampled_from(["workload", "pod"]), UIDS),
    st.sampled_from(list(Fault)),
    st.sampled_from(["pause", "lose everything"]),
)


@pytest.mark.req("R6")
@settings(max_examples=15)
@given(st.lists(STEPS, max_size=30))
def test_over_a_bad_network_the_service_still_ends_up_with_the_clusters_objects(
    steps: list[Change | Fault | str],
) -> None:
    asyncio.run(converse(steps))


async def converse(steps: list[Change | Fault | str]) -> None:
    service, expected = ModelService(), set[tuple[str, str]]()
    await service.start()
    act: dict[str, Callable[[], None]] = {"pause": lambda: None, "lose everything": service.lose_everything}
    async with shipping(service, rhythm=replace(RHYTHM, linger=0.001, verify=0.005)) as ship:
        for step in steps:
            if isinstance(step, str):
                act[step]()
                await asyncio.sleep(0.002)
            elif isinstance(step, Fault):
                service.faults.append(step)
            else:
                key = (step.kind, step.uid) if isinstance(step, wire.Removed) else (kind_of(step), step.uid)
                (expected.discard if isinstance(step, wire.Removed) else expected.add)(key)
                ship.apply(step)
        await until(lambda: ship.held == expected and not service.faults)
    await service.stop()


def kind_of(record: Change) -> str:
    return "pod" if isinstance(record, wire.PodRecord) else "workload"
