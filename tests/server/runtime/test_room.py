"""What is kept of one container is bounded: the weakest and oldest goes, evidence stays, and what went is counted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from tests.server.runtime.conftest import SensorOf, batch_of, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED
from tests.support.service import eventually

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.sensor.safekeeping import ON_DISK
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.runtime import room
from deadlight.server.runtime.limits import ROOM, Room
from deadlight.server.runtime.room import EVICTED_PART
from deadlight.server.runtime.service import take_observations
from deadlight.server.schedule import forget_old
from deadlight.server.services import Services

BASH = installed(package("bash"), "/usr/bin/bash", "/usr/share/bash/help")
SED = installed(package("sed"), "/usr/bin/sed")


def in_room_for(sensor: SensorOf, observations: int = 1_000, executions: int = 1_000) -> SensorOf:
    """The same sensor, whose service keeps so much of each container."""
    return replace(sensor, room=Room(observations, executions))


async def paths(sensor: SensorOf) -> list[str]:
    """The files of which observations are kept."""
    return [row.path for row in await sensor.observations()]


async def counted(sensor: SensorOf, container_id: str = "c") -> tuple[int, int, int]:
    """What is kept, and what was refused: observations, executions."""
    rows = await sensor.fleet.rows("SELECT * FROM observed_container WHERE container_id = :id", id=container_id)
    return (rows[0].kept, rows[0].refused, rows[0].refused_executions) if rows else (0, 0, 0)


def test_the_service_can_hold_whatever_a_sensor_knows_all_of() -> None:
    """Else the two would never agree on a container, and the sensor be asked to tell everything again."""
    assert ON_DISK.journal.container_rows <= ROOM.observations


# --- observations ----------------------------------------------------------------------------------------


async def test_up_to_the_bound_everything_is_kept_and_known_ones_count_once(sensor: SensorOf) -> None:
    sensor = in_room_for(sensor, 3)
    told = [seen("c", f"/{number}", Grade.OPENED) for number in range(3)]
    await sensor.send(*told[:2], seen("d", "/x"))
    await sensor.send(*told[1:])
    await sensor.send(*told, seen("d", "/x"))
    assert await paths(sensor) == ["/0", "/1", "/2", "/x"]
    assert (await counted(sensor), await counted(sensor, "d")) == ((3, 0, 0), (1, 0, 0))


async def test_what_is_known_goes_on_where_there_is_no_room(sensor: SensorOf) -> None:
    sensor = in_room_for(sensor, 2)
    known = [seen("c", f"/{number}") for number in range(2)]
    await sensor.send(*known)
    await sensor.send(seen("c", "/0", after=9, count=4), seen("c", "/opened", Grade.OPENED, after=9))
    first, second = await sensor.observations()
    assert (first.path, first.times, first.last_at) == ("/0", 5, seen("c", "/0", after=9).last_at)
    assert (second.path, second.times) == ("/1", 1)
    assert await counted(sensor) == (2, 1, 0)


@pytest.mark.parametrize(
    ("known", "new", "gone"),
    [
        ("opened mapped executed", "executed", 0),
        ("mapped opened executed", "executed", 1),
        ("executed mapped executed", "executed", 1),
        ("executed executed executed", "executed", 0),
        ("executed opened opened", "opened", 1),
        ("executed mapped mapped", "mapped", 1),
        ("executed executed executed", "mapped", 3),
        ("mapped executed mapped", "opened", 3),
    ],
)
async def test_the_oldest_of_the_weakest_makes_room_or_the_new_one_itself(
    sensor: SensorOf, known: str, new: str, gone: int
) -> None:
    sensor = in_room_for(sensor, 3)
    told = [seen("c", f"/{n}", Grade(grade), after=n) for n, grade in enumerate([*known.split(), new])]
    await sensor.send(*told[:3])
    await sensor.send(told[3])
    assert await paths(sensor) == [item.path for n, item in enumerate(told) if n != gone]
    assert await counted(sensor) == (3, 1, 0)


async def test_one_container_s_flood_is_no_other_s(sensor: SensorOf) -> None:
    sensor = in_room_for(sensor, 5)
    flood = [seen("flood", f"/{number:02}", after=number) for number in range(15)]
    await sensor.send(seen("c", "/opened", Grade.OPENED), *flood)
    assert await paths(sensor) == [*(f"/{number}" for number in range(10, 15)), "/opened"]
    assert (await counted(sensor), await counted(sensor, "flood")) == ((1, 0, 0), (5, 10, 0))


async def test_of_many_some_more_go_so_that_the_next_ones_find_room_at_once(sensor: SensorOf) -> None:
    sensor, many = in_room_for(sensor, 64), [seen("c", f"/{n:02}", Grade.OPENED, after=n) for n in range(70)]
    await sensor.send(seen("c", "/mapped", Grade.MAPPED), *many[:63])
    await sensor.send(many[63])
    assert await paths(sensor) == [*(f"/{number:02}" for number in range(1 + 64 // EVICTED_PART, 64)), "/mapped"]
    assert await counted(sensor) == (60, 5, 0)
    await sensor.send(*many[64:68])
    assert await counted(sensor) == (64, 5, 0)


async def test_what_was_stored_without_a_bound_goes_little_by_little(
    sensor: SensorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sensor.send(*(seen("c", f"/{number:02}", after=number) for number in range(14)))
    sensor = in_room_for(sensor, 3)
    monkeypatch.setattr(room, "EVICTED_AT_ONCE", 6)
    kept = []
    for number in range(20, 23):
        await sensor.send(seen("c", f"/{number}", after=number))
        kept.append(len(await paths(sensor)))
    assert kept == [9, 4, 3]
    assert await paths(sensor) == ["/20", "/21", "/22"]


async def test_what_is_weaker_costs_nothing_stronger_its_place(sensor: SensorOf) -> None:
    sensor, executed = in_room_for(sensor, 40), [seen("c", f"/{number}") for number in range(40)]
    await sensor.send(*executed)
    await sensor.send(*(seen("c", f"/opened/{number}", Grade.OPENED, after=9) for number in range(20)))
    assert {row.grade for row in await sensor.observations()} == {"executed"}
    assert await counted(sensor) == (40, 20, 0)


# --- evidence --------------------------------------------------------------------------------------------


async def watch_shell(sensor: SensorOf) -> str:
    """A container of an image with a shell."""
    image = await sensor.fleet.add_image(BASH, SED)
    return (await sensor.fleet.deploy(image.image_tag_id)).container_ids[0]


@pytest.mark.req("R18", "D21")
async def test_what_proves_a_use_stays_however_much_else_there_is(fleet: Fleet, sensor: SensorOf) -> None:
    container_id, sensor = await watch_shell(sensor), in_room_for(sensor, 3)
    await sensor.send(seen(container_id, "/usr/share/bash/help", Grade.OPENED))
    for number in range(5):
        await sensor.send(*(seen(container_id, f"/tmp/{number}{n}", after=number + 1) for n in range(4)))
    assert await paths(sensor) == ["/tmp/42", "/tmp/43", "/usr/share/bash/help"]
    await fleet.forget_events()
    await sensor.send(seen(container_id, "/usr/bin/sed", after=9), seen(container_id, "/tmp/x", after=10))
    assert await paths(sensor) == ["/tmp/x", "/usr/bin/sed", "/usr/share/bash/help"]
    assert {name: use.path for name, use in (await sensor.uses()).items()} == {
        "bash": "/usr/share/bash/help",
        "sed": "/usr/bin/sed",
    }
    assert [kind for kind, _ in await fleet.events("PackagesUsed")] == ["PackagesUsed"]


async def test_where_only_evidence_is_kept_everything_else_is_refused_but_what_it_proves_counts(
    sensor: SensorOf,
) -> None:
    container_id, sensor = await watch_shell(sensor), in_room_for(sensor, 1)
    await sensor.send(seen(container_id, "/usr/share/bash/help", Grade.OPENED))
    await sensor.send(seen(container_id, "/tmp/x", after=1))
    assert await paths(sensor) == ["/usr/share/bash/help"]
    assert await counted(sensor, container_id) == (1, 1, 0)
    await sensor.send(seen(container_id, "/usr/bin/bash", after=2))  # better evidence, so that the other may go
    assert await paths(sensor) == ["/usr/bin/bash"]
    assert (await sensor.uses())["bash"].path == "/usr/bin/bash"


# --- any order, and several at once ----------------------------------------------------------------------


@dataclass
class Kept:
    """What should be kept of a container that has room for so many, without evidence."""

    room: int
    rows: dict[tuple[Grade, str], wire.Observation] = field(default_factory=dict)
    refused: int = 0

    def take(self, observations: Sequence[wire.Observation]) -> None:
        for item in observations:
            known = self.rows.get((item.grade, item.path), item)
            self.rows[item.grade, item.path] = replace_last(known, item)
        for grade in (Grade.OPENED, Grade.MAPPED, Grade.EXECUTED):
            excess = len(self.rows) - self.room
            oldest = sorted((key for key in self.rows if key[0] is grade), key=lambda key: self.rows[key].last_at)
            gone = oldest[: excess + len(oldest) // EVICTED_PART] if excess > 0 else []
            self.refused += len(gone)
            for key in gone:
                del self.rows[key]


def replace_last(known: wire.Observation, item: wire.Observation) -> wire.Observation:
    return known if known.last_at > item.last_at else item


@pytest.mark.parametrize("seed", range(4))
async def test_of_any_batches_the_strongest_and_latest_are_kept(sensor: SensorOf, seed: int) -> None:
    chance, most = Random(seed), Random(seed).randint(1, 80)
    sensor, kept = in_room_for(sensor, most), Kept(most)
    moments = chance.sample(range(1_000), 320)
    for _ in range(8):
        told = {
            (grade, path): seen("c", path, grade, after=moments.pop())
            for grade, path in ((chance.choice(list(Grade)), f"/{chance.randrange(60)}") for _ in range(40))
        }
        kept.take(list(told.values()))
        await sensor.send(*told.values())
        stored = {(Grade(row.grade), row.path) for row in await sensor.observations()}
        assert stored == set(kept.rows)
        assert (await counted(sensor))[:2] == (len(stored), kept.refused)


async def test_of_two_sensors_that_tell_at_once_everything_is_counted(fleet: Fleet, sensor: SensorOf) -> None:
    await fleet.add_agent("sensor", "node-1")
    (row,) = await fleet.rows("SELECT id FROM agent WHERE id <> :id", id=sensor.principal.agent_id)
    principal = AgentPrincipal(row.id, sensor.principal.cluster_id, AgentKind.SENSOR, "node-1")
    sensor = in_room_for(sensor, 4)
    other = replace(sensor, principal=principal)

    async def is_waiting() -> bool:
        return bool(await fleet.rows("SELECT FROM pg_locks WHERE NOT granted"))

    async with fleet.engine.begin() as connection:
        first = batch_of(*(seen("c", f"/a{number}", after=number) for number in range(6)))
        await take_observations(connection, sensor.principal, first, sensor.room)
        second = asyncio.create_task(other.send(*(seen("c", f"/b{number}", after=10 + number) for number in range(3))))
        await eventually(is_waiting)
    await second
    assert await paths(sensor) == ["/a5", "/b0", "/b1", "/b2"]
    assert await counted(sensor) == (4, 5, 0)


async def test_what_somebody_is_at_work_on_is_passed_over(fleet: Fleet, sensor: SensorOf) -> None:
    """Whoever has it may be waiting for the count, and neither would ever go on."""
    sensor = in_room_for(sensor, 2)
    await sensor.send(seen("c", "/oldest"), seen("c", "/older", after=1))
    async with fleet.engine.begin() as connection:
        await connection.exec_driver_sql("SELECT FROM observation WHERE path = '/oldest' FOR UPDATE")
        await sensor.send(seen("c", "/new", after=2))
    assert await paths(sensor) == ["/new", "/oldest"]
    assert await counted(sensor) == (2, 1, 0)


# --- executions ------------------------------------------------------------------------------------------


def executed(number: int, *, container_id: str = "c", **more: Any) -> wire.Observation:
    """A program with arguments of its own."""
    return seen(container_id, "/bin/sh", process="sh", arguments=("sh", str(number)), **more)


async def executions(fleet: Fleet) -> list[tuple[list[str], int, str]]:
    """Arguments, count and hash of what containers executed."""
    statement = (
        "SELECT arguments, execution.count AS times, sha256 FROM execution JOIN program ON program.id = program_id"
    )
    return sorted((row.arguments, row.times, row.sha256) for row in await fleet.rows(statement))


async def test_of_a_container_s_programs_the_first_are_kept_and_go_on(fleet: Fleet, sensor: SensorOf) -> None:
    sensor = in_room_for(sensor, executions=3)
    await sensor.send(*(executed(number, after=number) for number in range(2)))
    await sensor.send(*(executed(number, after=number) for number in range(1, 6)), executed(1, container_id="d"))
    await sensor.send(executed(9), executed(0, count=5))
    assert await executions(fleet) == [
        (["sh", "0"], 6, ""),
        (["sh", "1"], 1, ""),
        (["sh", "1"], 2, ""),
        (["sh", "2"], 1, ""),
    ]
    assert [row.arguments for row in await fleet.rows("SELECT arguments FROM program ORDER BY arguments")] == [
        ["sh", "0"],
        ["sh", "1"],
        ["sh", "2"],
    ]
    assert (await counted(sensor), await counted(sensor, "d")) == ((1, 0, 4), (1, 0, 0))


async def test_a_hash_that_is_learned_later_needs_no_further_room(fleet: Fleet, sensor: SensorOf) -> None:
    sensor = in_room_for(sensor, executions=1)
    await sensor.send(executed(0))
    await sensor.send(executed(0, sha256="a" * 64))
    await sensor.send(executed(0, sha256="b" * 64))
    assert await executions(fleet) == [(["sh", "0"], 1, "a" * 64)]
    assert await counted(sensor) == (1, 0, 1)


# --- forgetting ------------------------------------------------------------------------------------------


async def test_what_is_forgotten_makes_room_and_what_is_gone_is_not_counted_any_more(
    fleet: Fleet, sensor: SensorOf, services: Services
) -> None:
    sensor = in_room_for(sensor, 2)
    container_id = await watch_shell(sensor)
    await sensor.send(*(seen(container_id, f"/{number}", after=number) for number in range(3)), seen("gone", "/x"))
    await sensor.send(seen("young", "/x"), seen("young", "/y"))
    retention = services.settings.retention
    await fleet.rows(
        "UPDATE observation SET last_at = now() - CAST(:age AS interval) WHERE container_id <> 'young' OR path = '/x'",
        age=retention * 2,
    )
    await fleet.rows("UPDATE observation SET last_at = now() WHERE container_id = 'young' AND path = '/y'")
    await forget_old(services)
    assert await counted(sensor, container_id) == (2, 1, 0)  # it still runs
    assert await counted(sensor, "young") == (1, 0, 0)
    assert await fleet.rows("SELECT FROM observed_container WHERE container_id = 'gone'") == []
    await fleet.rows("UPDATE container SET removed_at = now()")
    await forget_old(services)
    assert await fleet.rows("SELECT container_id FROM observed_container") == [("young",)]


async def test_with_a_cluster_its_counts_go(fleet: Fleet, sensor: SensorOf) -> None:
    await sensor.send(seen("c", "/x", last_at=STARTED))
    await fleet.rows("DELETE FROM cluster")
    assert await fleet.rows("SELECT FROM observed_container") == []
