"""Hashes of executed files, from a directory that looks like /proc."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.patience import PATIENCE_SECONDS

from deadlight.sensor import hashing
from deadlight.sensor.hashing import Hasher
from deadlight.sensor.processes import FileId

CONTENT = b"\x7fELF" + b"x" * 100_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Machine:
    """Processes that execute files, and a hasher that looks at them."""

    def __init__(self, directory: Path) -> None:
        self.proc = directory / "proc"
        self.root = directory / "root"
        self.root.mkdir()
        self.hasher = Hasher(self.proc)

    def write(self, path: str = "/app", content: bytes = CONTENT) -> Path:
        place = self.root / path[1:]
        place.write_bytes(content)
        settled = time.time() - 10
        os.utime(place, (settled, settled))
        return place

    def run(self, pid: int, place: Path) -> None:
        (self.proc / str(pid)).mkdir(parents=True)
        (self.proc / str(pid) / "exe").symlink_to(place)
        (self.proc / str(pid) / "root").symlink_to(self.root)

    def wait(self, file: FileId) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.hasher.find(file)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return found

    def hash(self, file: FileId, *pids: int, path: str = "/app") -> str:
        self.hasher.ask(file, path, lambda: pids)
        return self.wait(file)


def identify(place: Path) -> FileId:
    status = place.stat()
    return FileId(0, status.st_ino, status.st_ctime_ns)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(hashing, "SETTLED_AFTER", 0)
    machine = Machine(tmp_path)
    machine.hasher.start()
    yield machine
    machine.hasher.close()
    machine.hasher.join(30)


def test_the_file_that_a_process_executes_is_hashed(machine):
    machine.run(7, machine.write())

    assert machine.hash(identify(machine.root / "app"), 7) == DIGEST
    assert (machine.hasher.counters["hashed"], machine.hasher.counters["hashed_bytes"]) == (1, len(CONTENT))


def test_a_file_whose_process_has_ended_is_reached_through_another_of_the_container(machine):
    place = machine.write()
    machine.run(8, Path("/bin/other"))

    assert machine.hash(identify(place), 7, 8) == DIGEST


@pytest.mark.req("R20")
def test_a_file_that_is_no_longer_what_was_executed_has_no_hash(machine):
    place = machine.write()
    file = identify(place)
    place.unlink()
    machine.write(content=b"harmless")
    machine.run(7, place)

    assert machine.hash(file, 7) == ""
    assert machine.hasher.counters["hash_changed"] == 1


def test_a_file_that_cannot_be_reached_any_more_has_no_hash(machine):
    assert machine.hash(FileId(0, 1, 2), 7) == ""
    assert machine.hasher.counters["hash_gone"] == 1


def test_what_is_no_regular_file_is_not_opened(machine):
    os.mkfifo(machine.root / "app")
    machine.run(7, machine.root / "app")

    assert machine.hash(identify(machine.root / "app"), 7) == ""


def test_the_same_file_is_read_once_for_all_containers(machine):
    place = machine.write()
    machine.run(7, place)
    machine.run(8, place)
    first = identify(place)

    assert machine.hash(first, 7) == machine.hash(first._replace(device=9), 8) == DIGEST
    assert (machine.hasher.counters["hashed"], machine.hasher.counters["shared"]) == (1, 1)


def test_a_file_that_just_changed_is_read_again_the_next_time(machine, monkeypatch):
    monkeypatch.setattr(hashing, "SETTLED_AFTER", 10**12)
    place = machine.write()
    machine.run(7, place)

    assert machine.hash(identify(place), 7) == machine.hash(identify(place), 7) == DIGEST
    assert machine.hasher.counters["hashed"] == 2


def test_a_file_beyond_the_limit_has_no_hash(machine, monkeypatch):
    monkeypatch.setattr(hashing, "MAX_FILE_BYTES", len(CONTENT) - 1)
    machine.run(7, machine.write())

    assert machine.hash(identify(machine.root / "app"), 7) == ""
    assert machine.hasher.counters["hash_too_large"] == 1


def test_more_than_can_wait_is_counted_and_can_be_asked_for_later(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "MAX_WAITING_FILES", 1)
    hasher = Hasher(tmp_path)
    hasher.ask(FileId(0, 1, 1), "/a", lambda: (1,))
    hasher.ask(FileId(0, 2, 2), "/b", lambda: (1,))

    assert hasher.find(FileId(0, 1, 1)) is None
    assert hasher.find(FileId(0, 2, 2)) == ""
    assert hasher.counters["hash_too_many"] == 1


def test_a_link_inside_the_container_leads_to_no_file_of_the_host(machine, tmp_path):
    """What it leads to is another file than the one that was executed."""
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    place = machine.write()
    file = identify(place)
    place.unlink()
    place.symlink_to(secret)
    machine.run(7, Path("/gone"))

    assert machine.hash(file, 7) == ""


@pytest.fixture
def pace() -> Callable[[int, float], float]:
    return hashing._Pace(100).delay


def test_reading_keeps_its_pace_after_a_second_at_full_speed(pace):
    assert pace(100, 10.0) == 0
    assert pace(50, 10.0) == pytest.approx(0.5)
    assert pace(100, 20.0) == 0
