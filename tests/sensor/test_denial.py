"""A program is denied where the service found it to differ, and nowhere else."""

import pytest

from deadlight.model.wire import DeniedProgram
from deadlight.sensor.denial import MAX_REMEMBERED, Denier
from deadlight.sensor.errors import SensorError
from deadlight.sensor.processes import NO_FILE, FileId

BAD, GOOD = "b" * 64, "a" * 64
FILE, OTHER = FileId(1, 2, 3), FileId(1, 2, 4)
PROGRAM = DeniedProgram(container_id="web", path="/bin/sh", sha256=BAD)


class DeniedMap:
    """The kernel half's map of denied files."""

    def __init__(self, room: int = 10) -> None:
        self.files: set[FileId] = set()
        self._room = room

    def deny(self, file: FileId) -> None:
        if len(self.files) >= self._room:
            raise SensorError("no room")
        self.files.add(file)

    def allow_others(self, keep) -> None:
        self.files &= set(keep)


@pytest.fixture
def denied() -> DeniedMap:
    return DeniedMap()


@pytest.fixture
def denier(denied) -> Denier:
    return Denier(denied.deny, denied.allow_others)


def test_what_ran_before_the_service_said_so_is_denied_from_then_on(denier, denied):
    denier.learn("web", "/bin/sh", BAD, FILE)
    assert not denied.files

    denier.follow([PROGRAM])
    assert denied.files == {FILE}


def test_what_is_executed_after_the_service_said_so_is_denied_too(denier, denied):
    denier.follow([PROGRAM])
    denier.learn("web", "/bin/sh", BAD, OTHER)

    assert denied.files == {OTHER}


@pytest.mark.parametrize(
    ("container_id", "path", "sha256", "file"),
    [
        ("db", "/bin/sh", BAD, FILE),
        ("web", "/bin/bash", BAD, FILE),
        ("web", "/bin/sh", GOOD, FILE),
        ("web", "/bin/sh", "", FILE),
        ("web", "/bin/sh", BAD, NO_FILE),
    ],
)
def test_the_same_content_elsewhere_and_other_content_are_let_be(denier, denied, container_id, path, sha256, file):
    denier.follow([PROGRAM])
    denier.learn(container_id, path, sha256, file)

    assert not denied.files


def test_what_the_policy_does_not_name_any_more_is_allowed(denier, denied):
    denier.learn("web", "/bin/sh", BAD, FILE)
    denier.learn("db", "/bin/sh", BAD, OTHER)
    denier.follow([PROGRAM, DeniedProgram(container_id="db", path="/bin/sh", sha256=BAD)])
    denier.follow([PROGRAM])

    assert denied.files == {FILE}


def test_what_finds_no_room_is_counted():
    full = DeniedMap(room=0)
    denier = Denier(full.deny, full.allow_others)
    denier.follow([PROGRAM])
    denier.learn("web", "/bin/sh", BAD, FILE)

    assert denier.refused == 1


def test_what_is_remembered_is_bounded(denier, denied):
    denier.learn("web", "/bin/sh", BAD, FILE)
    for number in range(MAX_REMEMBERED):
        denier.learn("web", f"/{number}", BAD, OTHER)
    denier.follow([PROGRAM])

    assert not denied.files
