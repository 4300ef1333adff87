"""Each activity, performed in a real container, is reported as what it is, once."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest

from deadlight.sensor.decode import Event, decode
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace
from deadlight.sensor.layout import REQUEST_WRITE_MEMORY, Blocking, CgroupKey, EventFlags, EventKind, Subject, Verdict
from deadlight.sensor.libbpf import Library
from deadlight.sensor.probe import probe_hooks
from deadlight.sensor.programs import choose

pytestmark = pytest.mark.needs_bpf


class Observer:
    """A kernel half with everything that this kernel accepts, and the events of the containers of one test."""

    def __init__(self, kernel: Kernel, prefix: str) -> None:
        self.kernel = kernel
        self._prefix = prefix
        self._events: list[Event] = []
        self._groups: dict[CgroupKey, str] = {}
        self._ring = kernel.open_ring(self._take)

    def _take(self, record: bytes) -> None:
        event = decode(record)
        if event.kind is EventKind.CGROUP_MADE and event.path.startswith(self._prefix):
            self._groups[event.cgroup] = event.path
            self.kernel.decide(event.cgroup, Verdict.WATCH)
        elif event.cgroup in self._groups:
            self._events.append(event)

    def drain(self, *kinds: EventKind) -> list[Event]:
        """What happened since the last time, of these kinds."""
        self._ring.read_rest()
        found, self._events = self._events, []
        return [event for event in found if not kinds or event.kind in kinds]

    def group(self) -> CgroupKey:
        """The container that was made last."""
        return next(reversed(self._groups))

    def close(self) -> None:
        with self._ring:
            pass


@pytest.fixture(scope="module")
def kernel(built_object: bytes) -> Iterator[Kernel]:
    library = Library(os.environ)
    plan = choose(probe_hooks(library, built_object))
    with Kernel(library, built_object, Config(find_host_mount_namespace(), 0), plan) as loaded:
        yield loaded


@pytest.fixture
def observer(kernel, containers) -> Iterator[Observer]:
    found = Observer(kernel, containers.prefix)
    found.drain()
    yield found
    found.close()


@pytest.fixture
def python(containers) -> Callable[[str], str]:
    """Runs a Python program in a container."""
    return lambda program: containers.run(sys.executable, "-I", "-S", "-c", program)


LIBC = "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True)\n"


def test_the_end_of_a_program_that_was_told_of_is_told_with_its_status(observer, containers):
    containers.shell("/bin/sh -c 'exit 3' || true; /bin/true")
    events = observer.drain(EventKind.EXECUTED, EventKind.EXITED)
    pid = next(event.pid for event in events if event.arguments[-1:] == ("exit 3",))

    (end,) = [event for event in events if event.kind is EventKind.EXITED and event.pid == pid]
    assert os.waitstatus_to_exitcode(end.detail[0]) == 3
    assert {event.pid for event in events if event.kind is EventKind.EXECUTED} == {
        event.pid for event in events if event.kind is EventKind.EXITED
    }


def test_the_same_program_with_other_arguments_is_another_process(observer, containers):
    containers.shell("/bin/echo a; /bin/echo b; /bin/echo a")
    commands = [event.arguments for event in observer.drain(EventKind.EXECUTED) if event.path.endswith("/echo")]

    assert commands == [("/bin/echo", "a"), ("/bin/echo", "b")]


def test_a_process_says_who_its_parent_and_its_user_are(observer, containers):
    containers.shell("/usr/bin/setpriv --reuid=1234 --clear-groups /bin/true")
    shell, setpriv, true = observer.drain(EventKind.EXECUTED)

    assert (setpriv.parent_pid, setpriv.user) == (shell.pid, 0)
    assert (true.pid, true.user) == (setpriv.pid, 1234)
    assert (true.inode, true.mode & 0o777) != (0, 0)


def test_files_that_are_made_and_changed_are_told_once(observer, python):
    python("for n in range(3):\n open('/tmp/made', 'a').write('x')\nopen('/etc/hostname', 'r+').close()")
    written = observer.drain(EventKind.WRITTEN)

    assert [event.path for event in written] == ["/tmp/made", "/etc/hostname"]
    assert all(event.flags & EventFlags.UPPER for event in written)


def test_ways_out_are_told_and_questions_to_the_kernel_are_not(observer, containers):
    # Opened and closed again: nothing is written.
    containers.shell(
        ": >> /proc/sys/kernel/core_pattern; exec 3< /proc/1/mem; mknod /dev/mydisk b 7 0; exec 3< /dev/mydisk;"
        "cat /proc/meminfo /proc/sys/kernel/core_pattern /proc/self/status > /dev/null;"
        "echo 0 > /proc/self/oom_score_adj"
    )
    events = observer.drain(EventKind.OPENED, EventKind.WRITTEN)

    assert [(event.kind, event.path) for event in events if event.path.startswith(("/proc/", "/dev/m"))] == [
        (EventKind.WRITTEN, "/proc/sys/kernel/core_pattern"),
        (EventKind.OPENED, "/proc/1/mem"),
        (EventKind.OPENED, "/dev/mydisk"),
    ]


def test_what_one_program_does_hides_no_other(observer, containers):
    containers.shell("mount -t tmpfs a /mnt; cp /bin/mount /other; /other -t tmpfs a /mnt")

    assert {"mount", "other"} <= {event.process for event in observer.drain(EventKind.MOUNTED)}


def test_an_execution_has_the_numbers_of_those_above_its_parent(observer, containers):
    containers.shell("/bin/sh -c '(/bin/true; /bin/echo); /bin/true 2'; /bin/true 3")
    first, middle, fork, *_ = observer.drain(EventKind.EXECUTED)

    assert middle.parent_pid == first.pid
    assert fork.detail[0] == middle.pid
    assert fork.detail[1] == first.pid


def test_what_only_tools_open_is_marked_and_hides_nothing(observer, containers):
    containers.shell(
        f"cat /etc/debian_version; cp {sys.executable} /reader; exec {sys.executable} -ISc "
        '\'open("/etc/debian_version"); open("/etc/issue")\''
    )
    opened = observer.drain(EventKind.OPENED)

    assert [
        (event.process, bool(event.flags & EventFlags.TOOL)) for event in opened if event.path == "/etc/debian_version"
    ] == [("cat", True), ("python", False)]


def test_a_tool_adds_nothing_to_what_others_opened(observer, containers):
    containers.shell(f"{sys.executable} -ISc 'open(\"/etc/debian_version\")'; cat /etc/debian_version")

    assert [event.process for event in observer.drain(EventKind.OPENED) if event.path == "/etc/debian_version"] == [
        "python"
    ]


def test_every_use_of_a_watched_file_is_told_but_no_flood(observer, containers):
    _, process = containers.start(
        sys.executable, "-ISc", "import sys\nfor line in sys.stdin:\n open('/etc/shadow').close(); print(flush=True)"
    )

    def use() -> list[str]:
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        return [event.path for event in observer.drain(EventKind.OPENED) if event.path == "/etc/shadow"]

    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()
    (first,) = [event for event in observer.drain(EventKind.OPENED) if event.path == "/etc/shadow"]
    assert use() == []
    observer.kernel.watch_file(first.cgroup, first.device, first.inode)
    assert use() == ["/etc/shadow"]
    assert use() == []


def test_everything_of_a_container_is_told_again_when_asked_for(observer, containers):
    _, process = containers.start("/bin/sh", "-c", "/bin/true; echo; read go; /bin/true; echo; read go")
    process.stdout.readline()
    before = {(event.kind, event.path) for event in observer.drain()}
    observer.kernel.report_again(observer.group())
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()

    again = {(event.kind, event.path) for event in observer.drain()}
    assert (EventKind.EXECUTED, "/usr/bin/true") in before & again


TRACE = """
import time
child = os.fork()
if not child:
    time.sleep(30)
assert libc.ptrace(16, child, None, None) == 0, ctypes.get_errno()  # PTRACE_ATTACH
os.waitpid(child, 0)
word = ctypes.c_long(1)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
here = Vector(ctypes.addressof(word), 8)
libc.process_vm_writev(child, ctypes.byref(here), 1, ctypes.byref(here), 1, 0)
os.kill(child, 9)
"""


def test_a_process_that_takes_over_another_is_told(observer, python):
    python(LIBC + TRACE)
    traced = observer.drain(EventKind.PTRACED)

    assert [event.detail[0] for event in traced] == [16, REQUEST_WRITE_MEMORY]
    assert len({event.detail[1] for event in traced}) == 1


def test_a_mount_is_told_with_source_and_type(observer, containers):
    containers.shell("mount -t tmpfs deadlight /mnt; mount -t nothing x /mnt 2>/dev/null || true; umount /mnt")

    mounts = {(event.path, event.arguments) for event in observer.drain(EventKind.MOUNTED)}
    assert ("/mnt", ("deadlight", "tmpfs")) in mounts or ("/mnt", ("", "")) in mounts
    assert ("/mnt", ("x", "nothing")) not in mounts


def test_a_process_that_becomes_root_is_told(observer, containers):
    containers.shell(
        "cp /usr/bin/id /suid; chmod 4755 /suid; /usr/bin/setpriv --reuid=1234 --clear-groups /bin/sh -c /suid"
    )
    (gain,) = observer.drain(EventKind.PRIVILEGE_CHANGED)

    assert gain.detail == (1234, 0)
    assert gain.process == "suid"


def test_a_system_call_that_gains_privileges_is_told(observer, containers):
    capable = "setpriv --reuid=1234 --clear-groups --inh-caps=+setuid --ambient-caps=+setuid"
    containers.shell(f"{capable} setpriv --reuid=0 /bin/true")

    assert (1234, 0) in {event.detail for event in observer.drain(EventKind.PRIVILEGE_CHANGED)}


def test_a_service_that_lays_its_privileges_down_for_a_while_gains_none(observer, python):
    python("import os; os.setresuid(1234, 1234, 0); os.setresuid(0, 0, 0)")

    assert observer.drain(EventKind.PRIVILEGE_CHANGED) == []


def test_giving_up_privileges_is_not(observer, containers):
    containers.shell("/usr/bin/setpriv --reuid=1234 --clear-groups /bin/true")

    assert observer.drain(EventKind.PRIVILEGE_CHANGED) == []


def test_a_process_that_makes_and_enters_namespaces_is_told(observer, containers):
    containers.shell("unshare --uts /bin/true; nsenter --mount=/proc/self/ns/mnt /bin/true")
    entered = observer.drain(EventKind.NAMESPACE_ENTERED)

    assert (0x04000000, 0) in {event.detail for event in entered}
    assert (0x00020000, 0) in {event.detail for event in entered}


def test_a_file_that_becomes_a_program_is_told_wherever_it_is_named_from(observer, containers):
    containers.shell("cd /tmp; echo > a; echo > b; chmod 600 a; chmod 4755 a; chmod +x /tmp/b")
    changed = [(event.path, event.detail[0]) for event in observer.drain(EventKind.MODE_CHANGED)]

    assert changed == [("/tmp/a", 0o4755), ("/tmp/b", 0o755)]


def test_a_file_is_told_by_its_descriptor(observer, python):
    python("import os; os.fchmod(os.open('/tmp/c', os.O_CREAT | os.O_WRONLY), 0o700)")

    assert [event.path for event in observer.drain(EventKind.MODE_CHANGED)] == ["/tmp/c"]


CONNECT = """
import socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        server = socket.socket(family)
        server.bind((address, 0))
    except OSError:
        continue
    server.listen()
    for _ in range(3):
        socket.create_connection(server.getsockname()[:2]).close()
    print(int(family), server.getsockname()[1])
"""


def test_connections_and_listeners_are_told_once_with_address_and_port(observer, containers):
    _, process = containers.start(sys.executable, "-ISc", CONNECT)
    out, _ = process.communicate(timeout=30)
    expected = [tuple(map(int, line.split())) for line in out.decode().splitlines()]
    addresses = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
    found = observer.drain(EventKind.CONNECTED, EventKind.LISTENING)

    assert expected
    assert [(event.kind, event.path, event.detail) for event in found] == [
        (kind, addresses[socket.AddressFamily(family)], (family << 16 | port, socket.IPPROTO_TCP))
        for family, port in expected
        for kind in (EventKind.LISTENING, EventKind.CONNECTED)
    ]


OPEN_AS_32_BITS = """
import mmap
low = libc.mmap
low.restype, low.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
page = low(None, 4096, 7, 0x62, -1, 0)  # MAP_32BIT: such a program's addresses have 32 bits
path = b"/etc/issue.net\\0"
code = bytes.fromhex("53b805000000bb") + (page + 256).to_bytes(4, "little") + bytes.fromhex("31c931d2cd805bc3")
ctypes.memmove(page, code, len(code))
ctypes.memmove(page + 256, path, len(path))
result = ctypes.CFUNCTYPE(ctypes.c_int)(page)()
if result < 0:
    sys.exit("32-bit system calls: " + os.strerror(-result))
"""
"""push rbx; mov eax, 5 (open of i386); mov ebx, path; xor ecx, ecx; xor edx, edx; int 0x80; pop rbx; ret."""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the machine code is for x86-64")
def test_a_file_opened_with_a_32_bit_system_call_is_told(observer, containers):
    _, process = containers.start(sys.executable, "-ISc", LIBC + OPEN_AS_32_BITS)
    _, complaint = process.communicate(timeout=30)
    if process.returncode:
        pytest.skip(f"this kernel has no 32-bit system calls ({complaint.decode()[-80:].strip()})")

    assert "/etc/issue.net" in [event.path for event in observer.drain(EventKind.OPENED)]


# --- blocking --------------------------------------------------------------------------------------------


def drop_and_run(containers, observer, mode: Blocking, **causes: bool) -> tuple[str, list[Event]]:
    _, process = containers.start(
        "/bin/sh", "-c", "cp /bin/echo /dropped; echo; read go; /dropped ran; /bin/echo status $?"
    )
    process.stdout.readline()
    observer.drain()
    observer.kernel.block(observer.group(), mode, **causes)
    out, _ = process.communicate(b"\n", timeout=30)
    return out.decode(), [event for event in observer.drain(EventKind.EXECUTED) if event.path == "/dropped"]


def test_a_program_that_is_not_the_images_own_is_killed_before_its_first_instruction(observer, containers):
    out, (event,) = drop_and_run(containers, observer, Blocking.ENFORCE, drift=True)

    assert "ran" not in out
    assert f"status {128 + signal.SIGKILL}" in out
    assert event.flags & EventFlags.KILLED


def test_who_is_let_into_a_container_is_no_runtime_by_becoming_a_program_of_a_file_system_in_memory(
    observer, containers
):
    container_id, process = containers.start("/bin/sh", "-c", "cp /bin/echo /dev/shm/x; echo; read go")
    process.stdout.readline()
    group = containers.group(container_id)
    pid = (group / "cgroup.procs").read_text().split()[0]
    observer.drain()
    observer.kernel.block(observer.group(), Blocking.ENFORCE, drift=True)
    into = ["nsenter", f"--mount=/proc/{pid}/ns/mnt", f"--root=/proc/{pid}/root", "/bin/sh", "-c"]
    joined = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group), *into, "exec /dev/shm/x ran"]
    entered = subprocess.run(joined, stdout=subprocess.PIPE, timeout=30, check=False)
    process.communicate(b"\n", timeout=30)

    assert (entered.stdout, entered.returncode) == (b"", -signal.SIGKILL)


def test_an_audit_says_what_would_have_been_stopped_and_stops_nothing(observer, containers):
    out, (event,) = drop_and_run(containers, observer, Blocking.AUDIT, drift=True)

    assert "ran" in out
    assert event.flags & EventFlags.WOULD_BLOCK


@pytest.mark.parametrize("mode", [Blocking.OFF, Blocking.ENFORCE])
def test_nothing_is_stopped_that_no_policy_is_against(observer, containers, mode):
    out, (event,) = drop_and_run(containers, observer, mode)

    assert "ran" in out
    assert not event.flags & (EventFlags.KILLED | EventFlags.WOULD_BLOCK)


def test_a_file_that_was_denied_is_killed_until_it_changes(observer, containers):
    script = (
        "/bin/echo once; echo; read go; /bin/echo twice; echo; read go; cp /bin/echo /e; cp /e /bin/echo; /bin/echo 3"
    )
    _, process = containers.start("/bin/sh", "-c", script)
    assert process.stdout.readline() == b"once\n"
    process.stdout.readline()
    echo = next(event for event in observer.drain(EventKind.EXECUTED) if event.path.endswith("/echo"))
    observer.kernel.block(observer.group(), Blocking.ENFORCE, mismatch=True)
    observer.kernel.deny_file(echo.device, echo.inode, echo.changed_at)
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()
    (killed,) = [event for event in observer.drain(EventKind.EXECUTED) if event.path.endswith("/echo")]
    out, _ = process.communicate(b"\n", timeout=30)

    assert killed.flags & EventFlags.KILLED
    assert out == b"3\n"


# --- counters --------------------------------------------------------------------------------------------


PARTS = ("sent", "deduplicated", "lost", "skipped", "filtered")


def read_settled(kernel: Kernel) -> Mapping[Subject, Mapping[str, int]]:
    """The counters at a moment at which they add up: everything on the machine opens files while they are read."""
    for _ in range(1_000):
        counters = kernel.hook_counters()
        if all(row["seen"] == sum(row[part] for part in PARTS) for row in counters.values()):
            return counters
    raise AssertionError(counters)


@pytest.mark.req("R20")
def test_what_was_seen_in_a_burst_is_accounted_for_to_the_last_event(observer, containers):
    before = read_settled(observer.kernel)
    containers.shell("for i in $(seq 300); do echo $i > /tmp/$((i % 50)); cat /tmp/$((i % 50)) > /dev/null; done")
    containers.run(sys.executable, "-ISc", "for n in range(40000): open(f'/tmp/{n:0>200}', 'w').close()")
    after = read_settled(observer.kernel)

    assert after[Subject.OPENS]["sent"] - before[Subject.OPENS]["sent"] > 1000
    assert after[Subject.OPENS]["deduplicated"] - before[Subject.OPENS]["deduplicated"] > 100
    assert after[Subject.OPENS]["lost"] > before[Subject.OPENS]["lost"]
