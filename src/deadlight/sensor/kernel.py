"""The kernel half, loaded: what it is told, what it counts, what it sends."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import CGROUP_KEY, CONFIG, COUNTERS, COUNTERS_FIELDS, VERDICT, CgroupKey, Verdict
from deadlight.sensor.libbpf import Library, Object
from deadlight.sensor.programs import Plan
from deadlight.sensor.ring import Ring

OBJECT = Path(__file__).parent / "objects" / "sensor.bpf.o"

_ONLY = bytes(4)
"""The key of a map with one entry."""

_NAMESPACE = re.compile(r"mnt:\[([0-9]+)\]")


class ObjectMissingError(SensorError):
    """The compiled object is not there."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the object is told before it is loaded; 0 where the machine has no such thing."""

    host_mount_namespace: int
    v1_hierarchy: int


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
        self._library = library
        self._object = Object(library, content)
        try:
            self._object.configure(CONFIG.pack(config.host_mount_namespace, config.v1_hierarchy))
            self._object.load(plan.programs)
            for program in plan.programs:
                self._object.attach(program)
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
        return Ring(self._library, self._object.map("ring"), on_record)

    def decide(self, cgroup: CgroupKey, verdict: Verdict) -> None:
        """Watch or ignore the tasks of a control group from now on.

        Raises:
            LibbpfError: there is no memory for it now.
        """
        self._object.map("verdicts").update(CGROUP_KEY.pack(cgroup.id, cgroup.hierarchy, 0), VERDICT.pack(verdict))

    def counters(self) -> dict[str, int]:
        """The kernel half's counters by name, summed over the processors."""
        raw = self._object.map("stats").find(_ONLY) or b""
        sums = map(sum, zip(*COUNTERS.iter_unpack(raw), strict=True))
        return dict(zip((name for name, _ in COUNTERS_FIELDS), sums, strict=False))

    def forget(self) -> None:
        """Have files that were reported before reported again."""
        self._object.map("seen").clear()
