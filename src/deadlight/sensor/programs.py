"""The hooks of the object, and what the sensor sees on a kernel that accepts some of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import Call


class Sight(StrEnum):
    """What a hook lets the sensor see."""

    EXECUTIONS = "executed programs"
    EXITS = "ends of processes"
    CONTAINERS = "new containers"
    OPENS = "opened and written files"
    MAPPINGS = "files mapped as code"
    PROTECTIONS = "mapped files that become code later"
    TRACES = "processes that take over others"
    MOUNTS = "mounts"
    MODULES = "kernel modules"
    PRIVILEGES = "gained privileges"
    CONNECTIONS = "TCP connections and listeners"
    NAMESPACES = "processes that enter namespaces"
    MODES = "files made executable"
    BLIND_SPOTS = "containers that open files through io_uring"
    BLOCKING = "programs refused before they run"


class Tier(StrEnum):
    """How a kernel lets the sensor look and act, the best first."""

    LSM = "L"
    """Sees as with `TRAMPOLINES`, and can refuse a program before it runs."""
    TRAMPOLINES = "T"
    """Sees inside the kernel (fentry): whichever way a process asks, at no cost to other system calls."""
    CALLS = "S"
    """Sees the ends of system calls, of 64-bit and 32-bit programs, but not what io_uring opens."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A program of the object, its section there, and what it is for.

    `tier` says which tier uses it, none that all do. `call` is its place among the programs for system calls, which are
    not attached themselves. `wanted` is False where many kernels lack the hook without anything being amiss.
    """

    program: str
    section: str
    sight: Sight
    tier: Tier | None = None
    call: Call | None = None
    wanted: bool = True

    @property
    def name(self) -> str:
        """Its section; for a program for a kind of system call, with that."""
        return f"{self.section} {self.call.name.lower()}" if self.call else self.section


_CALLS = "tp_btf/sys_exit"


_DISPATCHER = Hook("on_call", _CALLS, Sight.OPENS, Tier.CALLS)
"""Every system call passes it; it calls the programs that have a `call`."""


def _call(program: str, sight: Sight, call: Call) -> Hook:
    return Hook(program, _CALLS, sight, Tier.CALLS, call)


def _trampoline(program: str, function: str, sight: Sight) -> Hook:
    return Hook(program, f"fentry/{function}", sight, Tier.TRAMPOLINES)


HOOKS = (
    Hook("on_exec", "tp_btf/sched_process_exec", Sight.EXECUTIONS),
    Hook("on_exit", "tp_btf/sched_process_exit", Sight.EXITS),
    Hook("on_cgroup_mkdir", "tp_btf/cgroup_mkdir", Sight.CONTAINERS),
    Hook("on_socket", "tp_btf/inet_sock_set_state", Sight.CONNECTIONS),
    Hook("on_module", "tp_btf/module_load", Sight.MODULES, wanted=False),
    Hook("on_io_uring", "tp_btf/io_uring_submit_req", Sight.BLIND_SPOTS, Tier.CALLS, wanted=False),
    Hook("on_io_uring_before_6_3", "tp_btf/io_uring_submit_sqe", Sight.BLIND_SPOTS, Tier.CALLS, wanted=False),
    _DISPATCHER,
    _call("on_open", Sight.OPENS, Call.OPEN),
    _call("on_mmap", Sight.MAPPINGS, Call.MAP),
    _call("on_ptrace", Sight.TRACES, Call.PTRACE),
    _call("on_write_memory", Sight.TRACES, Call.WRITE_MEMORY),
    _call("on_mount", Sight.MOUNTS, Call.MOUNT),
    _call("on_move_mount", Sight.MOUNTS, Call.MOVE_MOUNT),
    _call("on_setns", Sight.NAMESPACES, Call.SETNS),
    _call("on_unshare", Sight.NAMESPACES, Call.UNSHARE),
    _call("on_chmod", Sight.MODES, Call.CHMOD),
    _call("on_fchmod", Sight.MODES, Call.FCHMOD),
    _call("on_fchmodat", Sight.MODES, Call.FCHMODAT),
    _call("on_credentials", Sight.PRIVILEGES, Call.CREDENTIALS),
    _trampoline("on_file_open", "security_file_open", Sight.OPENS),
    _trampoline("on_file_mmap", "security_mmap_file", Sight.MAPPINGS),
    _trampoline("on_file_mprotect", "security_file_mprotect", Sight.PROTECTIONS),
    _trampoline("on_access", "security_ptrace_access_check", Sight.TRACES),
    _trampoline("on_sb_mount", "security_sb_mount", Sight.MOUNTS),
    _trampoline("on_mount_moved", "security_move_mount", Sight.MOUNTS),
    _trampoline("on_namespaces", "switch_task_namespaces", Sight.NAMESPACES),
    _trampoline("on_user_namespace", "create_user_ns", Sight.NAMESPACES),
    _trampoline("on_path_chmod", "security_path_chmod", Sight.MODES),
    _trampoline("on_commit_creds", "commit_creds", Sight.PRIVILEGES),
    Hook("deny_program", "lsm/bprm_check_security", Sight.BLOCKING, Tier.LSM),
    Hook("deny_mapping", "lsm/mmap_file", Sight.BLOCKING, Tier.LSM),
)


class NothingToLoadError(SensorError):
    """The kernel accepts none of the hooks without which a sensor is blind."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs to load, what they amount to, and what stays unseen and why."""

    tier: Tier
    programs: tuple[str, ...]
    problems: tuple[str, ...]


def choose(refusals: Mapping[str, str]) -> Plan:
    """The plan for a kernel, given each program's refusal (empty where the kernel accepts it).

    Each sight comes from the best tier of which the kernel accepts every program for it.

    Raises:
        NothingToLoadError: executions cannot be seen.
    """
    if refusals["on_exec"]:
        raise NothingToLoadError(f"cannot see executions: {refusals['on_exec']} (see `sensor doctor`)")
    used = [hook for sight in Sight for hook in _best(sight, refusals)]
    if any(hook.sight is Sight.OPENS and hook.tier is Tier.TRAMPOLINES for hook in used):
        used = [hook for hook in used if hook.sight is not Sight.BLIND_SPOTS]
    if any(hook.call for hook in used):
        used.append(_DISPATCHER)
    missing = [hook for hook in used if hook.wanted and refusals[hook.program]]
    return Plan(
        tier=_tier({hook.sight: hook.tier for hook in used if hook is not _DISPATCHER and not refusals[hook.program]}),
        programs=tuple(hook.program for hook in used if not refusals[hook.program]),
        problems=tuple(
            dict.fromkeys(f"not seen: {hook.sight} ({hook.name}: {refusals[hook.program]})" for hook in missing)
        ),
    )


def list_unseen(plan: Plan) -> tuple[str, ...]:
    """What no container can be seen doing: sights of which no tier's hooks are all in use. To refuse is no sight."""
    wanted = [hook for hook in HOOKS if hook.wanted and hook.sight is not Sight.BLOCKING]
    lacking = {(hook.sight, hook.tier) for hook in wanted if hook.program not in plan.programs}
    seen = {hook.sight for hook in wanted if (hook.sight, hook.tier) not in lacking}
    return tuple(dict.fromkeys(hook.sight.name.lower() for hook in wanted if hook.sight not in seen))


def _best(sight: Sight, refusals: Mapping[str, str]) -> tuple[Hook, ...]:
    """The hooks for a sight: of the best tier that is whole, else those for system calls, whole or not."""
    hooks = tuple(hook for hook in HOOKS if hook.sight is sight and hook is not _DISPATCHER)
    for tier in (Tier.LSM, Tier.TRAMPOLINES):
        whole = tuple(hook for hook in hooks if hook.tier is tier)
        if whole and not any(refusals[hook.program] for hook in whole):
            return whole
    return tuple(hook for hook in hooks if hook.tier in {None, Tier.CALLS})


def _tier(tiers: Mapping[Sight, Tier | None]) -> Tier:
    if tiers.get(Sight.OPENS) is not Tier.TRAMPOLINES or tiers.get(Sight.MAPPINGS) is not Tier.TRAMPOLINES:
        return Tier.CALLS
    return Tier.LSM if Sight.BLOCKING in tiers else Tier.TRAMPOLINES


def calls_of(programs: tuple[str, ...]) -> dict[str, Call]:
    """Those of `programs` that deal with a system call, with their place."""
    return {hook.program: hook.call for hook in HOOKS if hook.program in programs and hook.call is not None}
