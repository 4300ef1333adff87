"""Who did it, who started them, what runs."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.sensor.decode import Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.processes import MAX_ANCESTORS, STOPPED_AFTER, FileId, Process, ProcessTable, Program

WEB, DB = "web", "db"


def event(pid, path="", parent=1, kind=EventKind.EXECUTED, at=0, **others) -> Event:
    name = others.pop("name", path.rpartition("/")[2])
    return Event(kind, at, CgroupKey(1, 0), pid, name, path, parent_pid=parent, user=others.pop("user", 0), **others)


def opened(pid, parent=1, name="sh", **others) -> Event:
    return event(pid, "/etc/x", parent, EventKind.OPENED, name=name, **others)


@pytest.fixture
def table() -> ProcessTable:
    return ProcessTable()


@pytest.mark.req("R17", "R30")
def test_an_execution_is_a_process_with_its_program_arguments_and_user(table):
    process = table.executed(
        WEB, event(7, "/bin/app", parent=3, arguments=("app", "-v"), user=1000, device=1, inode=2, changed_at=3)
    )

    facts = process.facts
    assert (facts.name, facts.path, facts.arguments, facts.user) == ("app", "/bin/app", ("app", "-v"), 1000)
    assert (process.parent_pid, process.file) == (3, FileId(1, 2, 3))
    assert table.actor(WEB, opened(7)) is process


def test_secrets_are_gone_before_anybody_sees_the_arguments(table):
    process = table.executed(WEB, event(7, "/bin/app", arguments=("app", "--password=hunter2")))

    assert process.facts.arguments == ("app", "--password=***")


def test_ancestors_are_told_from_the_parent_up_and_outlive_themselves(table):
    table.executed(WEB, event(1, "/sbin/init"))
    table.executed(WEB, event(2, "/bin/sh", parent=1))
    process = table.executed(WEB, event(3, "/usr/bin/curl", parent=2))
    table.exited(2, 0)

    assert [facts.path for facts in process.ancestors] == ["/bin/sh", "/sbin/init"]
    again = table.executed(WEB, event(3, "/usr/bin/env", parent=1))
    assert [facts.path for facts in again.ancestors] == ["/bin/sh", "/sbin/init"]


def test_a_fork_that_was_never_told_of_stands_for_what_it_runs(table):
    table.executed(WEB, event(1, "/usr/sbin/nginx"))
    behind_one = table.executed(WEB, event(3, "/bin/sh", parent=2, detail=(1, 0)))
    behind_two = table.executed(WEB, event(5, "/bin/sh", parent=4, detail=(2, 1)))

    assert [facts.path for facts in behind_one.ancestors] == ["/usr/sbin/nginx"]
    assert [facts.path for facts in behind_two.ancestors] == ["/usr/sbin/nginx"]
    assert table.executed(DB, event(7, "/bin/sh", parent=6, detail=(1, 0))).ancestors == ()


def test_ancestors_end_at_the_container_and_at_the_limit_of_the_wire(table):
    table.executed(DB, event(1, "/sbin/init"))
    for pid in range(2, 2 * MAX_ANCESTORS):
        process = table.executed(WEB, event(pid, f"/bin/{pid}", parent=pid - 1))

    assert len(process.ancestors) == MAX_ANCESTORS
    assert "/sbin/init" not in [facts.path for facts in process.ancestors]


def test_a_process_that_nobody_announced_runs_what_its_parent_runs(table):
    table.executed(WEB, event(1, "/usr/sbin/nginx", arguments=("nginx",)))
    worker = table.actor(WEB, opened(2, parent=1, name="nginx", user=33))

    assert (worker.facts.path, worker.facts.arguments, worker.facts.user) == ("/usr/sbin/nginx", ("nginx",), 33)
    assert [facts.pid for facts in worker.ancestors] == [1]


def test_a_program_whose_repetition_nobody_announced_is_known_by_its_name(table):
    table.executed(WEB, event(1, "/bin/sh"))
    table.executed(WEB, event(2, "/usr/bin/curl", parent=1, arguments=("curl", "x")))
    table.exited(2, 0)
    again = table.actor(WEB, opened(3, parent=1, name="curl"))

    assert (again.facts.path, again.facts.arguments) == ("/usr/bin/curl", ("curl", "x"))
    assert [facts.path for facts in again.ancestors] == ["/bin/sh"]


def test_a_process_of_which_nothing_is_known_has_its_name_alone(table):
    process = table.actor(WEB, opened(9, parent=8, name="app"))

    assert (process.facts.name, process.facts.path, process.ancestors) == ("app", "", ())


def test_the_number_of_a_process_of_another_container_is_another_process(table):
    table.executed(WEB, event(7, "/bin/app"))

    assert table.actor(DB, opened(7, name="db")).facts.path == ""


def test_whoever_changes_the_user_does_the_rest_as_the_other(table):
    table.executed(WEB, event(7, "/bin/app", user=0))

    assert table.actor(WEB, opened(7, user=1000)).facts.user == 1000


def test_the_container_s_first_process_stays_the_first_whatever_it_executes(table):
    table.executed(WEB, event(1, "/bin/sh"), first=True)

    assert table.executed(WEB, event(1, "/bin/app")).first
    assert not table.executed(WEB, event(2, "/bin/app", parent=1)).first


def test_a_changed_program_stays_so_in_its_forks(table):
    table.executed(WEB, event(1, "/tmp/x", flags=int(EventFlags.UPPER)))

    assert table.actor(WEB, opened(2, parent=1, name="x")).changed


# --- what runs -------------------------------------------------------------------------------------------

APP = Program(WEB, "/bin/app", ("app",))


def start(table: ProcessTable, pid: int = 7, at: int = 0, arguments: tuple[str, ...] = ("app",)) -> Process:
    return table.executed(WEB, event(pid, "/bin/app", at=at, arguments=arguments))


def test_a_program_runs_until_its_last_process_has_ended(table):
    start(table, 7)
    start(table, 8)
    assert table.tell(APP) is True

    table.exited(7, 0)
    assert table.tell(APP) is True
    table.exited(8, 0)
    assert table.tell(APP) is False


def test_a_program_that_was_said_to_run_is_told_to_have_stopped_once(table):
    start(table)
    table.tell(APP)
    table.exited(7, 100)

    assert table.take_stopped(99 + STOPPED_AFTER) == []
    assert table.has_stopped(100 + STOPPED_AFTER)
    ((process, at),) = table.take_stopped(100 + STOPPED_AFTER)
    assert (process.program, at) == (APP, 100)
    assert table.take_stopped(200 + STOPPED_AFTER) == []
    assert table.tell(APP) is False


def test_a_program_that_is_started_over_and_over_runs(table):
    start(table, 7)
    table.tell(APP)
    table.exited(7, 100)
    start(table, 8, at=200)

    assert table.take_stopped(100 + STOPPED_AFTER) == []


def test_a_program_that_ended_before_anybody_was_told_needs_no_second_word(table):
    start(table)
    table.exited(7, 100)

    assert table.tell(APP) is False
    assert table.take_stopped(100 + STOPPED_AFTER) == []


def test_other_arguments_are_another_program(table):
    start(table, 7)
    start(table, 8, arguments=("app", "-v"))
    table.exited(8, 0)

    assert table.tell(APP) is True
    assert table.tell(Program(WEB, "/bin/app", ("app", "-v"))) is False


def test_processes_whose_end_got_lost_are_let_go(table):
    start(table, 7)
    start(table, 8)
    table.tell(APP)
    table.sweep({8}, 0)
    assert (len(table), 7 in table) == (1, False)

    table.sweep(set(), 0)
    assert table.has_stopped(STOPPED_AFTER)


def test_the_quietest_process_is_forgotten_first_and_it_is_not_known_whether_it_runs():
    table = ProcessTable(limit=2)
    start(table, 7)
    table.executed(WEB, event(8, "/bin/b"))
    table.actor(WEB, opened(7))
    table.executed(WEB, event(9, "/bin/c"))

    assert [pid for pid in (7, 8, 9) if pid in table] == [7, 9]
    assert table.evicted == 1
    assert table.tell(Program(WEB, "/bin/b", ())) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["run", "end", "do"])), max_size=60))
def test_whatever_happens_only_what_runs_runs_and_the_table_is_bounded(steps):
    table = ProcessTable(limit=4)
    for pid, parent, what in steps:
        if what == "run":
            table.executed(WEB, event(pid, f"/bin/{parent}", parent=parent))
        elif what == "do":
            table.actor(WEB, opened(pid, parent=parent))
        else:
            table.exited(pid, 0)
        table.take_stopped(STOPPED_AFTER)
        assert len(table) <= 4

    table.sweep(set(), 0)
    assert not any(table.tell(Program(WEB, f"/bin/{number}", ())) for number in range(1, 7))


def test_a_flood_of_programs_leaves_little_behind(table):
    tracemalloc.start()
    for number in range(5_000):
        process = table.executed(WEB, event(number, f"/tmp/dropped-{number}", arguments=(f"dropped-{number}", "-v")))
        assert process.facts.programs  # as the rules look at it
        table.exited(number, number)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1.5 * (1 << 20)
