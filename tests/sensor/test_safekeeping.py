"""What the service does not know yet outlives the sensor, a damaged file and a full disk."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deadlight.model.observation import Grade
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import ContainerCoverage, DetectedProcess, Detection, Observation, observation_digest
from deadlight.sensor import database, tally
from deadlight.sensor.journal import Bounds
from deadlight.sensor.safekeeping import DISK_RETRY_SECONDS, FILE, Room, Safekeeping

AT = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = Room(Bounds(4, 1 << 20, 8, 1 << 20), 2, 1 << 20)


def seen(path: str, container_id: str = "c1") -> Observation:
    return Observation(container_id=container_id, grade=Grade.MAPPED, path=path, first_at=AT, last_at=AT)


def detection(name: str) -> Detection:
    return Detection(
        id=name,
        rule="shell",
        title="A shell",
        severity=Severity.HIGH,
        at=AT,
        container_id="c1",
        process=DetectedProcess(name="sh"),
    )


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = AT.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keep(tmp_path, clock) -> Iterator[Callable[..., Safekeeping]]:
    """Opens what is kept in the test's directory; it is closed after the test."""
    opened: list[Safekeeping] = []

    def open_(state: Path | None = tmp_path, **rooms: Room) -> Safekeeping:
        opened.append(Safekeeping(state, clock=clock, **rooms))
        return opened[-1]

    yield open_
    for kept in opened:
        kept.close()


def waiting(kept: Safekeeping) -> tuple[list[str], list[str]]:
    rows = kept.first_observations(10_000, 1 << 24).observations
    return [row.observation.path for row in rows], [
        found.id for found in kept.first_detections(100, 1 << 24).detections
    ]


@contextmanager
def full_disk(most: int = 0) -> Iterator[None]:
    """No file of this process can grow beyond `most` bytes meanwhile: what a write to a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_sensor_that_is_started_again_goes_on(keep):
    first = keep()
    first.record([seen("/a"), seen("/b")])
    first.spool([detection("d1")])
    first.settle(first.first_observations(1, 1 << 20), taken=True)
    first.close()

    assert waiting(keep()) == (["/b"], ["d1"])


def test_only_the_owner_may_read_what_is_kept(keep, tmp_path):
    kept = keep(tmp_path / "state")
    kept.record([seen("/a")])

    files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert files == dict.fromkeys((FILE, f"{FILE}-wal", f"{FILE}-shm", tally.FILE), 0o600)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_no_link_leads_out_of_the_directory(keep, tmp_path):
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    kept = keep()

    assert not kept.is_on_disk
    assert not (tmp_path / "elsewhere").exists()


# --- damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no database" * 1_000, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_file_that_is_no_database_is_set_aside_and_begun_anew(keep, tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    kept = keep()
    kept.record([seen("/a")])

    assert waiting(kept) == (["/a"], [])
    assert kept.is_on_disk
    assert "was set aside and begun anew" in kept.problems[0]
    assert (tmp_path / f"{FILE}.damaged").read_bytes() == content


def test_a_file_of_another_version_is_set_aside(keep, tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")

    assert "version 99" in keep().problems[0]


def test_a_file_with_other_tables_is_set_aside(keep, tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("CREATE TABLE container (name TEXT)")
    kept = keep()
    kept.record([seen("/a")])

    assert waiting(kept) == (["/a"], [])
    assert (tmp_path / f"{FILE}.damaged").exists()


@pytest.mark.parametrize("statement", ["UPDATE observation SET body = x'c1'", "DROP TABLE observation"])
def test_a_file_that_is_damaged_while_it_is_used_is_begun_anew_and_containers_are_looked_at_again(
    keep, tmp_path, statement
):
    kept = keep()
    for _ in range(2):  # what was seen once more is not told from memory
        kept.record([seen("/a")])
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(statement)
        connection.commit()

    assert waiting(kept) == ([], [])
    assert "begun anew" in kept.problems[0]
    kept.tend(["c1", "c2"])
    assert kept.take_again() == ("c1", "c2")
    assert kept.take_again() == ()
    kept.record([seen("/b")])
    assert waiting(kept) == (["/b"], [])


def test_what_was_just_recorded_is_told_although_its_file_is_damaged(keep, tmp_path):
    kept = keep()
    kept.record([seen("/a")])
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("DROP TABLE observation")
        connection.commit()
    lot = kept.first_observations(10, 1 << 20)
    kept.settle(lot, taken=True)

    assert [row.observation.path for row in lot.observations] == ["/a"]
    assert "begun anew" in kept.problems[0]
    assert waiting(kept) == ([], [])


def test_the_end_of_a_log_that_was_not_written_completely_is_left_out(keep, tmp_path, clock):
    kept = keep()
    kept.record([seen("/a")])
    copy = tmp_path / "after-power-loss"
    copy.mkdir()
    (copy / FILE).write_bytes((tmp_path / FILE).read_bytes())
    before = (tmp_path / f"{FILE}-wal").read_bytes()
    kept.record([seen("/b")])
    torn = (tmp_path / f"{FILE}-wal").read_bytes()
    (copy / f"{FILE}-wal").write_bytes(torn[: len(before) + 1_000])
    again = keep(copy)

    assert waiting(again) == (["/a"], [])
    assert again.problems == ()


# --- disks that cannot be written ------------------------------------------------------------------------


def test_without_a_directory_it_is_kept_in_memory(keep):
    kept = keep(None)
    kept.record([seen("/a")])

    assert waiting(kept) == (["/a"], [])
    assert kept.problems == ()


def test_a_directory_that_cannot_be_made_is_told_and_memory_takes_its_place(keep, tmp_path):
    (tmp_path / "file").touch()
    kept = keep(tmp_path / "file" / "state", in_memory=SMALL)
    kept.record([seen(f"/{number}") for number in range(6)])
    kept.spool([detection(f"d{number}") for number in range(3)])

    assert waiting(kept) == ([f"/{number}" for number in range(4)], ["d0", "d1"])
    assert "cannot be written" in kept.problems[0]
    assert (kept.counters()["journal_lost"], kept.counters()["spool_lost"]) == (2, 1)


def test_a_disk_that_is_full_loses_nothing_and_is_used_again_when_it_is_not(keep, clock, tmp_path):
    kept = keep()
    kept.record([seen("/before")])
    kept.spool([detection("before")])
    with full_disk():
        kept.record([seen("/meanwhile")])
        kept.spool([detection("meanwhile")])
        kept.tend([])

        assert not kept.is_on_disk
        assert waiting(kept) == (["/before", "/meanwhile"], ["before", "meanwhile"])
        assert "cannot be written" in kept.problems[0]
        clock.now += DISK_RETRY_SECONDS
        kept.tend([])
        assert not kept.is_on_disk
    clock.now += DISK_RETRY_SECONDS
    kept.tend([])

    assert kept.is_on_disk
    assert kept.problems == ()
    assert kept.take_again() == ("c1",)
    kept.close()
    assert waiting(keep()) == (["/before", "/meanwhile"], ["before", "meanwhile"])


def test_what_is_acknowledged_while_the_disk_is_full_is_told_once_more_rather_than_lost(keep, clock):
    kept = keep()
    kept.record([seen("/a")])
    lot = kept.first_observations(10, 1 << 20)
    with full_disk():
        kept.settle(lot, taken=True)
        assert waiting(kept) == (["/a"], [])
        kept.settle(kept.first_observations(10, 1 << 20), taken=True)
        assert waiting(kept) == ([], [])


def test_what_a_sensor_that_ended_had_in_memory_alone_is_counted_by_the_next(keep, clock):
    kept = keep()
    kept.record([seen("/before")])
    with full_disk(64):
        kept.record([seen("/a"), seen("/b")])
        kept.spool([detection("d1")])
        kept.close()
    again = keep()

    assert waiting(again) == (["/before"], [])
    assert (again.counters()["spool_lost"], again.counters()["journal_lost"]) == (1, 3)
    assert "up to 1 detections and 3 observations are lost with it" in again.problems[0]
    again.close()
    assert keep().problems == ()


def test_what_came_back_to_the_disk_is_not_counted_as_lost(keep, clock):
    kept = keep()
    with full_disk(64):
        kept.spool([detection("d1")])
    clock.now += DISK_RETRY_SECONDS
    kept.tend([])
    kept.close()

    assert keep().counters()["spool_lost"] == 0


@pytest.mark.parametrize("step", [-86_400, 86_400])
def test_a_disk_is_tried_again_though_the_clock_was_set(keep, clock, step):
    kept = keep()
    with full_disk():
        kept.spool([detection("d1")])
    clock.now += step
    kept.tend([])

    assert kept.is_on_disk
    assert waiting(kept) == ([], ["d1"])


def test_a_container_is_told_again_though_the_clock_was_set(keep, clock):
    kept = keep()
    kept.record([seen("/a")])
    for step in (0, -86_400):
        kept.settle(kept.first_observations(10, 1 << 20), taken=True)
        clock.now += step
        kept.tell_again(["c1"])
        assert waiting(kept) == (["/a"], [])


def test_memory_is_bounded_where_a_full_disk_has_much(keep):
    kept = keep(in_memory=SMALL)
    kept.record([seen(f"/{number}", f"c{number}") for number in range(100)])
    with full_disk():
        kept.record([seen("/new")])

    assert kept.counters()["journal_observations"] <= 8
    assert "/new" in waiting(kept)[0]


# --- for the service -------------------------------------------------------------------------------------


def test_coverage_is_completed_with_digests_and_losses(keep):
    kept = keep(on_disk=Room(Bounds(2, 1 << 20, 100, 1 << 20), 10, 1 << 20))
    kept.record([seen("/a"), seen("/a", "c2"), seen("/b", "c2"), seen("/c", "c2")])
    kept.settle(kept.first_observations(1, 1 << 20), taken=True)
    covered = [ContainerCoverage(container_id=name, since=AT, from_start=True, lost=5) for name in ("c1", "c2", "c3")]

    assert [(item.digest, item.lost) for item in kept.complete(covered)] == [
        (observation_digest([(Grade.MAPPED, "/a")]), 5),
        ("", 6),
        ("", 5),
    ]


def test_containers_that_the_service_asks_for_are_told_and_looked_at_again(keep):
    kept = keep()
    kept.record([seen("/a"), seen("/b", "c2")])
    kept.settle(kept.first_observations(10, 1 << 20), taken=True)
    kept.tell_again(["c1", "unknown"])

    assert waiting(kept) == (["/a"], [])
    assert kept.take_again() == ("c1", "unknown")


def test_a_long_log_is_folded_into_the_file(keep, tmp_path):
    kept = keep()
    for number in range(40):
        kept.record([seen(f"/{number}/{name}" + "x" * 200) for name in range(100)])
    assert database.log_bytes(tmp_path / FILE) >= database.FOLD_BYTES
    before = (tmp_path / FILE).stat().st_size
    kept.tend([])

    assert (tmp_path / FILE).stat().st_size > before + database.FOLD_BYTES // 2
