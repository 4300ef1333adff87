"""Runs inside the emulated machine (scripts/kernel-guest): every activity on every tier that its kernel has.

Plain Python and the sensor alone, because that is all there is. One line for each check, `ok` or `not ok`.
"""

import os
import platform
import subprocess
import sys
import traceback
from collections.abc import Callable

from tests.sensor.guest.stage import PYTHON, Container, list_plans

from deadlight.sensor.decode import Event, decode
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace, read_object
from deadlight.sensor.layout import Blocking, CgroupKey, EventFlags, EventKind, Subject, Verdict
from deadlight.sensor.libbpf import Library
from deadlight.sensor.programs import Plan, Tier


class Node:
    """A loaded kernel half and containers for it to watch."""

    def __init__(self, kernel: Kernel, tier: Tier) -> None:
        self.kernel, self.tier = kernel, tier
        self._events: list[Event] = []
        self._watched: set[CgroupKey] = set()
        self._ring = kernel.open_ring(self._take)

    def _take(self, record: bytes) -> None:
        event = decode(record)
        if event.cgroup in self._watched and event.kind is not EventKind.CGROUP_MADE:
            self._events.append(event)

    def run(self, *command: str, mode: Blocking = Blocking.OFF, **causes: bool) -> tuple[str, list[Event]]:
        """What a command in a new container printed, and what was reported of it."""
        container = Container()
        self._watched.add(container.key)
        self.kernel.decide(container.key, Verdict.WATCH)
        self.kernel.block(container.key, mode, **causes)
        done = subprocess.run(
            container.command(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        self._ring.read(0)
        found, self._events = self._events, []
        return done.stdout.decode(errors="replace"), found

    def shell(self, script: str, **options: object) -> tuple[str, list[Event]]:
        return self.run("/bin/sh", "-c", script, **options)  # type: ignore[arg-type]  # passed through

    def python(self, script: str) -> list[Event]:
        out, found = self.run(PYTHON, "-ISc", script)
        assert "Traceback" not in out, out
        return found

    def close(self) -> None:
        with self._ring:
            pass


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def of(kind: EventKind, events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind is kind]


def one(kind: EventKind, events: list[Event]) -> Event:
    found = of(kind, events)
    assert len(found) == 1, (kind, found)
    return found[0]


LIBC = "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True)\n"


def files(node: Node) -> None:
    out, events = node.shell("cat /etc/hostname; echo x > /made; echo x > /made; /bin/true; /bin/true")
    assert [event.path for event in of(EventKind.WRITTEN, events)] == ["/made"], (out, events)
    assert one(EventKind.WRITTEN, events).flags & EventFlags.UPPER
    (opened,) = [event for event in of(EventKind.OPENED, events) if event.path == "/etc/hostname"]
    assert opened.flags & EventFlags.TOOL
    assert not opened.flags & EventFlags.UPPER
    assert [event.path for event in of(EventKind.EXECUTED, events)].count("/usr/bin/true") == 1
    assert any("libc.so" in event.path for event in of(EventKind.MAPPED, events))


def ends(node: Node) -> None:
    _, events = node.shell("/bin/sh -c 'exit 3'; true")
    assert 3 in {os.waitstatus_to_exitcode(event.detail[0]) for event in of(EventKind.EXITED, events)}


def io_uring(node: Node) -> None:
    events = node.python(
        """
import ctypes, mmap, os, struct
libc = ctypes.CDLL(None, use_errno=True)
parameters = ctypes.create_string_buffer(120)
ring = libc.syscall(425, 1, parameters)
assert ring >= 0, ctypes.get_errno()
(tail,), (array,) = (struct.unpack_from("=I", parameters, offset) for offset in (44, 64))
queue = mmap.mmap(ring, array + 4)
entries = mmap.mmap(ring, 64, offset=0x10000000)
path = ctypes.create_string_buffer(b"/etc/issue.net")
struct.pack_into("=BBHiQQII", entries, 0, 18, 0, 0, -100, 0, ctypes.addressof(path), 0, os.O_RDONLY)
struct.pack_into("=I", queue, tail, 1)
assert libc.syscall(426, ring, 1, 1, 1, None, 0) == 1
"""
    )
    seen = "/etc/issue.net" in [event.path for event in of(EventKind.OPENED, events)]
    assert seen is (node.tier is not Tier.CALLS)
    assert bool(of(EventKind.IO_URING, events)) is not seen


def compat(node: Node) -> None:
    events = node.python(
        LIBC
        + """
low = libc.mmap
low.restype, low.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
page = low(None, 4096, 7, 0x62, -1, 0)
code = bytes.fromhex("53b805000000bb") + (page + 256).to_bytes(4, "little") + bytes.fromhex("31c931d2cd805bc3")
ctypes.memmove(page, code, len(code))
ctypes.memmove(page + 256, b"/etc/issue.net\\0", 15)
result = ctypes.CFUNCTYPE(ctypes.c_int)(page)()
assert result >= 0, result
"""
    )
    assert "/etc/issue.net" in [event.path for event in of(EventKind.OPENED, events)]


def protection(node: Node) -> None:
    events = node.python(
        LIBC
        + """
descriptor = os.open("/bin/true", os.O_RDONLY)
libc.mmap.restype = ctypes.c_void_p
place = libc.mmap(None, 4096, 1, 2, descriptor, 0)
assert libc.mprotect(ctypes.c_void_p(place), 4096, 5) == 0
"""
    )
    seen = "/usr/bin/true" in [event.path for event in of(EventKind.MAPPED, events)]
    assert seen is (node.tier is not Tier.CALLS)


def traces(node: Node) -> None:
    events = node.python(
        LIBC
        + """
import time
child = os.fork()
if not child:
    time.sleep(60)
assert libc.ptrace(16, child, None, None) == 0, ctypes.get_errno()
os.waitpid(child, 0)
os.kill(child, 9)
"""
    )
    assert one(EventKind.PTRACED, events).detail[0] == 16


def mounts(node: Node) -> None:
    _, events = node.shell("mount -t tmpfs deadlight /mnt")
    mount = of(EventKind.MOUNTED, events)[-1]
    assert mount.path == "/mnt"
    # A newer mount(8) makes the file system first and moves it into place, where nobody says what it is.
    assert mount.arguments in {("deadlight", "tmpfs"), ("", "")}, mount
    libc = node.python(LIBC + "assert libc.mount(b'source', b'/mnt', b'tmpfs', 0, None) == 0, ctypes.get_errno()")
    assert one(EventKind.MOUNTED, libc).arguments == ("source", "tmpfs")


def modules(node: Node) -> None:
    out, events = node.shell("insmod /deadlight/modules/dummy.ko || exit 0")
    assert "dummy" in [event.path for event in of(EventKind.MODULE_LOADED, events)], out
    subprocess.run(["rmmod", "dummy"], check=True)


def privileges(node: Node) -> None:
    _, events = node.shell("cp /usr/bin/id /suid; chmod 4755 /suid; setpriv --reuid=1234 --clear-groups /suid")
    assert (1234, 0) in [event.detail for event in of(EventKind.PRIVILEGE_CHANGED, events)], events
    assert ("/suid", 0o4755) in [
        (event.path, event.detail[0] & 0o7777) for event in of(EventKind.MODE_CHANGED, events)
    ], events


def no_privileges(node: Node) -> None:
    _, events = node.shell("setpriv --reuid=1234 --clear-groups /bin/true")
    assert of(EventKind.PRIVILEGE_CHANGED, events) == []


def namespaces(node: Node) -> None:
    _, events = node.shell("unshare --uts /bin/true; unshare --user /bin/true; nsenter --target 1 --mount /bin/true")
    flags = {event.detail[0] for event in of(EventKind.NAMESPACE_ENTERED, events)}
    refused = {0x10000000}  # a user namespace, to whom chroot(2) put into a directory; seen where it is asked for
    assert flags == {0x04000000, 0x00020000} | (set() if node.tier is Tier.CALLS else refused), flags


def connections(node: Node) -> None:
    events = node.python(
        """
import socket
server = socket.create_server(("127.0.0.1", 8099))
for _ in range(2):
    socket.create_connection(("127.0.0.1", 8099)).close()
"""
    )
    expected = ("127.0.0.1", (2 << 16 | 8099, 6))
    for kind in (EventKind.LISTENING, EventKind.CONNECTED):
        event = one(kind, events)
        assert (event.path, event.detail) == expected, event


def stopped(node: Node) -> None:
    out, events = node.shell(
        "cp /bin/echo /dropped; /dropped ran; /bin/echo status $?", mode=Blocking.ENFORCE, drift=True
    )
    flag, status = (EventFlags.DENIED, "status 126") if node.tier is Tier.LSM else (EventFlags.KILLED, "status 137")
    assert "ran\n" not in out, out
    assert status in out, out
    assert any(event.flags & flag for event in events if event.path == "/dropped"), events


def audited(node: Node) -> None:
    out, events = node.shell("cp /bin/echo /dropped; /dropped ran", mode=Blocking.AUDIT, drift=True)
    assert "ran\n" in out, out
    assert any(event.flags & EventFlags.WOULD_BLOCK for event in of(EventKind.EXECUTED, events)), events


def libraries_and_scripts(node: Node) -> None:
    script = r"""
cp /bin/echo /dropped
printf '#!/bin/sh\necho script ran\n' > /script; chmod +x /script; /script
/lib64/ld-linux-x86-64.so.2 /dropped loader ran
/usr/bin/python3 -ISc 'import os; d = os.memfd_create("x"); os.write(d, open("/bin/echo", "rb").read())
os.execv(f"/proc/self/fd/{d}", ["echo", "memory ran"])'
echo end
"""
    out, events = node.shell(script, mode=Blocking.ENFORCE, drift=True)
    assert out.rstrip().endswith("end"), out
    assert " ran" not in out.replace("script ran\\n", ""), out
    assert any(event.flags & EventFlags.DENIED for event in of(EventKind.MAPPED, events)), events


def counters(node: Node) -> None:
    node.python("for n in range(3000): open(f'/f{n % 1000}', 'w').close()")
    for subject, row in node.kernel.hook_counters().items():
        assert row["seen"] == sum(row[name] for name in row if name not in {"seen", "unremembered"}), (subject, row)
    assert node.kernel.hook_counters()[Subject.OPENS]["deduplicated"] > 1000


CHECKS: tuple[Callable[[Node], None], ...] = (
    files,
    ends,
    io_uring,
    compat,
    protection,
    traces,
    mounts,
    modules,
    privileges,
    no_privileges,
    namespaces,
    connections,
    stopped,
    audited,
    libraries_and_scripts,
    counters,
)
ONLY: dict[Callable[[Node], None], Tier] = {libraries_and_scripts: Tier.LSM}


def check(library: Library, plan: Plan) -> int:
    failures = 0
    with Kernel(library, read_object(), Config(find_host_mount_namespace(), 0), plan) as kernel:
        for function in CHECKS:
            if ONLY.get(function, plan.tier) is not plan.tier:
                continue
            node = Node(kernel, plan.tier)
            try:
                function(node)
            except Exception:  # noqa: BLE001 - one that fails must not hide the others
                failures += 1
                say(f"not ok {plan.tier} {function.__name__}: {traceback.format_exc()[-3000:]}")
            else:
                say(f"ok {plan.tier} {function.__name__}")
            node.close()
    return failures


def main() -> int:
    say(f"kernel {platform.release()}")
    library = Library(os.environ)
    refusals, plans = list_plans(library)
    say(f"refused: { ({program: reason for program, reason in refusals.items() if reason}) }")
    failures = 0
    for plan in plans:
        say(f"tier {plan.tier}: {' '.join(plan.programs)} {plan.problems}")
        failures += check(library, plan)
    say(f"{failures} failures")
    return failures


if __name__ == "__main__":
    sys.exit(main())
