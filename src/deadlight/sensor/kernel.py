"""The kernel half, loaded: what it is told, what it counts, what it sends."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deadlight.sensor.calls import call_numbers
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import (
    BLOCKING,
    CGROUP_KEY,
    COMM,
    CONFIG,
    COUNTERS,
    COUNTERS_FIELDS,
    FILE_KEY,
    GROUP,
    NUMBER,
    SEEN_KEY,
    Blocking,
    CgroupKey,
    EventKind,
    Subject,
    Verdict,
)
from deadlight.sensor.libbpf import Library, Object
from deadlight.sensor.programs import Plan, Tier, calls_of
from deadlight.sensor.ring import Ring
from deadlight.sensor.tools import TOOLS

OBJECT = Path(__file__).parent / "objects" / "sensor.bpf.o"

_YES = NUMBER.pack(1)
"""The value of a map whose keys alone matter."""

_NAMESPACE = re.compile(r"mnt:\[([0-9]+)\]")


class ObjectMissingError(SensorError):
    """The compiled object is not there."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the object is told before it is loaded; 0 where the machine has no such thing."""

    host_mount_namespace: int
    v1_hierarchy: int

    def pack(self, tier: Tier) -> bytes:
        """As the object has it."""
        numbers = call_numbers(os.uname().machine)
        return CONFIG.pack(self.host_mount_namespace, self.v1_hierarchy, tier is Tier.LSM, numbers)


def read_object(path: Path = OBJECT) -> bytes:
    """The compiled object.

    Raises:
        ObjectMissingError: it has not been built.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ObjectMissingError(f"cannot read {path}: {error.strerror} (build it with scripts/build-bpf)") from error


def find_host_mount_namespace(proc: Path = Path("/proc")) -> int:
    """The number of the host's mount namespace: the first process's, else our own; 0 where neither can be read."""
    for process in ("1", "self"):
        try:
            match = _NAMESPACE.fullmatch(str((proc / process / "ns/mnt").readlink()))
        except OSError:
            continue
        if match:
            return int(match[1])
    return 0


class Kernel:
    """The object with its programs attached; a context manager that leaves nothing behind in the kernel."""

    def __init__(self, library: Library, content: bytes, config: Config, plan: Plan) -> None:
        """Load and attach what `plan` says. From here on events collect in the ring.

        Raises:
            LibbpfError: the kernel refuses something that it accepted when asked before.
        """
        self._object = Object(library, content)
        try:
            self._object.configure(config.pack(plan.tier))
            self._object.load(plan.programs)
            for name in TOOLS:
                self._object.map("tools").update(COMM.pack(name.encode()), _YES)
            self._attach(plan.programs)
        except BaseException:
            self._object.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._object.close()

    def open_ring(self, on_record: Callable[[bytes], None]) -> Ring:
        """The ring of events, to be closed before the kernel half."""
        return Ring(self._object.map("ring"), on_record)

    def _attach(self, programs: tuple[str, ...]) -> None:
        """Those for system calls take their places before the one that calls them is attached."""
        calls = calls_of(programs)
        for program, call in calls.items():
            descriptor = self._object.descriptor_of(program)
            self._object.map("handlers").update(NUMBER.pack(call), NUMBER.pack(descriptor))
        for program in programs:
            if program not in calls:
                self._object.attach(program)

    def decide(self, cgroup: CgroupKey, verdict: Verdict) -> None:
        """Watch or ignore the tasks of a control group from now on.

        Raises:
            LibbpfError: there is no memory for it now.
        """
        _, generation = self._group(cgroup)
        self._set_group(cgroup, verdict, generation)

    def report_again(self, cgroup: CgroupKey) -> None:
        """Have everything of a control group that was reported before reported again.

        Raises:
            LibbpfError: there is no memory for it now.
        """
        verdict, generation = self._group(cgroup)
        self._set_group(cgroup, verdict, (generation + 1) % 2**32)

    def _group(self, cgroup: CgroupKey) -> tuple[Verdict, int]:
        known = self._object.map("groups").find(CGROUP_KEY.pack(*cgroup, 0))
        verdict, generation = GROUP.unpack(known) if known else (Verdict.WATCH, 0)
        return Verdict(verdict), generation

    def _set_group(self, cgroup: CgroupKey, verdict: Verdict, generation: int) -> None:
        self._object.map("groups").update(CGROUP_KEY.pack(*cgroup, 0), GROUP.pack(verdict, generation))

    def watch_file(self, cgroup: CgroupKey, device: int, inode: int) -> None:
        """Have every use of a file reported from now on, once a second at most for each control group.

        The file is named as an event of `cgroup` names it.

        Raises:
            LibbpfError: there is no memory for it now.
        """
        self._object.map("watched").update(FILE_KEY.pack(inode, 0, device, 0), _YES)
        for kind in (EventKind.OPENED, EventKind.WRITTEN, EventKind.MAPPED):
            for tool in (0, 1):
                self._object.map("seen").remove(SEEN_KEY.pack(*cgroup, 0, inode, device, kind, tool))

    def block(self, cgroup: CgroupKey, mode: Blocking, *, drift: bool = False, mismatch: bool = False) -> None:
        """Stop programs of a control group from now on: those that are not the image's own, those that were denied.

        Raises:
            LibbpfError: there is no room for more.
        """
        key = CGROUP_KEY.pack(*cgroup, 0)
        if mode is Blocking.OFF:
            self._object.map("blocked").remove(key)
        else:
            self._object.map("blocked").update(key, BLOCKING.pack(mode, drift, mismatch))

    def deny_file(self, device: int, inode: int, changed_at: int) -> None:
        """Take a file, as it is now, for one whose content is not the image's; named as an event names it.

        Raises:
            LibbpfError: there is no room for more.
        """
        self._object.map("denied").update(FILE_KEY.pack(inode, changed_at, device, 0), _YES)

    def allow_files(self, keep: Iterable[tuple[int, int, int]] = ()) -> None:
        """Forget the denied files but for those of `keep`, each (device, inode, changed_at)."""
        kept = {FILE_KEY.pack(inode, changed_at, device, 0) for device, inode, changed_at in keep}
        denied = self._object.map("denied")
        for key in set(denied.iter_keys()) - kept:
            denied.remove(key)

    def hook_counters(self) -> Mapping[Subject, Mapping[str, int]]:
        """What became of what was seen, by subject: seen = sent + deduplicated + lost + skipped + filtered.

        Summed over the processors, which go on counting meanwhile.
        """
        return {subject: self._counters_of(subject) for subject in Subject}

    def _counters_of(self, subject: Subject) -> dict[str, int]:
        raw = self._object.map("stats").find(NUMBER.pack(subject)) or b""
        sums = map(sum, zip(*COUNTERS.iter_unpack(raw), strict=True))
        return dict(zip((name for name, _ in COUNTERS_FIELDS), sums, strict=False))

    def count_missed(self) -> int:
        """How often the kernel did not run a program, because it had interrupted the same one; no counter has those."""
        return self._object.missed()

    def forget(self) -> None:
        """Have everything that was reported before reported again."""
        self._object.map("seen").clear()
