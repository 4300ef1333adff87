"""Observations are joined with the files of the image that the container runs, whichever comes first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from tests.server.runtime.conftest import SensorOf, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED

from deadlight.model.event import EventType
from deadlight.model.observation import Grade
from deadlight.server.errors import BadRequestError, ForbiddenError
from deadlight.server.events.outbox import Event
from deadlight.server.runtime.handlers import resolve_scanned_image
from deadlight.server.runtime.joining import PENDING, join_pending
from deadlight.server.runtime.rows import MAX_PATH_BYTES

BASH = installed(package("bash"), "/usr/bin/bash", "/usr/share/bash/help")
LIBC = installed(package("libc6"), "/usr/lib/libc.so.6")
SED = installed(package("sed"), "/usr/bin/sed")


async def run_image(fleet: Fleet, **more: Any) -> tuple[int, str]:
    """A container of an image with a shell: the image's id and the container's."""
    image = await fleet.add_image(BASH, LIBC, SED)
    running = await fleet.deploy(image.image_tag_id, **more)
    await fleet.forget_events()
    return image.image_id, running.container_ids[0]


# --- a sensor in an attacker's hands ---------------------------------------------------------------------


async def test_a_sensor_proves_nothing_of_a_container_of_another_node(fleet: Fleet, sensor: SensorOf) -> None:
    _, other = await run_image(fleet, node="node-2")
    await fleet.add_node("node-1")
    with pytest.raises(BadRequestError, match=r"observations\[1\].container_id .* runs on another node"):
        await sensor.send(seen("own", "/bin/true"), seen(other, "/usr/bin/bash"))
    assert await sensor.observations() == []


async def test_nor_does_it_of_one_of_another_cluster(fleet: Fleet, sensor: SensorOf) -> None:
    _, other = await run_image(fleet, cluster="other")
    await sensor.send(seen(other, "/usr/bin/bash"), node="node-7")
    assert [(row.cluster_id, row.node_name) for row in await sensor.observations()] == [
        (sensor.principal.cluster_id, "node-1")
    ]
    assert await sensor.uses() == {}


async def test_a_time_that_cannot_be_right_is_that_of_its_receipt(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    begun = datetime.now(UTC)
    await sensor.send(
        seen(container_id, "/usr/bin/bash", last_at=datetime(9999, 1, 1, tzinfo=UTC)),
        seen(container_id, "/usr/bin/sed", first_at=datetime(1970, 1, 1, tzinfo=UTC)),
    )
    bash, sed = await sensor.observations()
    assert begun <= bash.last_at <= begun + timedelta(minutes=1)
    assert begun <= sed.first_at <= begun + timedelta(minutes=1)


# --- proof of use ----------------------------------------------------------------------------------------


@pytest.mark.req("R17", "R18", "R20", "R31", "D21")
async def test_what_a_process_executes_proves_its_package_in_use(fleet: Fleet, sensor: SensorOf) -> None:
    image_id, container_id = await run_image(fleet)
    ack = await sensor.send(
        seen(container_id, "/usr/bin/bash", process="bash", arguments=("bash", "-c", "true")),
        seen(container_id, "/usr/lib/libc.so.6", Grade.MAPPED, process="bash"),
        seen(container_id, "/etc/passwd", Grade.OPENED),
        batch_id="first",
    )
    assert ack.batch_id == "first"
    uses = await sensor.uses()
    assert {name: (use.grade, use.path, use.process, use.container_id) for name, use in uses.items()} == {
        "bash": ("executed", "/usr/bin/bash", "bash", container_id),
        "libc6": ("mapped", "/usr/lib/libc.so.6", "bash", container_id),
    }
    opened, executed, mapped = await sensor.observations()
    assert (opened.path, executed.path, mapped.path) == ("/etc/passwd", "/usr/bin/bash", "/usr/lib/libc.so.6")
    assert (executed.arguments, executed.node_name, executed.pid) == (["bash", "-c", "true"], "node-1", 7)
    assert {row.image_id for row in (opened, executed, mapped)} == {image_id}
    ((kind, data),) = await fleet.events()
    assert (kind, data["image_id"]) == ("PackagesUsed", image_id)
    assert sorted(data["package_ids"]) == sorted(use.package_id for use in uses.values())


async def test_a_program_that_runs_proves_all_that_is_linked_into_it_in_use(fleet: Fleet, sensor: SensorOf) -> None:
    linked = [replace(installed(package(name), "/app/shop"), location="app/shop") for name in ("stdlib", "module")]
    image = await fleet.add_image(*linked, BASH)
    running = await fleet.deploy(image.image_tag_id)
    await sensor.send(seen(running.container_ids[0], "/app/shop"))
    assert {name: (use.path, use.grade) for name, use in (await sensor.uses()).items()} == {
        "stdlib": ("/app/shop", "mapped"),
        "module": ("/app/shop", "mapped"),
    }


async def test_the_strongest_evidence_is_kept_and_only_news_is_told(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    await sensor.send(seen(container_id, "/usr/share/bash/help", Grade.OPENED))
    await fleet.forget_events()
    await sensor.send(seen(container_id, "/usr/bin/bash", after=5))
    await sensor.send(seen(container_id, "/usr/share/bash/help", Grade.MAPPED, after=9))
    use = (await sensor.uses())["bash"]
    assert (use.grade, use.path) == ("executed", "/usr/bin/bash")
    assert (use.first_at, use.last_at) == (STARTED, STARTED + timedelta(minutes=9))
    ((kind, _),) = await fleet.events()
    assert kind == "ProgramsUsedPackages"  # who uses it was not known


async def test_of_one_batch_the_strongest_evidence_is_kept_whatever_its_order(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    executed = seen(container_id, "/usr/bin/bash")
    opened = seen(container_id, "/usr/share/bash/help", Grade.OPENED)
    await sensor.send(opened, executed, opened)
    assert (await sensor.uses())["bash"].grade == "executed"


async def test_a_file_that_was_changed_in_the_container_proves_nothing(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    await sensor.send(seen(container_id, "/usr/bin/bash", changed=True))
    assert await sensor.uses() == {}
    assert [row.changed for row in await sensor.observations()] == [True]


async def test_reading_what_a_package_is_called_proves_nothing(fleet: Fleet, sensor: SensorOf) -> None:
    files = ("/site/attrs-1.dist-info/entry_points.txt", "/site/attr/__init__.py")
    image = await fleet.add_image(installed(package("attrs", ecosystem="PyPI"), *files))
    container_id = (await fleet.deploy(image.image_tag_id)).container_ids[0]
    await sensor.send(seen(container_id, files[0], Grade.OPENED))
    assert await sensor.uses() == {}
    await sensor.send(seen(container_id, files[1], Grade.OPENED))
    assert set(await sensor.uses()) == {"attrs"}


async def test_a_python_package_that_the_distribution_ships_proves_its_owner(fleet: Fleet, sensor: SensorOf) -> None:
    owner, module = package("python3-yaml"), package("pyyaml", ecosystem="PyPI")
    path = "/usr/lib/python3/dist-packages/yaml/__init__.py"
    image = await fleet.add_image(installed(owner, path), installed(module, path, owner_purl=owner.purl))
    running = await fleet.deploy(image.image_tag_id)
    await sensor.send(seen(running.container_ids[0], path, Grade.OPENED))
    assert list(await sensor.uses()) == ["python3-yaml"]


# --- what reads everything -------------------------------------------------------------------------------


@pytest.mark.req("R18")
async def test_a_tool_that_reads_everything_proves_nothing_until_a_program_does(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    read = seen(container_id, "/usr/share/bash/help", Grade.OPENED, process="dpkg", pid=3, tool=True)
    await sensor.send(read)
    assert (await sensor.uses(), await fleet.events()) == ({}, [])
    (shown,) = await fleet.rows("SELECT tool_read.*, name FROM tool_read JOIN package ON package.id = package_id")
    assert (shown.name, shown.path, shown.process) == ("bash", "/usr/share/bash/help", "dpkg")
    await sensor.send(read)
    assert await sensor.uses() == {}
    await sensor.send(
        seen(container_id, "/usr/share/bash/help", Grade.OPENED, process="web", pid=9, user=33, program="/usr/bin/web")
    )
    assert (await sensor.uses())["bash"].process == "web"
    (row,) = await sensor.observations()
    assert (row.tool, row.process, row.pid, row.user_id, row.program) == (False, "web", 9, 33, "/usr/bin/web")
    await sensor.send(read)
    (row,) = await sensor.observations()
    assert (row.tool, row.process, row.times) == (False, "web", 4)


async def test_of_one_batch_the_program_is_the_evidence_and_not_the_tool(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    read = seen(container_id, "/usr/share/bash/help", Grade.OPENED, process="tar", tool=True)
    used = seen(container_id, "/usr/share/bash/help", Grade.OPENED, process="web")
    await sensor.send(read, used, read)
    assert (await sensor.uses())["bash"].process == "web"


@pytest.mark.req("R18")
async def test_an_archive_proves_its_packages_once_an_entry_of_it_was_read(fleet: Fleet, sensor: SensorOf) -> None:
    jar = "/app/lib/text.jar"
    image = await fleet.add_image(installed(package("commons-text", ecosystem="Maven"), jar))
    container_id = (await fleet.deploy(image.image_tag_id)).container_ids[0]
    await sensor.send(seen(container_id, jar, Grade.OPENED, process="java"))
    assert await sensor.uses() == {}
    (shown,) = await fleet.rows("SELECT path, process FROM tool_read")
    assert (shown.path, shown.process) == (jar, "java")
    await sensor.send(seen(container_id, f"{jar}!/org/Text.class", Grade.OPENED, process="java"))
    use = (await sensor.uses())["commons-text"]
    assert (use.grade, use.path, use.process) == ("opened", f"{jar}!/org/Text.class", "java")


# --- counting --------------------------------------------------------------------------------------------


@pytest.mark.req("R31")
async def test_a_batch_that_comes_twice_counts_once(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    for _ in range(2):
        ack = await sensor.send(seen(container_id, "/usr/bin/bash", count=3), batch_id="same")
        assert ack.batch_id == "same"
    (row,) = await sensor.observations()
    assert row.times == 3
    assert len(await fleet.events()) == 1


async def test_what_is_seen_again_is_added_up(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    await sensor.send(seen(container_id, "/usr/bin/bash", count=3, after=5))
    await sensor.send(
        seen(container_id, "/usr/bin/bash", count=4, after=1), seen(container_id, "/usr/bin/bash", count=5, after=9)
    )
    (row,) = await sensor.observations()
    assert (row.times, row.first_at, row.last_at) == (
        12,
        STARTED + timedelta(minutes=1),
        STARTED + timedelta(minutes=9),
    )


async def test_an_empty_batch_is_acknowledged(sensor: SensorOf) -> None:
    assert (await sensor.send(batch_id="empty")).batch_id == "empty"
    assert await sensor.observations() == []


# --- what waits ------------------------------------------------------------------------------------------


async def test_what_is_seen_before_its_container_is_known_waits_for_it(fleet: Fleet, sensor: SensorOf) -> None:
    await sensor.send(seen("container-of-later", "/usr/bin/bash"))
    async with fleet.engine.begin() as connection:
        assert await join_pending(connection, PENDING) == 0
    assert await sensor.uses() == {}
    _, container_id = await run_image(fleet)
    await fleet.rows("UPDATE container SET container_id = 'container-of-later'")
    async with fleet.engine.begin() as connection:
        assert await join_pending(connection, PENDING) == 1
        assert await join_pending(connection, PENDING) == 0
    use = (await sensor.uses())["bash"]
    assert (use.path, use.container_id, use.first_at) == ("/usr/bin/bash", "container-of-later", STARTED)
    assert [kind for kind, _ in await fleet.events()] == ["PackagesUsed"]
    assert container_id != "container-of-later"


async def test_what_is_seen_before_its_image_is_scanned_waits_for_the_scan(fleet: Fleet, sensor: SensorOf) -> None:
    image_id, container_id = await run_image(fleet)
    (scanned,) = await fleet.rows("SELECT file_index FROM image")
    await fleet.rows("UPDATE image SET file_index = NULL")
    await sensor.send(seen(container_id, "/usr/bin/bash"), seen(container_id, "/usr/bin/sed"))
    assert await sensor.uses() == {}
    await fleet.rows("UPDATE image SET file_index = :index", index=scanned.file_index)
    await scan_ended(fleet, image_id)
    assert sorted(await sensor.uses()) == ["bash", "sed"]


async def test_a_new_scan_joins_again_what_was_seen_before(fleet: Fleet, sensor: SensorOf) -> None:
    image_id, container_id = await run_image(fleet)
    await sensor.send(seen(container_id, "/usr/bin/bash"))
    await fleet.rows("DELETE FROM package_use")
    await scan_ended(fleet, image_id)
    assert list(await sensor.uses()) == ["bash"]


async def scan_ended(fleet: Fleet, image_id: int) -> None:
    event = Event(1, uuid4(), EventType.IMAGE_SCANNED, "", {"image_id": image_id}, STARTED)
    async with fleet.engine.begin() as connection:
        await resolve_scanned_image(connection, event)


async def test_a_sensor_speaks_for_its_own_cluster_only(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet, cluster="another")
    await sensor.send(seen(container_id, "/usr/bin/bash"))
    assert await sensor.uses() == {}


async def test_a_revoked_sensor_is_not_heard(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    await fleet.rows("UPDATE agent SET revoked_at = now()")
    with pytest.raises(ForbiddenError, match="revoked"):
        await sensor.send(seen(container_id, "/usr/bin/bash"))
    assert await sensor.observations() == []


# --- odd values ------------------------------------------------------------------------------------------


async def test_a_path_of_any_length_can_be_stored_and_told_from_others(fleet: Fleet, sensor: SensorOf) -> None:
    letters = Random(1)
    long = "/" + "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(4000))
    await sensor.send(*(seen("c", path) for path in (long, long + "a", long + "b")))
    stored = {row.path for row in await sensor.observations()}
    assert len(stored) == 3
    assert all(len(path.encode()) < MAX_PATH_BYTES + 50 for path in stored)


async def test_zero_bytes_of_a_process_s_arguments_keep_nothing_out(fleet: Fleet, sensor: SensorOf) -> None:
    _, container_id = await run_image(fleet)
    await sensor.send(seen(container_id, "/usr/bin/bash\0", arguments=("a\0b",), process="b\0ash"))
    assert list(await sensor.uses()) == ["bash"]
    (row,) = await sensor.observations()
    assert (row.arguments, row.process) == (["ab"], "bash")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"pid": 2**31}, "pid"),
        ({"pid": -1}, "pid"),
        ({"parent_pid": 2**31}, "parent_pid"),
        ({"user": 2**32}, "user"),
        ({"user": -1}, "user"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": "G" * 64}, "sha256"),
        ({"count": 2**63}, "count"),
        ({"count": -5}, "count"),
        ({"first_at": datetime(2026, 11, 1, 12, 0)}, "first_at"),  # noqa: DTZ001 - that is what is wrong
        ({"last_at": datetime(2026, 11, 1, 12, 0)}, "last_at"),  # noqa: DTZ001
        ({"container_id": "漢" * 512}, "container_id"),
    ],
)
async def test_what_no_sensor_says_is_refused_with_the_field_and_nothing_is_stored(
    fleet: Fleet, sensor: SensorOf, wrong: dict[str, Any], field: str
) -> None:
    _, container_id = await run_image(fleet)
    bad = seen(**{"container_id": container_id, "path": "/usr/bin/sed"} | wrong)
    with pytest.raises(BadRequestError, match=rf"observations\[1\]\.{field}"):
        await sensor.send(seen(container_id, "/usr/bin/bash"), bad, batch_id="again")
    assert await sensor.observations() == []
    await sensor.send(seen(container_id, "/usr/bin/bash"), batch_id="again")
    assert list(await sensor.uses()) == ["bash"]
