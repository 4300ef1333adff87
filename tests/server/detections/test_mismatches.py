"""A program whose hash is not that of the image's file is detected, whichever of the two is known first."""

from typing import Any
from uuid import uuid4

import pytest
from tests.server.detections.conftest import SensorOf
from tests.server.runtime.conftest import batch_of, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY
from deadlight.model.event import EventType
from deadlight.model.observation import Grade
from deadlight.scanner import ExecutableIndex
from deadlight.server.detections.blocking import list_denied
from deadlight.server.detections.mismatches import detect_mismatch
from deadlight.server.events.outbox import Event
from deadlight.server.runtime.handlers import resolve_scanned_image
from deadlight.server.runtime.service import take_observations

GOOD, BAD = "a" * 64, "b" * 64
INDEX = ExecutableIndex(
    digests={"/usr/bin/dash": bytes.fromhex(GOOD)},
    others=frozenset({"/etc/passwd"}),
    unread=frozenset({"/opt/large"}),
    links={"/bin": "/usr/bin", "/usr/bin/sh": "/usr/bin/dash"},
)


async def running_image(fleet: Fleet, index: ExecutableIndex | None = INDEX) -> tuple[int, str]:
    """The id of an image, and of a container that runs it."""
    image = await fleet.add_image(installed(package("dash"), "/usr/bin/dash"))
    if index:
        await fleet.rows("UPDATE image SET executable_index = :index", index=index.to_bytes())
    container_id = (await fleet.deploy(image.image_tag_id)).container_ids[0]
    await fleet.forget_events()
    return image.image_id, container_id


async def execute(fleet: Fleet, sensor: SensorOf, container_id: str, path: str, sha256: str, **more: Any) -> None:
    """The container executes a file, and what follows from it happens."""
    async with fleet.engine.begin() as connection:
        batch = batch_of(seen(container_id, path, sha256=sha256, **more))
        await take_observations(connection, sensor.principal, batch)
    await follow(fleet)


async def follow(fleet: Fleet) -> None:
    """Handle the events of mismatches, each twice, as it may happen."""
    for kind, data in await fleet.events("BinaryMismatchObserved"):
        for _ in range(2):
            async with fleet.engine.begin() as connection:
                await detect_mismatch(connection, Event(1, uuid4(), EventType(kind), "", data, STARTED))


@pytest.mark.parametrize("changed", [False, True])
async def test_another_program_of_the_same_name_is_detected_once_with_both_hashes(
    fleet: Fleet, sensor: SensorOf, changed: bool
) -> None:
    _, container_id = await running_image(fleet)
    for _ in range(2):
        await execute(
            fleet, sensor, container_id, "/bin/sh", BAD, process="sh", arguments=("sh", "-i"), user=33, changed=changed
        )
    (found,) = await sensor.detections()
    assert (found.rule, found.title, found.workload, found.times) == (
        BINARY_INTEGRITY,
        "Program differs from the image's",
        "web",
        1,
    )
    assert found.evidence["facts"] == {
        "file.path": "/bin/sh",
        "image.path": "/usr/bin/dash",
        "image.sha256": GOOD,
        "file.sha256": BAD,
        "file.changed": str(changed).lower(),
    }
    assert found.evidence["process"]["arguments"] == ["sh", "-i"]
    assert found.evidence["process"]["user"] == 33
    assert len(await sensor.told()) == 1


@pytest.mark.parametrize(
    ("path", "sha256"),
    [
        ("/usr/bin/dash", GOOD),
        ("/bin/sh", GOOD),
        ("/bin/sh", ""),
        ("/tmp/dropped", BAD),
        ("/opt/large", BAD),
        ("/etc/passwd", BAD),
    ],
)
async def test_what_is_the_image_s_own_or_cannot_be_compared_is_no_mismatch(
    fleet: Fleet, sensor: SensorOf, path: str, sha256: str
) -> None:
    _, container_id = await running_image(fleet)
    await execute(fleet, sensor, container_id, path, sha256)
    assert await sensor.detections() == []


async def test_a_mapped_file_has_no_hash_to_compare(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await running_image(fleet)
    await execute(fleet, sensor, container_id, "/usr/bin/dash", BAD, grade=Grade.MAPPED)
    assert await sensor.detections() == []


async def test_the_image_may_be_read_after_the_program_ran(fleet: Fleet, sensor: SensorOf) -> None:
    image_id, container_id = await running_image(fleet, index=None)
    await execute(fleet, sensor, container_id, "/usr/bin/dash", BAD)
    assert await sensor.detections() == []
    await fleet.rows("UPDATE image SET executable_index = :index", index=INDEX.to_bytes())
    scanned = Event(1, uuid4(), EventType.IMAGE_SCANNED, "", {"image_id": image_id}, STARTED)
    async with fleet.engine.begin() as connection:
        await resolve_scanned_image(connection, scanned)
    await follow(fleet)
    assert [row.rule for row in await sensor.detections()] == [BINARY_INTEGRITY]


async def test_the_hash_may_come_after_the_program_ran(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await running_image(fleet)
    await execute(fleet, sensor, container_id, "/usr/bin/dash", "")
    await execute(fleet, sensor, container_id, "/usr/bin/dash", BAD)
    assert [row.rule for row in await sensor.detections()] == [BINARY_INTEGRITY]


@pytest.mark.req("R8")
async def test_a_policy_about_mismatches_names_the_programs_that_differ(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await running_image(fleet)
    await execute(fleet, sensor, container_id, "/bin/sh", BAD)
    await execute(fleet, sensor, container_id, "/usr/bin/dash", GOOD)
    cluster_id = sensor.principal.cluster_id
    async with fleet.engine.begin() as connection:
        assert await list_denied(connection, cluster_id, [container_id]) == (
            wire.DeniedProgram(container_id=container_id, path="/bin/sh", sha256=BAD),
        )
        assert await list_denied(connection, cluster_id, ["another"]) == ()
    await fleet.rows("UPDATE detection SET status = 'resolved'")
    async with fleet.engine.begin() as connection:
        assert await list_denied(connection, cluster_id, [container_id]) == ()
