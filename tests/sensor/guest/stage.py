"""What programs in the emulated machine act on: the plan of every tier that its kernel has, and containers."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from deadlight.sensor.kernel import read_object
from deadlight.sensor.layout import CgroupKey
from deadlight.sensor.libbpf import Library
from deadlight.sensor.probe import probe_hooks
from deadlight.sensor.programs import HOOKS, Plan, Tier, choose

PYTHON = "/usr/bin/python3"

_GROUPS = Path("/sys/fs/cgroup/kubepods")
_PREPARE = """
mount -t tmpfs none "$0" && mkdir "$0/upper" "$0/work" "$0/root" &&
mount -t overlay none -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root" &&
mount -t proc proc "$0/root/proc" && mount -t tmpfs none "$0/root/tmp" &&
mount -t devtmpfs dev "$0/root/dev" && exec "$@"
"""
_ENTER = """
import os, sys
root, group, *command = sys.argv[1:]
with open(group + "/cgroup.procs", "w") as processes:
    processes.write("0")
os.chroot(root)
os.chdir("/")
os.execv(command[0], command)
"""


def list_plans(library: Library) -> tuple[dict[str, str], list[Plan]]:
    """What the kernel refuses, and a plan for every tier, the best first."""
    refusals = probe_hooks(library, read_object())
    worse = ((), (Tier.LSM,), (Tier.LSM, Tier.TRAMPOLINES))
    return refusals, [
        choose(refusals | {hook.program: "not this time" for hook in HOOKS if hook.tier in tiers}) for tiers in worse
    ]


class Container:
    """A container as far as a kernel can tell: a control group, a mount namespace, a layer over the machine's files."""

    def __init__(self) -> None:
        name = secrets.token_hex(32)
        self._group, self._place = _GROUPS / name, Path("/run") / name
        self._group.mkdir(parents=True)
        self._place.mkdir()
        self.key = CgroupKey(self._group.stat().st_ino, 0)

    def command(self, command: Sequence[str]) -> list[str]:
        """What runs `command` in it."""
        enter = [PYTHON, "-ISc", _ENTER, f"{self._place}/root", str(self._group), *command]
        return ["unshare", "--mount", "sh", "-c", _PREPARE, str(self._place), *enter]
