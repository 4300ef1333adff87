"""What this machine offers a sensor, found out by trying: privileges, type information, libbpf, object, each hook."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.errors import SensorError
from deadlight.sensor.kernel import OBJECT, find_host_mount_namespace, read_object
from deadlight.sensor.libbpf import LibbpfError, Library, Object, ObjectMismatchError
from deadlight.sensor.programs import HOOKS, Hook

KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")

LOADING = ("CAP_BPF", "CAP_PERFMON")
"""The capabilities for loading and attaching programs."""

LOOKING_AROUND = ("CAP_SYS_PTRACE",)
"""The capability for seeing which files another user's process has mapped."""

_BITS = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}
"""linux/capability.h."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. `detail` says what was found, or exactly what is missing."""

    name: str
    ok: bool
    detail: str
    needed: bool = True
    """Whether there is no sensor without it."""


class MissingError(SensorError):
    """Something that the machine lacks; the message is the detail of a check."""


def missing_capabilities(status: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """What a process lacks of `wanted`, by its `/proc/<pid>/status`. CAP_SYS_ADMIN includes what loading takes."""
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    held = {name for name, bit in _BITS.items() if int(effective, 16) >> bit & 1}
    if "CAP_SYS_ADMIN" in held:
        held.update(LOADING)
    return tuple(name for name in wanted if name not in held)


def probe_hooks(library: Library, content: bytes, hooks: Sequence[Hook] = HOOKS) -> dict[str, str]:
    """Each program of the object with the reason why this kernel refuses it; empty where it accepts it.

    All programs are loaded and attached for a moment; where that fails, each half of them by itself.
    """
    refusal = _refusal(library, content, hooks)
    if not refusal or len(hooks) == 1:
        return dict.fromkeys((hook.program for hook in hooks), refusal)
    half = len(hooks) // 2
    return probe_hooks(library, content, hooks[:half]) | probe_hooks(library, content, hooks[half:])


def _refusal(library: Library, content: bytes, hooks: Sequence[Hook]) -> str:
    programs = [hook.program for hook in hooks]
    try:
        with Object(library, content) as candidate:
            candidate.resize("ring", os.sysconf("SC_PAGE_SIZE"))
            candidate.load(programs)
            for hook in hooks:
                if hook.call is None:
                    candidate.attach(hook.program)
    except LibbpfError as error:
        if error.errno in {errno.ENOENT, errno.ESRCH}:
            return f"this kernel has no {' or '.join(hook.section for hook in hooks)}"
        return str(error)
    except ObjectMismatchError as error:
        return str(error)
    return ""


def examine(environment: Mapping[str, str]) -> tuple[Check, ...]:
    """Try everything in the order in which one thing needs the other."""
    checks = [
        _check("privileges", lambda: _capabilities(LOADING)),
        _check("kernel types", _kernel_types),
        _check("libbpf", lambda: f"libbpf {Library(environment).version}"),
        _check("object", lambda: f"{OBJECT} ({len(read_object())} bytes)"),
        _check("control groups", _control_groups),
        _check("host mount namespace", _host_mount_namespace, needed=False),
        _check("running processes", lambda: _capabilities(LOOKING_AROUND), needed=False),
    ]
    return (*checks, *_examine_hooks(environment, checks))


def _examine_hooks(environment: Mapping[str, str], checks: list[Check]) -> tuple[Check, ...]:
    lacking = [check.name for check in checks if check.needed and not check.ok]
    if lacking:
        refusals = dict.fromkeys((hook.program for hook in HOOKS), f"not tried without {', '.join(lacking)}")
    else:
        refusals = probe_hooks(Library(environment), read_object())
    return tuple(
        Check(
            name=hook.name,
            ok=not refusals[hook.program],
            detail=refusals[hook.program] or f"sees {hook.sight}",
            needed=hook.program == "on_exec",
        )
        for hook in HOOKS
    )


def _check(name: str, look: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        return Check(name, ok=True, detail=look(), needed=needed)
    except (SensorError, OSError) as error:
        return Check(name, ok=False, detail=str(error), needed=needed)


def _capabilities(wanted: Sequence[str]) -> str:
    missing = missing_capabilities(Path("/proc/self/status").read_text(), wanted)
    if missing:
        raise MissingError(f"missing {', '.join(missing)}: run as root, or grant the capability to the container")
    return ", ".join(wanted)


def _kernel_types() -> str:
    if not KERNEL_TYPES.exists():
        raise MissingError(f"no {KERNEL_TYPES}: this kernel was built without CONFIG_DEBUG_INFO_BTF")
    return f"{KERNEL_TYPES} of Linux {os.uname().release}"


def _control_groups() -> str:
    hierarchies = read_hierarchies()
    if not hierarchies:
        raise MissingError("no control groups are mounted: mount the host's /sys/fs/cgroup")
    return ", ".join(f"version {1 if found.number else 2} at {found.root}" for found in hierarchies)


def _host_mount_namespace() -> str:
    number = find_host_mount_namespace()
    if not number:
        raise MissingError("cannot read /proc/1/ns/mnt: share the host's processes (hostPID) and grant CAP_SYS_PTRACE")
    return f"mnt:[{number}]"
