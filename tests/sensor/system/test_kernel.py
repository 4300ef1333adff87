"""The kernel half by itself: what it reports once, what it counts, what it ignores."""

import ctypes
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from deadlight.sensor.decode import Event, decode
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace
from deadlight.sensor.layout import COUNTERS, NUMBER, CgroupKey, EventKind, Subject, Verdict
from deadlight.sensor.libbpf import LibbpfError, Object
from deadlight.sensor.programs import HOOKS, Plan, Tier
from deadlight.sensor.ring import Ring

pytestmark = pytest.mark.needs_bpf

PLAN = Plan(Tier.CALLS, ("on_exec", "on_cgroup_mkdir", "on_io_uring"), ())

MOST_INSTRUCTIONS = 50_000
"""For the verifier, which gives up at a million; a tenth of a second each on a slow machine."""


class Recorder:
    """Reads the ring and keeps the events of the test's containers: others' run on the machine at the same time."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.events: list[Event] = []
        self.groups: dict[str, CgroupKey] = {}

    def take(self, record: bytes) -> None:
        event = decode(record)
        if event.kind is EventKind.CGROUP_MADE:
            if event.path.startswith(self._prefix):
                self.groups[event.path] = event.cgroup
        elif event.cgroup in self.groups.values():
            self.events.append(event)

    def drain(self, ring: Ring) -> list[Event]:
        ring.read(0)
        found, self.events = self.events, []
        return found


@pytest.fixture
def kernel(library, built_object) -> Iterator[Kernel]:
    with Kernel(library, built_object, Config(find_host_mount_namespace(), 0), PLAN) as loaded:
        yield loaded


@pytest.fixture
def recorder(containers) -> Recorder:
    return Recorder(containers.prefix)


@pytest.fixture
def drain(kernel, recorder) -> Iterator[Callable[[], list[Event]]]:
    with kernel.open_ring(recorder.take) as ring:
        yield lambda: recorder.drain(ring)


def executed(events: list[Event]) -> list[str]:
    return [event.path for event in events if event.kind is EventKind.EXECUTED]


@pytest.mark.req("R19")
def test_a_program_that_runs_many_times_in_a_container_is_reported_once(kernel, drain, containers):
    containers.shell("for i in $(seq 50); do /bin/true; done")

    assert executed(drain()).count("/usr/bin/true") == 1
    assert kernel.hook_counters()[Subject.EXECUTIONS]["deduplicated"] >= 49


def test_the_same_program_in_another_container_is_reported_again(drain, containers):
    first, second = containers.shell("/bin/true"), containers.shell("/bin/true")
    found = [event.cgroup.id for event in drain() if event.path == "/usr/bin/true"]

    assert found == [containers.group(name).stat().st_ino for name in (first, second)]


def test_a_program_that_was_replaced_is_reported_again(drain, containers):
    containers.shell("cp /bin/true /app; /app; /app; chmod 700 /app; /app")

    assert executed(drain()).count("/app") == 2


def test_what_was_reported_is_reported_again_after_forgetting(kernel, drain, containers):
    _, process = containers.start("/bin/sh", "-c", "/bin/true; echo; read go; /bin/true")
    process.stdout.readline()
    assert executed(drain()).count("/usr/bin/true") == 1

    kernel.forget()
    process.communicate(b"\n", timeout=30)
    assert executed(drain()).count("/usr/bin/true") == 1


def test_a_group_that_is_to_be_ignored_says_nothing(kernel, drain, containers):
    _, process = containers.start("/bin/sh", "-c", "read go; /bin/true", name="ignored")
    while not (found := drain()):
        pass
    kernel.decide(found[0].cgroup, Verdict.IGNORE)
    skipped = kernel.hook_counters()[Subject.EXECUTIONS]["skipped"]
    process.communicate(b"\n", timeout=30)

    assert "/usr/bin/true" not in executed(drain())
    assert kernel.hook_counters()[Subject.EXECUTIONS]["skipped"] > skipped


def test_the_runtimes_steps_in_the_hosts_mount_namespace_are_not_the_containers(drain, containers):
    containers.shell("/bin/true")

    # `unshare`, `sh` and `mount` prepared the container in the same control group's parent, `python` entered it.
    assert executed(drain()) == ["/usr/bin/dash", "/usr/bin/true"]


def test_a_new_group_is_announced_before_anything_in_it(drain, recorder, containers):
    name = containers.run("/bin/true")
    drain()

    expected = CgroupKey(containers.group(name).stat().st_ino, 0)
    assert recorder.groups[f"{containers.prefix}/{name}"] == expected


OPEN_THROUGH_IO_URING = """
import ctypes, mmap, os, struct
libc = ctypes.CDLL(None, use_errno=True)
parameters = ctypes.create_string_buffer(120)
ring = libc.syscall(425, 1, parameters)  # io_uring_setup
if ring < 0:
    raise SystemExit("io_uring: " + os.strerror(ctypes.get_errno()))
(tail,), (array,) = (struct.unpack_from("=I", parameters, offset) for offset in (44, 64))
queue = mmap.mmap(ring, array + 4)
entries = mmap.mmap(ring, 64, offset=0x10000000)
path = ctypes.create_string_buffer(b"/etc/passwd")
openat, here = 18, -100
struct.pack_into("=BBHiQQII", entries, 0, openat, 0, 0, here, 0, ctypes.addressof(path), 0, os.O_RDONLY)
for number in (1, 2):
    struct.pack_into("=I", queue, tail, number)
    assert libc.syscall(426, ring, 1, 1, 1, None, 0) == 1  # io_uring_enter
"""
"""io_uring(7): one entry of the submission queue, submitted twice."""


def test_a_container_that_opens_files_through_io_uring_says_so_once(drain, containers):
    _, process = containers.start(sys.executable, "-S", "-c", OPEN_THROUGH_IO_URING)
    _, complaint = process.communicate(timeout=30)
    if b"io_uring: " in complaint:
        pytest.skip(complaint.decode().strip())

    assert [event.kind for event in drain()].count(EventKind.IO_URING) == 1


COPIES = 50
RUN_COPIES_AGAIN = f"""
mkdir /copies
for i in $(seq {COPIES}); do cp /bin/true /copies/$i; done
echo ready
while read go; do
    for copy in /copies/*; do $copy; done
    echo ready
done
"""


def test_what_a_full_ring_refuses_is_counted_and_reported_at_the_next_occasion(
    library, built_object, recorder, containers
):
    with Object(library, built_object) as small:
        small.resize("ring", os.sysconf("SC_PAGE_SIZE"))  # room for some 30 events
        small.configure(Config(find_host_mount_namespace(), 0).pack(Tier.CALLS))
        small.load(["on_exec", "on_cgroup_mkdir"])
        small.attach("on_cgroup_mkdir")
        with Ring(small.map("ring"), recorder.take) as ring:
            _, process = containers.start("/bin/sh", "-c", RUN_COPIES_AGAIN)
            process.stdout.readline()
            recorder.drain(ring)
            small.attach("on_exec")
            passes: list[list[str]] = []
            while sum(map(len, passes)) < COPIES and len(passes) < COPIES:  # other containers want room, too
                process.stdin.write(b"\n")
                process.stdin.flush()
                process.stdout.readline()
                passes.append([path for path in executed(recorder.drain(ring)) if path.startswith("/copies/")])
            lost = sum(
                counters[3]
                for counters in COUNTERS.iter_unpack(small.map("stats").find(NUMBER.pack(Subject.EXECUTIONS)) or b"")
            )

    assert lost >= COPIES - len(passes[0]) > 0
    assert sorted(path for found in passes for path in found) == sorted(f"/copies/{i + 1}" for i in range(COPIES))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.program)
def test_the_verifier_has_little_work_with_a_program(library, built_object, hook):
    set_log_level = library._library.bpf_program__set_log_level
    set_log_level.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    with Object(library, built_object) as found:
        set_log_level(found._programs[hook.program], 4)  # BPF_LOG_STATS
        try:
            found.load([hook.program])
        except LibbpfError as error:
            forbidden = error.errno == errno.EPERM and hook.section.startswith(("fentry/", "lsm/"))
            if error.errno != errno.ESRCH and not forbidden:
                raise
            pytest.skip(f"this kernel refuses {hook.section}: {error} (make kernels tries others)")
        instructions = re.search(r"processed (\d+) insns", found.verifier_log())

    assert instructions
    assert int(instructions[1]) < MOST_INSTRUCTIONS
