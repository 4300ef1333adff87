"""Positions in open files, read from this machine's own /proc."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.patience import PATIENCE_SECONDS

from deadlight.sensor.archives import Answer, Question, Reading
from deadlight.sensor.descriptors import Looker, iter_readings
from deadlight.sensor.processes import NO_FILE, Process
from deadlight.threats.activity import ProcessFacts

PROC = Path("/proc")
OURSELVES = Process("web", ProcessFacts("java", pid=os.getpid()), 1, 0, NO_FILE)


@pytest.fixture
def jar(tmp_path: Path) -> Iterator[int]:
    """An archive of two classes that this process has open; nothing has been read of it."""
    with zipfile.ZipFile(tmp_path / "a.jar", "w") as archive:
        for name in ("A.class", "B.class"):
            archive.writestr(name, name * 20)
    descriptor = os.open(tmp_path / "a.jar", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def read(descriptor: int, begin: int, end: int) -> None:
    os.lseek(descriptor, begin, os.SEEK_SET)
    os.read(descriptor, end - begin)


def readings(path: Path, position: int = 0) -> list[tuple[int, str | None]]:
    found = iter_readings(OURSELVES, {str(path): position}, PROC)
    return [(reading.position, reading.entry) for reading in found]


@pytest.mark.req("R18")
def test_the_class_that_was_read_last_shows_in_the_position_of_the_open_archive(jar, tmp_path):
    path = tmp_path / "a.jar"
    assert readings(path) == []
    read(jar, 0, 4)
    assert readings(path) == [(4, None)]
    read(jar, 30, 100)
    assert readings(path) == [(100, "A.class")]
    read(jar, path.stat().st_size - 50, path.stat().st_size)
    assert readings(path) == [(path.stat().st_size, None)]


def test_an_archive_that_was_not_read_since_is_not_opened(jar, tmp_path):
    read(jar, 30, 100)

    assert readings(tmp_path / "a.jar", position=100) == [(100, None)]


def test_a_read_with_an_offset_of_its_own_does_not_show(jar, tmp_path):
    os.pread(jar, 100, 0)

    assert readings(tmp_path / "a.jar") == []


def test_other_files_and_what_is_no_archive_are_left_out(jar, tmp_path):
    read(jar, 30, 100)
    (tmp_path / "b.jar").write_bytes(b"no archive")
    with (tmp_path / "b.jar").open("rb", buffering=0) as opened:
        opened.read(5)
        found = list(iter_readings(OURSELVES, {str(tmp_path / "b.jar"): 0}, PROC))

    assert found == []


def test_the_looker_answers_also_of_processes_that_have_ended(jar, tmp_path):
    path = str(tmp_path / "a.jar")
    read(jar, 30, 100)
    gone = Process("web", ProcessFacts("java", pid=2**22 + 1), 1, 0, NO_FILE)
    looker = Looker()
    looker.start()
    question = Question("web", 5, {path: 0}, (gone, OURSELVES))
    looker.ask(question)
    looker.close()
    looker.join(PATIENCE_SECONDS)

    assert list(looker.take()) == [Answer(question, [Reading(OURSELVES, path, 100, "A.class")])]
