"""The hooks of the object, and what the sensor sees on a kernel that accepts some of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from deadlight.sensor.errors import SensorError


class Sight(StrEnum):
    """What a hook lets the sensor see."""

    EXECUTIONS = "executed programs"
    MAPPINGS = "files mapped as code"
    OPENS = "opened files"
    CONTAINERS = "new containers"
    BLIND_SPOTS = "containers that open files through io_uring"


@dataclass(frozen=True, slots=True)
class Hook:
    """A program of the object, its section there, and what it is for.

    `wanted` is False where many kernels or processors lack the hook and another one sees the same.
    """

    program: str
    section: str
    sight: Sight
    wanted: bool = True


HOOKS = (
    Hook("on_exec", "tp_btf/sched_process_exec", Sight.EXECUTIONS),
    Hook("on_cgroup_mkdir", "tp_btf/cgroup_mkdir", Sight.CONTAINERS),
    Hook("on_mmap", "tracepoint/syscalls/sys_enter_mmap", Sight.MAPPINGS),
    Hook("on_openat", "tracepoint/syscalls/sys_exit_openat", Sight.OPENS),
    Hook("on_openat2", "tracepoint/syscalls/sys_exit_openat2", Sight.OPENS, wanted=False),
    Hook("on_open", "tracepoint/syscalls/sys_exit_open", Sight.OPENS, wanted=False),
    Hook("on_io_uring", "tp_btf/io_uring_submit_req", Sight.BLIND_SPOTS, wanted=False),
)


class Tier(StrEnum):
    """How much a kernel lets the sensor see."""

    FILES = "files"
    """Executions, files mapped as code and opened files of every container."""
    EXECUTIONS = "executions"
    """Executions for certain; the plan's problems say what is missing."""


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

    Raises:
        NothingToLoadError: executions cannot be seen.
    """
    if refusals["on_exec"]:
        raise NothingToLoadError(f"cannot see executions: {refusals['on_exec']} (see --doctor)")
    missing = tuple(hook for hook in HOOKS if hook.wanted and refusals[hook.program])
    return Plan(
        tier=Tier.EXECUTIONS if missing else Tier.FILES,
        programs=tuple(hook.program for hook in HOOKS if not refusals[hook.program]),
        problems=tuple(f"not seen: {hook.sight} ({hook.section}: {refusals[hook.program]})" for hook in missing),
    )
