"""What containers executed, told of their workloads, and who uses which package."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row
from tests.server.runtime.conftest import SensorOf, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, LOW, import_records, osv

from deadlight.model.observation import Grade
from deadlight.server.findings.service import assess_image, refresh_program_risks
from deadlight.server.runtime.processes import Execution, find_program, place_waiting

BASH = installed(package("bash"), "/usr/bin/bash")
LIBC = installed(package("libc6"), "/usr/lib/libc.so.6")


async def processes(fleet: Fleet) -> list[Row[Any]]:
    """What is told of workloads."""
    return list(
        await fleet.rows(
            """
            SELECT workload.name AS workload, program.name, program.path, program.arguments, process.*
            FROM process JOIN program ON program.id = program_id JOIN workload ON workload.id = workload_id
            ORDER BY workload.name, program.path, program.arguments
            """
        )
    )


async def used_by(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Program, package and grade."""
    rows = await fleet.rows(
        """
        SELECT program.name AS program, package.name AS package, grade
        FROM program_package JOIN program ON program.id = program_id JOIN package ON package.id = package_id
        ORDER BY 1, 2
        """
    )
    return [tuple(row) for row in rows]


@pytest.mark.req("R17", "R30", "R33")
async def test_what_the_containers_of_a_workload_execute_is_one_process_each(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH, LIBC)
    first = await fleet.deploy(image.image_tag_id, image.image_tag_id, name="web")
    other = await fleet.deploy(image.image_tag_id, name="api")
    line: dict[str, Any] = {"process": "bash", "arguments": ("bash", "-c", "true")}
    await sensor.send(
        seen(first.container_ids[0], "/usr/bin/bash", **line),
        seen(first.container_ids[1], "/usr/bin/bash", after=5, **line),
        seen(first.container_ids[0], "/tmp/x", process="x", changed=True),
        seen(first.container_ids[0], "/etc/passwd", Grade.OPENED, process="bash"),
    )
    await sensor.send(seen(other.container_ids[0], "/usr/bin/bash", **line))
    found = await processes(fleet)
    assert [(row.workload, row.name, row.path, row.arguments, row.changed) for row in found] == [
        ("api", "bash", "/usr/bin/bash", ["bash", "-c", "true"], False),
        ("web", "x", "/tmp/x", [], True),
        ("web", "bash", "/usr/bin/bash", ["bash", "-c", "true"], False),
    ]
    assert (found[2].first_at, found[2].last_at) == (STARTED, STARTED + timedelta(minutes=5))
    assert found[0].program_id == found[2].program_id


async def test_what_was_executed_before_its_container_was_known_is_told_later(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH)
    running = await fleet.deploy(image.image_tag_id)
    await fleet.rows("UPDATE container SET container_id = 'not yet'")
    await sensor.send(seen(running.container_ids[0], "/usr/bin/bash"))
    assert await processes(fleet) == []
    await fleet.rows("UPDATE container SET container_id = :id", id=running.container_ids[0])
    for _ in range(2):
        async with fleet.engine.begin() as connection:
            await place_waiting(connection)
    assert [row.path for row in await processes(fleet)] == ["/usr/bin/bash"]


HASH, OTHER_HASH = "a" * 64, "b" * 64


@pytest.mark.req("R17", "R30")
async def test_a_program_is_its_name_arguments_path_and_hash(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH)
    running = await fleet.deploy(image.image_tag_id)
    for sha256, arguments in ((HASH, ("bash",)), (OTHER_HASH, ("bash",)), (HASH, ("bash", "-l"))):
        shell = seen(running.container_ids[0], "/usr/bin/bash", process="bash", arguments=arguments, sha256=sha256)
        await sensor.send(shell, shell)
    found = await fleet.rows("SELECT sha256, arguments FROM process JOIN program ON program.id = program_id")
    assert sorted((row.sha256[0], row.arguments) for row in found) == [
        ("a", ["bash"]),
        ("a", ["bash", "-l"]),
        ("b", ["bash"]),
    ]


@pytest.mark.req("R17")
async def test_programs_of_one_file_in_one_batch_are_told_apart(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH)
    running = await fleet.deploy(image.image_tag_id)
    lines = (("bash", "a"), ("bash", "b"))
    await sensor.send(*(seen(running.container_ids[0], "/usr/bin/bash", arguments=line) for line in lines))
    assert [row.arguments for row in await processes(fleet)] == [["bash", "a"], ["bash", "b"]]


@pytest.mark.parametrize("hash_comes_last", [True, False])
async def test_a_hash_that_was_learned_apart_from_the_rest_makes_no_second_process(
    fleet: Fleet, sensor: SensorOf, hash_comes_last: bool
) -> None:
    image = await fleet.add_image(BASH, LIBC)
    first = await fleet.deploy(image.image_tag_id, image.image_tag_id, name="web")
    plain, hashed = (
        (seen(container, "/usr/bin/bash", process="bash", pid=4, after=after, sha256=sha256),
         seen(container, "/usr/lib/libc.so.6", Grade.MAPPED, process="bash", pid=4))
        for container, after, sha256 in zip(first.container_ids, (1, 5), ("", HASH), strict=True)
    )  # fmt: skip
    for message in (plain, hashed) if hash_comes_last else (hashed, plain):
        await sensor.send(*message)
    found = {row.superseded: row for row in await processes(fleet)}
    (program,) = await fleet.rows("SELECT * FROM program WHERE sha256 <> ''")
    assert found[False].program_id == program.id
    assert found[True].program_id == program.plain_id
    assert found[False].first_at == STARTED + timedelta(minutes=1)
    rows = await fleet.rows("SELECT name FROM program_package JOIN package ON package.id = package_id "
                            "WHERE program_id = :id ORDER BY name", id=program.id)  # fmt: skip
    assert [row.name for row in rows] == ["bash", "libc6"]


async def test_a_hash_that_comes_later_in_the_same_container_takes_the_program_over(
    fleet: Fleet, sensor: SensorOf
) -> None:
    image = await fleet.add_image(BASH)
    running = await fleet.deploy(image.image_tag_id)
    await sensor.send(seen(running.container_ids[0], "/usr/bin/bash"))
    await sensor.send(seen(running.container_ids[0], "/usr/bin/bash", sha256=HASH))
    (executed,) = await fleet.rows("SELECT program_id FROM execution")
    (program,) = await fleet.rows("SELECT id FROM program WHERE sha256 <> ''")
    assert executed.program_id == program.id


@pytest.mark.req("R17")
async def test_a_process_has_stopped_once_no_container_of_its_workload_runs_it(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH)
    first, second = (await fleet.deploy(image.image_tag_id, image.image_tag_id)).container_ids

    async def is_running(*told: tuple[str, bool | None]) -> bool | None:
        await sensor.send(
            *(
                seen(container, "/usr/bin/bash", running=running, count=int(running is not False))
                for container, running in told
            )
        )
        ((running,),) = await fleet.rows("SELECT running FROM process")
        return running  # type: ignore[no-any-return]

    assert await is_running((first, None)) is None
    assert await is_running((first, True), (second, True)) is True
    assert await is_running((first, False)) is True  # the other goes on
    assert await is_running((second, None)) is True
    assert await is_running((second, False)) is False
    assert await is_running((first, True)) is True
    await fleet.rows("UPDATE container SET removed_at = now() WHERE container_id = :id", id=first)
    assert await is_running((second, False)) is False


async def test_seen_again_moves_its_end_and_never_its_beginning(fleet: Fleet, sensor: SensorOf) -> None:
    image = await fleet.add_image(BASH)
    running = await fleet.deploy(image.image_tag_id)
    for after in (3, 9, 6):
        await sensor.send(seen(running.container_ids[0], "/usr/bin/bash", after=after))
    (found,) = await processes(fleet)
    assert (found.first_at, found.last_at) == (STARTED + timedelta(minutes=3), STARTED + timedelta(minutes=9))


@pytest.mark.req("R18", "D21")
async def test_a_package_is_told_of_the_program_that_uses_it_with_its_risks(fleet: Fleet, sensor: SensorOf) -> None:
    await import_records(
        fleet.engine, osv("CVE-2026-0001", "libc6", severity=CRITICAL), osv("CVE-2026-0002", "bash", severity=LOW)
    )
    image = await fleet.add_image(BASH, LIBC)
    running = await fleet.deploy(image.image_tag_id)
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    container_id = running.container_ids[0]
    await sensor.send(
        seen(container_id, "/usr/bin/bash", process="bash", pid=1),
        seen(container_id, "/app/server", process="server", pid=2),
        seen(container_id, "/usr/lib/libc.so.6", Grade.MAPPED, process="worker-1", pid=2),
    )
    assert await used_by(fleet) == [("bash", "bash", "executed"), ("server", "libc6", "mapped")]
    async with fleet.engine.begin() as connection:
        await refresh_program_risks(connection, [image.image_id])
    risks = await fleet.rows("SELECT name, critical, low FROM program_risk JOIN program ON program.id = program_id")
    assert sorted(tuple(row) for row in risks) == [("bash", 0, 1), ("server", 1, 0)]


def test_the_program_of_a_name_comes_before_that_of_a_process_and_the_last_before_others() -> None:
    shell, first, second, helper = (
        Execution(name, pid, UUID(int=number))
        for number, (name, pid) in enumerate([("sh", 1), ("web", 1), ("web", 2), ("helper", 3)])
    )
    executed = [shell, first, second, helper]
    assert find_program("web", 2, executed) == second.program_id
    assert find_program("web", 1, executed) == first.program_id
    assert find_program("web", 9, executed) == second.program_id
    assert find_program("a thread", 1, executed) == first.program_id
    assert find_program("sh", 1, executed) == shell.program_id
    assert find_program("nobody", 9, executed) is None
    assert find_program("web", 1, []) is None
