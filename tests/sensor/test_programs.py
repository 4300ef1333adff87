"""What a sensor is on kernels that accept some hooks and not others."""

import pytest

from deadlight.sensor.programs import HOOKS, NothingToLoadError, Tier, choose

ALL = {hook.program: "" for hook in HOOKS}


def test_a_kernel_that_accepts_everything_shows_files():
    plan = choose(ALL)

    assert plan.tier is Tier.FILES
    assert set(plan.programs) == set(ALL)
    assert plan.problems == ()


def test_a_hook_that_many_machines_lack_is_no_problem():
    plan = choose(ALL | {"on_open": "no such tracepoint", "on_io_uring": "no such tracepoint"})

    assert plan.tier is Tier.FILES
    assert plan.problems == ()
    assert {"on_open", "on_io_uring"}.isdisjoint(plan.programs)


def test_without_tracefs_executions_are_left_and_the_rest_is_a_problem():
    plan = choose({program: "no tracefs" if "open" in program or "mmap" in program else "" for program in ALL})

    assert plan.tier is Tier.EXECUTIONS
    assert "on_exec" in plan.programs
    assert plan.problems == (
        "not seen: files mapped as code (tracepoint/syscalls/sys_enter_mmap: no tracefs)",
        "not seen: opened files (tracepoint/syscalls/sys_exit_openat: no tracefs)",
    )


def test_without_executions_there_is_no_sensor():
    with pytest.raises(NothingToLoadError, match="Operation not permitted"):
        choose(ALL | {"on_exec": "Operation not permitted"})
