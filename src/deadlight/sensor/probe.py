"""What this machine offers a sensor, found out by trying: privileges, type information, libbpf, object, each hook."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deadlight.sensor.calls import is_known as calls_known
from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.errors import SensorError
from deadlight.sensor.kernel import OBJECT, find_host_mount_namespace, read_object
from deadlight.sensor.libbpf import LibbpfError, Library, Object, ObjectMismatchError
from deadlight.sensor.programs import HOOKS, Hook, NothingToLoadError, Sight, Tier, choose

KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")

LOADING = ("CAP_BPF", "CAP_PERFMON")
"""The capabilities for loading and attaching programs."""

LOOKING_AROUND = ("CAP_SYS_PTRACE",)
"""The capability for seeing which files another user's process has mapped."""

SECURITY_MODULES = "sys/kernel/security/lsm"

_DENYING = tuple(hook.program for hook in HOOKS if hook.tier is Tier.LSM)
_NO_OPINION = f"this kernel does not ask BPF programs (no bpf in /{SECURITY_MODULES}; add it to the parameter lsm=)"

_TIERS = {
    Tier.LSM: "sees inside the kernel and can refuse programs before they run",
    Tier.TRAMPOLINES: "sees inside the kernel",
    Tier.CALLS: "sees the ends of system calls",
}
_UNKNOWN_MACHINE = "not seen, as all system calls: their numbers on this processor are not known"
_IO_URING = {
    (True, True): "seen",
    (True, False): "seen",
    (False, True): "not seen, but which containers do so",
    (False, False): "not seen, nor which containers do so",
}
"""Whether the opening is seen inside the kernel, and whether the requests are noticed."""

_NOT_INSIDE = "not seen without trampolines"
_BLOCKS = "refuses programs and libraries before they run"
_KILLS = "kills programs as they start; scripts, and libraries, are only reported"

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


def probe_hooks(library: Library, content: bytes) -> dict[str, str]:
    """Each program of the object with the reason why this kernel refuses it; empty where it accepts it.

    Programs are loaded and attached for a moment, all of a kind together; where that fails, each half by itself. Those
    that many kernels have no hook for are tried alone, so that the others need no halving.
    """
    refusals: dict[str, str] = {}
    expected = (hook for hook in HOOKS if hook.wanted and not _is_trampoline(hook))
    others = ((hook,) for hook in HOOKS if not hook.wanted)
    for hooks in (tuple(filter(_is_trampoline, HOOKS)), tuple(expected), *others):
        refusals |= _probe(library, content, hooks)
    silent = () if _asks_bpf() else tuple(program for program in _DENYING if not refusals[program])
    return refusals | dict.fromkeys(silent, _NO_OPINION)


def _is_trampoline(hook: Hook) -> bool:
    return hook.tier in {Tier.TRAMPOLINES, Tier.LSM}


def _asks_bpf() -> bool:
    """Whether programs of the LSM are asked; they can be attached all the same. A pod looks where the host does."""
    for root in (Path("/"), Path("/proc/1/root")):
        try:
            return "bpf" in (root / SECURITY_MODULES).read_text().strip().split(",")
        except OSError:
            continue
    return False


def _probe(library: Library, content: bytes, hooks: Sequence[Hook]) -> dict[str, str]:
    error = _try(library, content, hooks)
    # A kernel that forbids one trampoline forbids them all.
    is_forbidden = getattr(error, "errno", 0) == errno.EPERM and all(map(_is_trampoline, hooks))
    if error is None or is_forbidden or len(hooks) == 1:
        return {hook.program: _reason(error, hook) for hook in hooks}
    half = len(hooks) // 2
    return _probe(library, content, hooks[:half]) | _probe(library, content, hooks[half:])


def _try(library: Library, content: bytes, hooks: Sequence[Hook]) -> SensorError | None:
    try:
        with Object(library, content) as candidate:
            candidate.resize("ring", os.sysconf("SC_PAGE_SIZE"))
            candidate.load([hook.program for hook in hooks])
            for hook in hooks:
                if hook.call is None:
                    candidate.attach(hook.program)
    except (LibbpfError, ObjectMismatchError) as error:
        return error
    return None


def _reason(error: SensorError | None, hook: Hook) -> str:
    if isinstance(error, LibbpfError) and error.errno in {errno.ENOENT, errno.ESRCH}:
        return f"this kernel has no {hook.section}"
    return str(error) if error else ""


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
    return (*(_hook_check(hook, refusals[hook.program]) for hook in HOOKS), *_coverage(refusals))


def _hook_check(hook: Hook, refusal: str) -> Check:
    seen = f"sees {hook.sight}" if hook.sight is not Sight.BLOCKING else str(hook.sight)
    return Check(hook.name, not refusal, refusal or seen, needed=hook.program == "on_exec")


def _coverage(refusals: Mapping[str, str]) -> tuple[Check, ...]:
    """The tier, and what is known to be hard to see."""
    try:
        plan = choose(refusals)
    except NothingToLoadError as error:
        return (Check("tier", ok=False, detail=str(error)),)
    inside = plan.tier is not Tier.CALLS
    noticed = not (refusals["on_io_uring"] and refusals["on_io_uring_before_6_3"])
    calls = inside or calls_known(os.uname().machine)
    return (
        Check("tier", ok=True, detail=f"{plan.tier}: {_TIERS[plan.tier]}"),
        Check("32-bit programs", calls, "seen" if calls else _UNKNOWN_MACHINE, needed=False),
        Check("opens through io_uring", inside, _IO_URING[inside, noticed], needed=False),
        Check("memory made code (mprotect)", inside, "seen" if inside else _NOT_INSIDE, needed=False),
        Check("UDP", ok=False, detail="not seen: it has no connections", needed=False),
        Check("blocking", plan.tier is Tier.LSM, _BLOCKS if plan.tier is Tier.LSM else _KILLS, needed=False),
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
