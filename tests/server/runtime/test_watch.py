"""What a sensor reported and what is stored are held against each other, and a difference is repaired."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.runtime.conftest import SensorOf, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.errors import BadRequestError
from deadlight.server.runtime.coverage import CoverageLevel
from deadlight.server.runtime.limits import Room
from deadlight.server.runtime.rows import subject_digest
from deadlight.server.runtime.watch import (
    ASKED_AT_ONCE,
    COMPARED_AT_ONCE,
    FIRST_PAUSE,
    LAST_PAUSE,
    coverage_of_image_tag,
    coverage_of_workload,
    follow_coverage,
    is_due,
    is_same,
)

LONG = "/" + "漢" * 4000


def watched(container_id: str, *observations: wire.Observation, **more: Any) -> wire.ContainerCoverage:
    """A container that was watched from its start, of which the sensor reported these."""
    subjects = [(item.grade, item.path) for item in observations if item.container_id == container_id]
    values: dict[str, Any] = {"since": STARTED, "from_start": True, "digest": wire.observation_digest(subjects)} | more
    return wire.ContainerCoverage(container_id=container_id, **values)


async def beat(fleet: Fleet, *coverage: wire.ContainerCoverage, cluster_id: UUID | None = None) -> Sequence[str]:
    """The containers to tell of again."""
    async with fleet.engine.begin() as connection:
        return await follow_coverage(connection, cluster_id or await fleet.add_cluster(), coverage)


async def test_what_arrived_is_not_asked_for_again(fleet: Fleet, sensor: SensorOf) -> None:
    told = [seen("c", "/usr/bin/bash"), seen("c", "/usr/bin/bash", Grade.MAPPED), seen("c", LONG), seen("d", "/x")]
    await sensor.send(*told[:2])
    await sensor.send(*told[1:])
    for _ in range(3):
        assert await beat(fleet, watched("c", *told), watched("d", *told), watched("nothing was seen")) == ()
    rows = await fleet.rows("SELECT verified_digest = digest AS verified FROM container_coverage")
    assert [row.verified for row in rows] == [True] * 3


async def test_what_is_missing_is_asked_for_until_it_is_there(fleet: Fleet, sensor: SensorOf) -> None:
    told = [seen("c", "/usr/bin/bash"), seen("c", "/lost")]
    await sensor.send(told[0])
    assert await beat(fleet, watched("c", *told)) == ()  # a batch may be on its way
    assert await beat(fleet, watched("c", *told)) == ("c",)
    assert await beat(fleet, watched("c", *told)) == ()  # it was asked just now
    await fleet.rows("UPDATE container_coverage SET compared_at = compared_at - interval '2 minutes'")
    assert await beat(fleet, watched("c", *told)) == ("c",)
    await sensor.send(*told)
    await fleet.rows("UPDATE container_coverage SET compared_at = compared_at - interval '1 hour'")
    assert await beat(fleet, watched("c", *told)) == ()
    (row,) = await fleet.rows("SELECT mismatches, verified_digest = digest AS verified FROM container_coverage")
    assert (row.mismatches, row.verified) == (0, True)


async def test_what_has_not_all_found_room_is_not_asked_for(fleet: Fleet, sensor: SensorOf) -> None:
    told = [seen("c", f"/{number}", after=number) for number in range(3)]
    await replace(sensor, room=Room(observations=2, executions=2)).send(*told)
    for _ in range(3):
        assert await beat(fleet, watched("c", *told)) == ()
    await sensor.send(seen("d", "/here"))
    both = [seen("d", "/here"), seen("d", "/lost")]
    assert [await beat(fleet, watched("d", *both)) for _ in range(2)] == [(), ("d",)]


async def test_what_another_cluster_s_sensor_reported_repairs_nothing(fleet: Fleet, sensor: SensorOf) -> None:
    told = seen("c", "/usr/bin/bash")
    await sensor.send(told)
    other = await fleet.add_cluster("another")
    await beat(fleet, watched("c", told), cluster_id=other)
    assert await beat(fleet, watched("c", told), cluster_id=other) == ("c",)


async def test_of_many_only_some_are_asked_for_at_a_time(fleet: Fleet) -> None:
    missing = [watched(f"c{number:03}", digest="0" * 15 + "1") for number in range(COMPARED_AT_ONCE + 10)]
    asked: list[str] = []
    for _ in range(8):
        now = await beat(fleet, *missing)
        assert len(now) <= ASKED_AT_ONCE
        asked += now
    assert sorted(asked) == [item.container_id for item in missing]


@pytest.mark.parametrize(
    ("mismatches", "minutes", "due"), [(0, 0, True), (1, 0, True), (2, 0.9, False), (2, 1, True), (4, 3, False)]
)
def test_in_vain_is_followed_by_a_pause(mismatches: int, minutes: float, due: bool) -> None:
    assert is_due(mismatches, STARTED, STARTED + timedelta(minutes=minutes)) is due
    assert is_due(mismatches, None, STARTED)


@given(st.integers(2, 2**31))
def test_however_often_it_was_in_vain_it_is_tried_again_once_a_day_and_not_at_once(mismatches: int) -> None:
    assert is_due(mismatches, STARTED, STARTED + LAST_PAUSE)
    assert not is_due(mismatches, STARTED, STARTED + FIRST_PAUSE / 2)


@given(st.text())
def test_no_text_of_a_sensor_is_taken_for_a_digest_that_it_is_not(text: str) -> None:
    assert not is_same(text, 1) or int(text, 16) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(Grade))
def test_a_subject_s_number_is_its_digest(path: str, grade: Grade) -> None:
    assert is_same(wire.observation_digest([(grade, path)]), subject_digest(grade, path))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"lost": -1}, "lost"),
        ({"lost": 2**63}, "lost"),
        ({"since": STARTED.replace(tzinfo=None)}, "since"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_the_field(fleet: Fleet, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequestError, match=rf"coverage\[1\]\.{field}"):
        await beat(fleet, watched("c"), watched("d", **wrong))
    with pytest.raises(BadRequestError, match="container_id"):
        await beat(fleet, watched("漢" * 512))


@pytest.mark.parametrize("room", [Room(observations=1, executions=9), Room(observations=9, executions=1)])
async def test_what_found_no_room_keeps_the_coverage_from_being_complete(
    fleet: Fleet, sensor: SensorOf, room: Room
) -> None:
    image = await fleet.add_image(installed(package("bash"), "/usr/bin/bash"))
    running = await fleet.deploy(image.image_tag_id)
    (container_id,) = running.container_ids
    await beat(fleet, watched(container_id))
    async with fleet.engine.connect() as connection:
        assert (await coverage_of_image_tag(connection, image.image_tag_id)).level is CoverageLevel.COMPLETE
    await replace(sensor, room=room).send(*(seen(container_id, f"/{number}") for number in range(3)))
    async with fleet.engine.connect() as connection:
        for found in (
            await coverage_of_image_tag(connection, image.image_tag_id),
            await coverage_of_workload(connection, running.workload_id),
        ):
            assert found.level is CoverageLevel.PARTIAL
            assert found.reasons == ("more was seen in 1 of 1 container than is kept (2 found no room)",)


async def test_an_image_and_a_workload_are_covered_as_their_running_containers_are(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(package("bash"), "/usr/bin/bash"))
    first = await fleet.deploy(image.image_tag_id, image.image_tag_id, name="web")
    await fleet.deploy(image.image_tag_id, name="api")
    await beat(fleet, *(watched(name, unseen=("io_uring",)) for name in first.container_ids))
    async with fleet.engine.connect() as connection:
        of_image = await coverage_of_image_tag(connection, image.image_tag_id)
        of_workload = await coverage_of_workload(connection, first.workload_id)
        nowhere = await coverage_of_workload(connection, 0)
    assert (of_image.containers, of_image.watched, of_image.level) == (3, 2, CoverageLevel.PARTIAL)
    assert of_image.reasons == (
        "1 of 3 containers was not watched by a sensor",
        "io_uring cannot be seen in 2 of 3 containers",
    )
    assert (of_workload.containers, of_workload.watched) == (2, 2)
    assert nowhere.level is CoverageLevel.NONE
