"""What a sensor is on kernels that accept some hooks and not others."""

import pytest

from deadlight.sensor.layout import Call
from deadlight.sensor.programs import HOOKS, NothingToLoadError, Tier, calls_of, choose, list_unseen

ALL = {hook.program: "" for hook in HOOKS}
REFUSED = {hook.program: "Operation not permitted" for hook in HOOKS if hook.tier in {Tier.TRAMPOLINES, Tier.LSM}}


def test_a_kernel_that_accepts_everything_is_watched_from_the_inside_and_can_refuse():
    plan = choose(ALL)

    assert plan.tier is Tier.LSM
    assert plan.problems == ()
    assert {"on_call", "on_open", "on_io_uring"}.isdisjoint(plan.programs)
    assert {"on_exec", "on_file_open", "deny_program"} <= set(plan.programs)


def test_a_kernel_that_does_not_ask_bpf_programs_is_watched_from_the_inside():
    plan = choose(ALL | {"deny_program": "no bpf in lsm"})

    assert plan.tier is Tier.TRAMPOLINES
    assert "deny_mapping" not in plan.programs


def test_one_sight_falls_back_to_system_calls_without_the_others():
    plan = choose(ALL | {"on_path_chmod": "this kernel has no fentry/security_path_chmod"})

    assert plan.tier is Tier.LSM
    assert plan.problems == ()
    assert {"on_call", "on_chmod", "on_fchmod", "on_fchmodat", "on_file_open"} <= set(plan.programs)
    assert "on_open" not in plan.programs


def test_a_hook_that_many_machines_lack_is_no_problem():
    plan = choose(ALL | REFUSED | {"on_module": "no such tracepoint", "on_io_uring": "no such tracepoint"})

    assert plan.tier is Tier.CALLS
    assert plan.problems == ()
    assert {"on_module", "on_io_uring"}.isdisjoint(plan.programs)


def test_what_one_refused_hook_would_have_seen_is_one_problem():
    plan = choose(ALL | REFUSED | {"on_mount": "too complex", "on_socket": "no such tracepoint"})

    assert "on_open" in plan.programs
    assert plan.problems == (
        "not seen: mounts (tp_btf/sys_exit mount: too complex)",
        "not seen: TCP connections and listeners (tp_btf/inet_sock_set_state: no such tracepoint)",
    )


@pytest.mark.parametrize(
    ("refusals", "unseen"),
    [
        ({}, ()),
        ({"deny_program": "no bpf in lsm", "on_module": "no such tracepoint"}, ()),
        ({"on_path_chmod": "no such function"}, ()),
        (REFUSED, ("protections",)),
        (REFUSED | {"on_open": "too complex"}, ("opens", "protections")),
    ],
)
def test_what_one_tier_sees_is_seen_although_the_hooks_of_another_are_not_used(refusals, unseen):
    assert list_unseen(choose(ALL | refusals)) == unseen


def test_without_executions_there_is_no_sensor():
    with pytest.raises(NothingToLoadError, match="Operation not permitted"):
        choose(ALL | {"on_exec": "Operation not permitted"})


def test_every_kind_of_system_call_has_one_program():
    calls = calls_of(tuple(ALL))

    assert sorted(calls.values()) == sorted(set(Call) - {Call.NONE})
