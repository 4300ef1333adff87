"""Which control groups the kernel half stops programs in, by the policy in force. Pure but for what it is given."""

from collections.abc import Callable, Iterable

from deadlight.model.detection import BlockingMode
from deadlight.model.wire import BlockingPolicy
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import Blocking, CgroupKey

MODES = {
    BlockingMode.OFF: Blocking.OFF,
    BlockingMode.AUDIT: Blocking.AUDIT,
    BlockingMode.ENFORCE: Blocking.ENFORCE,
}

Block = Callable[[CgroupKey, Blocking, bool, bool], None]
"""Tells the kernel half the mode, and whether it is about drift and about mismatches; raises SensorError."""

_NOTHING = (Blocking.OFF, False, False)


class Blocker:
    """Remembers what the kernel half was told, and tells it what changes."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._told: dict[CgroupKey, tuple[Blocking, bool, bool]] = {}
        self.refused = 0
        """Groups of which the kernel half had no room for the policy: nothing is stopped there."""

    def follow(self, policy: BlockingPolicy, groups: Iterable[tuple[CgroupKey, str]]) -> None:
        """Have the policy in force in `groups`, each with its container; groups that are gone are forgotten."""
        named = frozenset(policy.container_ids)
        wanted = (MODES[policy.mode], policy.drift, policy.mismatch)
        told = {}
        for cgroup, container_id in groups:
            setting = wanted if container_id in named else _NOTHING
            if setting != self._told.get(cgroup, _NOTHING):
                self._tell(cgroup, setting)
            if setting != _NOTHING:
                told[cgroup] = setting
        self._told = told

    def _tell(self, cgroup: CgroupKey, setting: tuple[Blocking, bool, bool]) -> None:
        try:
            self._block(cgroup, *setting)
        except SensorError:
            self.refused += 1
