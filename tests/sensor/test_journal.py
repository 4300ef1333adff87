"""What containers were seen to do is kept once, told once, and bounded."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation, observation_digest
from deadlight.sensor import database
from deadlight.sensor.database import ROW_BYTES
from deadlight.sensor.journal import AGAIN_SECONDS, FORGET_SECONDS, REFRESH_SECONDS, Bounds, Journal
from deadlight.sensor.rows import FRESH_BYTES

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AT.timestamp()
WIDE = Bounds(1_000, 1 << 20, 10_000, 1 << 24)
ALL = 10_000


def seen(
    path: str, container_id: str = "c1", *, grade: Grade = Grade.MAPPED, after: float = 0, **others
) -> Observation:
    at = AT + timedelta(seconds=after)
    return Observation(container_id=container_id, grade=grade, path=path, first_at=at, last_at=at, **others)


@pytest.fixture
def open_journal() -> Iterator[Callable[[Bounds], Journal]]:
    with closing(database.open_memory()) as connection:
        yield lambda bounds: Journal(connection, bounds)


@pytest.fixture
def journal(open_journal: Callable[[Bounds], Journal]) -> Journal:
    return open_journal(WIDE)


def waiting(journal: Journal, most: int = ALL) -> list[str]:
    return [row.observation.path for row in journal.first(most, 1 << 24)]


def tell(journal: Journal, *, taken: bool = True) -> list[str]:
    """Tell everything that waits, all of which the service takes; gives the paths."""
    rows = journal.first(ALL, 1 << 24)
    journal.settle(rows, taken=taken)
    return [row.observation.path for row in rows]


def test_what_was_recorded_waits_until_the_service_has_it(journal):
    journal.record([seen("/a"), seen("/b")], NOW)

    assert journal.counters.waiting == 2
    assert tell(journal) == ["/a", "/b"]
    assert waiting(journal) == []
    assert journal.counters.waiting == 0
    assert journal.counters.observations == 2


def test_what_the_service_has_is_not_told_again_for_being_seen_again(journal):
    journal.record([seen("/a")], NOW)
    tell(journal)
    journal.record([seen("/a", after=60)], NOW + 60)

    assert waiting(journal) == []


def test_sightings_add_up_until_they_are_told(journal):
    journal.record([seen("/a", count=2)], NOW)
    journal.record([seen("/a", count=3, after=60)], NOW)
    (row,) = journal.first(ALL, 1 << 24)

    assert row.observation.count == 5
    assert (row.observation.first_at, row.observation.last_at) == (AT, AT + timedelta(seconds=60))
    journal.settle([row], taken=True)
    journal.record([seen("/a", count=4, changed=True)], NOW)
    assert journal.first(1, 1)[0].observation.count == 4


def test_that_something_is_still_in_use_is_told_now_and_then(journal):
    journal.record([seen("/a")], NOW)
    tell(journal)
    journal.record([seen("/a", after=REFRESH_SECONDS)], NOW)

    assert tell(journal) == ["/a"]
    journal.record([seen("/a", after=REFRESH_SECONDS + 60)], NOW)
    assert waiting(journal) == []


def test_what_happens_while_it_is_told_is_told_afterwards(journal):
    journal.record([seen("/a")], NOW)
    rows = journal.first(ALL, 1 << 24)
    journal.record([seen("/a", changed=True)], NOW)
    journal.settle(rows, taken=True)

    (row,) = journal.first(ALL, 1 << 24)
    assert row.observation.changed
    assert journal.counters.waiting == 1


def test_what_is_only_seen_again_while_it_is_told_is_not_told_again(journal):
    journal.record([seen("/a")], NOW)
    rows = journal.first(ALL, 1 << 24)
    journal.record([seen("/a", after=60)], NOW)
    journal.settle(rows, taken=True)

    assert waiting(journal) == []


def test_the_strongest_evidence_is_told_first_then_the_earliest(journal):
    journal.record([seen("/o", grade=Grade.OPENED), seen("/m1"), seen("/x", grade=Grade.EXECUTED), seen("/m2")], NOW)

    assert waiting(journal) == ["/x", "/m1", "/m2", "/o"]
    assert waiting(journal, most=2) == ["/x", "/m1"]


def test_what_is_told_at_once_is_bounded_in_bytes_but_is_never_nothing(journal):
    journal.record([seen(f"/{number}" * 50) for number in range(10)], NOW)

    assert 1 < len(journal.first(ALL, 1_000)) < 10
    assert len(journal.first(ALL, 1)) == 1
    assert journal.first(0, 1_000) == ()


def test_what_waits_is_found_without_looking_at_everything(journal):
    statement = "SELECT id FROM observation WHERE observation.waiting = 1 ORDER BY rank DESC, id LIMIT 5"
    plan = " ".join(row[3] for row in journal._connection.execute(f"EXPLAIN QUERY PLAN {statement}"))

    assert "observation_waiting" in plan
    assert "TEMP B-TREE" not in plan


def test_what_was_just_recorded_need_not_be_read(journal):
    statements: list[str] = []
    journal._connection.set_trace_callback(statements.append)
    journal.record([seen("/o", grade=Grade.OPENED), seen("/a")], NOW)
    rows = journal.first(1, 1 << 20)
    journal.record([seen("/b", "c2")], NOW)
    journal.settle(rows, taken=True)

    assert waiting(journal) == ["/b", "/o"]
    assert not any("SELECT" in statement and "body" in statement for statement in statements)


def test_more_than_a_batch_is_read_from_the_file(journal):
    journal.record([seen(f"/{number}" + "x" * 1_000) for number in range(FRESH_BYTES // 1_000)], NOW)
    statements: list[str] = []
    journal._connection.set_trace_callback(statements.append)

    assert len(waiting(journal)) == FRESH_BYTES // 1_000
    assert any("SELECT" in statement and "body" in statement for statement in statements)


def test_what_the_service_refused_waits_no_more_and_is_no_part_of_the_digest(journal):
    journal.record([seen("/a")], NOW)
    tell(journal, taken=False)
    journal.record([seen("/b"), seen("/a")], NOW)

    assert tell(journal) == ["/b"]
    assert journal.find_digest("c1") == observation_digest([(Grade.MAPPED, "/b")])


# --- digests and repair ----------------------------------------------------------------------------------


def test_the_digest_is_of_what_the_service_has(journal):
    journal.record([seen("/a"), seen("/b", grade=Grade.OPENED), seen("/a", "c2")], NOW)
    assert journal.find_digest("c1") == ""
    tell(journal)

    assert journal.find_digest("c1") == observation_digest([(Grade.MAPPED, "/a"), (Grade.OPENED, "/b")])
    assert journal.find_digest("never heard of") == ""


def test_a_program_that_was_executed_in_many_ways_is_in_the_digest_once(journal):
    runs = [seen("/bin/sh", grade=Grade.EXECUTED, arguments=("sh", str(number))) for number in range(3)]
    journal.record(runs[:2], NOW)
    tell(journal)
    journal.record(runs, NOW)

    assert len(tell(journal)) == 1
    assert journal.find_digest("c1") == observation_digest([(Grade.EXECUTED, "/bin/sh")])


def test_there_is_no_digest_while_something_waits_that_the_service_may_have(journal):
    journal.record([seen("/a")], NOW)
    tell(journal)
    journal.record([seen("/b")], NOW)

    assert journal.find_digest("c1") == ""


def test_everything_of_a_container_is_told_again_where_the_service_asks(journal):
    journal.record([seen("/a"), seen("/b"), seen("/a", "c2")], NOW)
    tell(journal)
    before = journal.find_digest("c1")

    assert journal.tell_again("c1", NOW)
    assert journal.find_digest("c1") == ""
    assert tell(journal) == ["/a", "/b"]
    assert journal.find_digest("c1") == before


def test_who_asks_again_while_it_is_told_gets_it_once(journal):
    journal.record([seen("/a")], NOW)
    tell(journal)
    journal.tell_again("c1", NOW)

    assert not journal.tell_again("c1", NOW + 30)
    assert tell(journal) == ["/a"]


def test_a_service_that_knows_more_than_the_journal_does_not_ask_for_ever(journal):
    journal.record([seen("/a")], NOW)
    for number in range(3):
        tell(journal)
        journal.tell_again("c1", NOW + 60 * number)

    assert waiting(journal) == []
    assert journal.find_digest("c1") == ""


def test_a_service_that_lost_the_same_twice_gets_it_twice(journal):
    journal.record([seen("/a")], NOW)
    tell(journal)
    journal.tell_again("c1", NOW)
    tell(journal)

    assert journal.tell_again("c1", NOW + AGAIN_SECONDS)
    assert tell(journal) == ["/a"]


def test_a_container_that_is_not_known_is_worth_looking_at(journal):
    assert journal.tell_again("c9", NOW)


def test_what_was_refused_is_tried_again_where_the_service_asks(journal):
    journal.record([seen("/a")], NOW)
    tell(journal, taken=False)
    journal.tell_again("c1", NOW)

    assert tell(journal) == ["/a"]
    assert journal.find_digest("c1") == observation_digest([(Grade.MAPPED, "/a")])


_files = st.tuples(st.sampled_from(Grade), st.integers(0, 5), st.integers(0, 2))
_steps = st.one_of(
    st.tuples(st.just("see"), st.lists(_files, min_size=1, max_size=4), st.integers(0, 1)),
    st.tuples(st.just("send"), st.integers(1, 4), st.sampled_from(["taken", "refused", "lost"])),
    st.tuples(st.just("again"), st.integers(0, 3)),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(_steps, max_size=40))
def test_whatever_happens_a_digest_is_what_the_service_has_and_counters_add_up(steps):
    held: set[tuple[Grade, str]] = set()
    with closing(database.open_memory()) as connection:
        journal = Journal(connection, WIDE)
        for number, step in enumerate(steps):
            now = NOW + number * AGAIN_SECONDS
            match step:
                case ("see", files, count):
                    files = [
                        seen(f"/{name}", grade=grade, count=count, arguments=(str(way),), changed=way > 1)
                        for grade, name, way in files
                    ]
                    journal.record(files, now)
                case ("send", most, what):
                    rows = journal.first(most, 1 << 20)
                    if what == "taken":
                        held |= {(row.observation.grade, row.observation.path) for row in rows}
                    if what != "lost":
                        journal.settle(rows, taken=what == "taken")
                case ("again", _):
                    held.clear()  # the service lost everything, and asks
                    if journal.counters.waiting:
                        held |= {  # it did not: it had acknowledged nothing of what still waits
                            (Grade(grade), path) for grade, path in _told(connection)
                        }
                    journal.tell_again("c1", now)
            assert journal.first(ALL, 1 << 20) == Journal(connection, WIDE).first(
                ALL, 1 << 20
            )  # which has it from the file
            assert journal.find_digest("c1") in {"", observation_digest(held)}
            counts = "count(*), coalesce(sum(waiting), 0), coalesce(sum(length(body)), 0) + count(*) * ?"
            found = connection.execute(f"SELECT {counts} FROM observation", (ROW_BYTES,)).fetchone()
            assert found == (journal.counters.observations, journal.counters.waiting, journal.counters.bytes)


def _told(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    bodies = connection.execute("SELECT body FROM observation WHERE told = 1")
    decoded = [msgspec.msgpack.decode(body, type=Observation) for (body,) in bodies]
    return {(one.grade, one.path) for one in decoded}


_sightings = st.builds(
    seen,
    st.sampled_from(["/a", "/b", "/c", "/d"]),
    st.sampled_from(["c1", "c2"]),
    grade=st.sampled_from(Grade),
    after=st.integers(0, 2 * REFRESH_SECONDS),
    changed=st.booleans(),
    tool=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_sightings, max_size=12), st.lists(_sightings, max_size=6), st.booleans(), st.sampled_from([6, 1_000]))
def test_what_is_recorded_and_settled_together_ends_as_it_does_one_by_one(batch, meanwhile, taken, room):
    found = []
    for at_once in (True, False):
        with closing(database.open_memory()) as connection:
            journal = Journal(connection, Bounds(room, 1 << 20, room, 1 << 20))
            for sightings in (batch, batch):
                for part in [sightings] if at_once else [[one] for one in sightings]:
                    journal.record(part, NOW)
                rows = journal.first(ALL, 1 << 24)
                for part in [meanwhile] if at_once else [[one] for one in meanwhile]:
                    journal.record(part, NOW)
                for settled in [rows] if at_once else [[row] for row in rows]:
                    journal.settle(settled, taken=taken)
            columns = "name, subject, variant, observation.waiting, told, told_at, revision, count, last_at, body"
            table = "observation JOIN container ON container.id = observation.container"
            kept = connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3").fetchall()
            digests = [journal.find_digest(name) for name in ("c1", "c2")]
            found.append((kept, digests, journal.counters))

    assert found[0] == found[1]


# --- bounds ----------------------------------------------------------------------------------------------


def test_opened_files_do_not_take_the_room_of_executed_ones(open_journal):
    journal = open_journal(Bounds(8, 1 << 20, 100, 1 << 20))
    journal.record([seen(f"/o{number}", grade=Grade.OPENED) for number in range(20)], NOW)
    journal.record([seen(f"/x{number}", grade=Grade.EXECUTED) for number in range(5)], NOW)

    assert waiting(journal) == ["/x0", "/x1", *(f"/o{number}" for number in range(6))]
    assert journal.counters.lost == 17
    assert journal.count_lost("c1") == 17


def test_what_the_service_has_makes_room_for_what_is_new(open_journal):
    journal = open_journal(Bounds(8, 1 << 20, 100, 1 << 20))
    journal.record([seen(f"/{number}") for number in range(8)], NOW)
    tell(journal)
    journal.record([seen("/new")], NOW)

    assert tell(journal) == ["/new"]
    assert journal.counters.lost == 0
    assert journal.counters.forgotten == 1
    assert journal.find_digest("c1") == ""  # it would not be of everything


def test_the_node_is_bounded_too_and_its_largest_container_gives_way(open_journal):
    journal = open_journal(Bounds(8, 1 << 20, 10, 1 << 20))
    journal.record([seen(f"/{number}", "large") for number in range(8)], NOW)
    journal.record([seen("/a", "small")], NOW)
    tell(journal)
    journal.record([seen(f"/{number}", "new") for number in range(3)], NOW)

    assert journal.counters.observations <= 10
    assert journal.counters.lost == 0
    assert journal.find_digest("small") != ""


@pytest.mark.parametrize("bounds", [Bounds(100, 2_000, 1_000, 1 << 20), Bounds(100, 1 << 20, 1_000, 2_000)])
def test_bytes_are_bounded(open_journal, bounds):
    journal = open_journal(bounds)
    journal.record([seen(f"/{number}" + "x" * 200) for number in range(50)], NOW)

    assert 0 < journal.counters.bytes <= 2_000
    assert journal.counters.lost == 50 - journal.counters.observations


def test_a_container_that_had_no_room_is_looked_at_again_once_there_is(open_journal):
    journal = open_journal(Bounds(4, 1 << 20, 100, 1 << 20))
    journal.record([seen(f"/{number}") for number in range(5)], NOW)
    assert journal.take_short() == ()
    tell(journal)

    assert journal.take_short() == ("c1",)
    assert journal.take_short() == ()


def test_there_is_room_as_long_as_not_everything_waits(open_journal):
    journal = open_journal(Bounds(8, 1 << 20, 8, 1 << 20))
    assert journal.has_room(6)
    assert not journal.has_room(7)
    journal.record([seen(f"/{number}") for number in range(6)], NOW)
    assert not journal.has_room(1)
    tell(journal)

    assert journal.has_room(6)


def test_a_container_that_ended_is_forgotten_when_the_service_has_everything_of_it(journal):
    journal.record([seen("/a"), seen("/b", "c2")], NOW)
    journal.settle([row for row in journal.first(ALL, 1 << 20) if row.observation.container_id == "c1"], taken=True)
    journal.forget(NOW + FORGET_SECONDS)
    assert journal.names() == ("c1", "c2")
    journal.forget(NOW + FORGET_SECONDS + 1)

    assert journal.names() == ("c2",)
    assert journal.counters.observations == 1


def test_a_container_that_runs_is_not_forgotten_for_being_quiet(journal):
    journal.record([seen("/a"), seen("/a", "c2")], NOW)
    tell(journal)
    journal.keep(["c1"], NOW + FORGET_SECONDS)
    journal.forget(NOW + FORGET_SECONDS + 1)

    assert journal.names() == ("c1",)


def test_what_fails_halfway_leaves_nothing_behind(journal):
    with pytest.raises(TypeError):
        journal.record([seen("/a"), seen("/b", arguments=(object(),))], NOW)  # what no encoder can write

    assert waiting(journal) == []
    assert journal.counters.observations == journal.counters.waiting == 0
    journal.record([seen("/a")], NOW)
    assert waiting(journal) == ["/a"]


def test_a_file_that_is_opened_again_goes_on(tmp_path):
    for number in range(2):
        with closing(database.open_file(tmp_path / "journal.db")) as connection:
            journal = Journal(connection, WIDE)
            journal.record([seen(f"/{number}")], NOW)
            assert journal.counters.waiting == number + 1
