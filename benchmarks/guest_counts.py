"""Runs inside the emulated machine (scripts/kernel-guest): counts the instructions of operations under each watcher.

One line of JSON for each watcher and place, `{"watcher", "place", "medians"}`: nothing, the hooks of every tier that
the kernel has, bpftrace, and nothing once more. bpftrace has this program run again: its probes are attached by then.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from tests.sensor.guest.stage import Container, list_plans

from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace, read_object
from deadlight.sensor.layout import CgroupKey, Verdict
from deadlight.sensor.libbpf import Library

COUNT = 200
IN_CONTAINER = ("ruler", "call", "open", "new", "map", "exec", "connect")
ON_HOST = ("call", "open", "exec")

_OPERATIONS = ("/bench/operations", str(COUNT), "/bench/files", "/bench/tiny")

_TRACE = """
tracepoint:syscalls:sys_enter_openat { @opened[cgroup, str(args->filename)] = count(); }
tracepoint:syscalls:sys_enter_mmap /args->prot & 4/ { @mapped[cgroup, args->fd] = count(); }
tracepoint:sched:sched_process_exec { @executed[cgroup, str(args->filename)] = count(); }
tracepoint:sock:inet_sock_set_state { @connected[cgroup, args->dport] = count(); }
END { clear(@opened); clear(@mapped); clear(@executed); clear(@connected); }
"""
"""What the sensor does for what it has seen before: counted in the kernel for each control group and what it was."""


def _run(command: list[str]) -> dict[str, int]:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    medians: dict[str, int] = json.loads(done.stdout)
    return medians


def count(watcher: str, watch: Callable[[CgroupKey], None]) -> None:
    """Print what the operations take in a new container, of which `watch` is told before, and outside of any."""
    container = Container()
    watch(container.key)
    found = {
        "container": _run(container.command([*_OPERATIONS, *IN_CONTAINER])),
        "host": _run([*_OPERATIONS, *ON_HOST]),
    }
    for place, medians in found.items():
        print(json.dumps({"watcher": watcher, "place": place, "medians": medians}), flush=True)


def _count_unwatched(watcher: str) -> None:
    count(watcher, lambda _: None)


def _count_every_tier() -> None:
    library = Library(os.environ)
    _, plans = list_plans(library)
    for plan in plans:
        with Kernel(library, read_object(), Config(find_host_mount_namespace(), 0), plan) as kernel:
            count(plan.tier, partial(kernel.decide, verdict=Verdict.WATCH))


def main() -> None:
    _count_unwatched("nothing yet")  # a fresh machine has memory at hand that none has later
    _count_unwatched("nothing")
    _count_every_tier()
    subprocess.run(["bpftrace", "-e", _TRACE, "-c", "/usr/bin/python3 -m benchmarks.guest_counts bpftrace"], check=True)
    _count_unwatched("nothing again")


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else _count_unwatched(sys.argv[1])
