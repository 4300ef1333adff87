"""The whole sensor on this kernel, watching containers that need no runtime."""

import ctypes
import os
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from deadlight.model.observation import Grade
from deadlight.sensor.decode import CUT

pytestmark = pytest.mark.needs_bpf

LIBC = "libc.so.6"

MEMFD = """\
import os; f = os.memfd_create("payload"); os.write(f, open("/bin/true", "rb").read()); os.execve(f, ["kworker"], {})"""

READ_ENTRY = "import sys; jar = open(sys.argv[1], 'rb', buffering=0); jar.seek(30); jar.read(99); sys.stdin.read()"


def paths(observations, grade: Grade) -> list[str]:
    return [found.path for found in observations if found.grade is grade]


def settle(sensor, containers) -> None:
    """Wait until everything that has happened so far is reported: events keep their order."""
    marker = containers.shell("cat /etc/hostname")
    sensor.wait_for(marker, "/etc/hostname", Grade.OPENED)


# --- what a container does -------------------------------------------------------------------------------


@pytest.mark.req("R17", "R18", "R19", "R29", "R30", "R33")
def test_what_a_container_executes_maps_and_opens_is_reported_with_its_id(sensor, containers):
    container_id = containers.run("/bin/cat", "/etc/passwd")

    opened = sensor.wait_for(container_id, "/etc/passwd", Grade.OPENED)
    executed = sensor.wait_for(container_id, "/usr/bin/cat", Grade.EXECUTED)
    entering = os.path.realpath(sys.executable)  # seen where the sensor found the container just then
    assert set(paths(sensor.of(container_id), Grade.EXECUTED)) - {entering} == {"/usr/bin/cat"}
    assert executed.process == "cat"
    assert executed.arguments == ("/bin/cat", "/etc/passwd")
    assert executed.pid == opened.pid > 0
    assert abs(executed.first_at.timestamp() - time.time()) < 60
    assert any(path.endswith(LIBC) for path in paths(sensor.of(container_id), Grade.MAPPED))
    assert not any(found.changed for found in sensor.of(container_id))


@pytest.mark.req("R20")
def test_a_program_that_is_not_the_image_s_own_is_changed(sensor, containers):
    container_id = containers.shell(
        "cp /bin/true /tmp/dropped; /tmp/dropped; cp /bin/true /dev/shm/fast; /dev/shm/fast"
    )

    assert sensor.wait_for(container_id, "/tmp/dropped", Grade.EXECUTED).changed
    assert sensor.wait_for(container_id, "/dev/shm/fast", Grade.EXECUTED).changed
    assert not sensor.wait_for(container_id, "/usr/bin/cp", Grade.EXECUTED).changed


@pytest.mark.req("R20")
def test_a_program_of_the_image_that_was_overwritten_is_changed(sensor, containers):
    container_id = containers.shell("/bin/echo one; cp /bin/true /bin/echo; /bin/echo two")

    settle(sensor, containers)
    changed = [found.changed for found in sensor.of(container_id) if found.path == "/usr/bin/echo" and found.count]
    assert True in changed


@pytest.mark.req("R20")
def test_a_library_that_was_dropped_is_changed_where_it_is_mapped(sensor, containers):
    libm = next(Path("/").glob("lib/*-linux-gnu/libm.so.6"))
    container_id = containers.shell(f"cp {libm} /opt/hook.so; LD_PRELOAD=/opt/hook.so /bin/echo")

    assert sensor.wait_for(container_id, "/opt/hook.so", Grade.MAPPED).changed


@pytest.mark.req("R20")
def test_a_script_that_was_dropped_shows_where_its_interpreter_opens_it(sensor, containers):
    container_id = containers.shell("printf '#!/bin/sh\\ntrue\\n' > /tmp/script; chmod +x /tmp/script; /tmp/script")

    assert sensor.wait_for(container_id, "/tmp/script", Grade.OPENED).changed


@pytest.mark.req("R20")
def test_a_program_in_memory_is_changed_and_keeps_its_label(sensor, containers):
    container_id = containers.run(sys.executable, "-S", "-c", MEMFD)

    found = sensor.wait_for(container_id, "memfd:payload", Grade.EXECUTED)
    assert found.changed
    assert found.arguments == ("kworker",)


@pytest.mark.req("R20")
def test_what_lies_on_a_volume_proves_nothing_of_the_image_and_is_no_drift(sensor, containers):
    volume = "mkdir /volume; mount --bind /usr/bin /volume"
    container_id = containers.shell(f"{volume}; /volume/true; cat /volume/nproc; /usr/bin/nproc")

    assert sensor.wait_for(container_id, "/volume/true", Grade.EXECUTED).changed
    assert sensor.wait_for(container_id, "/volume/nproc", Grade.OPENED).changed
    assert not sensor.wait_for(container_id, "/usr/bin/nproc", Grade.EXECUTED).changed
    assert "drift-execution" not in {found.rule for found in sensor.detections if found.container_id == container_id}


def test_files_that_are_only_written_or_that_the_kernel_makes_up_are_not_reported(sensor, containers):
    container_id = containers.shell("echo x > /tmp/written; cat /proc/self/status > /dev/null; ls /tmp")

    settle(sensor, containers)
    opened = paths(sensor.of(container_id), Grade.OPENED)
    assert "/tmp/written" not in opened
    assert not [path for path in opened if path.startswith("/proc")]
    assert "/tmp" not in opened


def test_paths_are_told_from_the_root_of_the_process(sensor, containers):
    container_id = containers.shell("mkdir -p /jail/data; echo x > /jail/data/file; chroot /jail /data/file || true")
    inside = containers.run(
        sys.executable, "-S", "-c", "import os; os.mkdir('/j'); open('/j/f', 'w'); os.chroot('/j'); open('/f').read()"
    )

    assert sensor.wait_for(inside, "/f", Grade.OPENED).changed
    assert sensor.wait_for(container_id, "/usr/sbin/chroot", Grade.EXECUTED)


def test_a_file_that_lies_too_deep_is_reported_as_cut(sensor, containers):
    deep = "import os\nfor _ in range(200):\n    os.mkdir('d'); os.chdir('d')\nopen('leaf', 'w').close(); open('leaf')"
    container_id = containers.run(sys.executable, "-S", "-c", deep)

    settle(sensor, containers)
    (path,) = [path for path in paths(sensor.of(container_id), Grade.OPENED) if path.endswith("/leaf")]
    assert path.startswith(f"{CUT}/d/d/")


def test_hostile_names_do_not_break_the_lines(sensor, containers):
    script = r"""
import os
name = b'/tmp/a\n{"\xff\x1b[31m'
open(name, 'w').close()
open(name).close()
"""
    container_id = containers.run(sys.executable, "-S", "-c", script)

    assert sensor.wait_for(container_id, '/tmp/a\n{"\ufffd\x1b[31m', Grade.OPENED)


# --- who did it, and what rules say ----------------------------------------------------------------------


@pytest.mark.req("R18", "R30")
def test_a_module_that_an_interpreter_opens_names_the_interpreter(sensor, containers):
    container_id = containers.run(sys.executable, "-S", "-c", "import json")

    found = sensor.wait_until(lambda one: "/json/" in one.path, container_id)
    assert (found.grade, found.tool) == (Grade.OPENED, False)
    assert found.program == os.path.realpath(sys.executable)
    assert found.arguments[1:] == ("-S", "-c", "import json")


@pytest.mark.req("R18")
def test_an_entry_that_is_read_of_an_archive_is_reported_with_its_name(sensor, containers, tmp_path):
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("org/a/A.class", "a" * 100)
    container_id, process = containers.start(sys.executable, "-S", "-c", READ_ENTRY, str(jar))

    found = sensor.wait_for(container_id, f"{jar}!/org/a/A.class", Grade.OPENED)
    process.communicate(timeout=30)
    assert (found.program, found.changed) == (os.path.realpath(sys.executable), False)


@pytest.mark.req("R18")
def test_a_file_that_a_tool_opens_is_told_so_until_something_else_opens_it(sensor, containers):
    container_id = containers.shell(f"cat /etc/hostname; {sys.executable} -S -c 'open(\"/etc/hostname\")'")

    sensor.wait_until(lambda one: one.path == "/etc/hostname" and not one.tool, container_id)
    assert all(one.tool for one in sensor.of(container_id) if one.path == "/etc/hostname" and one.process == "cat")


@pytest.mark.req("R20")
@pytest.mark.parametrize(
    ("rule", "script"),
    [
        ("drift-execution", "cp /bin/true /tmp/dropped; /tmp/dropped"),
        ("password-file-read", "tail -n1 /etc/shadow"),
        ("password-file-read", "su --help; head -n1 /etc/shadow"),
        ("memory-execution", f"{sys.executable} -S -c '{MEMFD}'"),
    ],
)
def test_an_attack_is_detected(sensor, containers, rule, script):
    container_id = containers.shell(f"{script} > /dev/null")

    assert sensor.wait_for_detection(container_id, rule).severity


# --- which container it is -------------------------------------------------------------------------------


def test_the_shortest_lived_container_has_a_name(sensor, containers):
    ids = [containers.run("/bin/true") for _ in range(10)]

    for container_id in ids:
        assert sensor.wait_for(container_id, "/usr/bin/true", Grade.EXECUTED)


def test_what_other_mount_namespaces_of_the_host_do_is_not_reported(sensor, containers, tmp_path):
    (tmp_path / "file").touch()
    subprocess.run(["unshare", "--mount", "cat", tmp_path / "file"], check=True, stdout=subprocess.DEVNULL)

    settle(sensor, containers)
    assert str(tmp_path / "file") not in [found.path for found in sensor.observations]


def test_a_container_without_an_id_of_a_runtime_is_named_by_its_prefix(start_sensor, containers):
    sensor = start_sensor("--cgroup-prefix", containers.prefix)
    containers.run("/bin/true", name="web-1")

    assert sensor.wait_for("web-1", "/usr/bin/true", Grade.EXECUTED)


def test_a_container_in_version_1_groups_alone_is_named_by_them(sensor, v1_containers):
    container_id = v1_containers.run("/bin/true")

    assert sensor.wait_for(container_id, "/usr/bin/true", Grade.EXECUTED)


@pytest.mark.req("R17")
def test_a_container_that_ran_before_the_sensor_is_reported(containers, start_sensor):
    container_id, process = containers.start("/bin/cat", "-", "/etc/hostname")
    process.stdin.write(b"echo\n")
    process.stdin.flush()
    process.stdout.readline()
    sensor = start_sensor()

    found = sensor.wait_for(container_id, "/usr/bin/cat", Grade.EXECUTED)
    assert found.arguments == ("/bin/cat", "-", "/etc/hostname")
    (libc,) = [one for one in sensor.of(container_id) if one.path.endswith(LIBC)]
    assert (libc.grade, libc.changed) == (Grade.MAPPED, False)

    process.communicate(b"", timeout=30)
    assert sensor.wait_for(container_id, "/etc/hostname", Grade.OPENED)


# --- losses and leftovers --------------------------------------------------------------------------------

BURST = 2_000

EXECUTE_COPIES = """
import os, sys
program, count = bytes.fromhex(sys.argv[1]), int(sys.argv[2])
os.mkdir("/copies")
for number in range(count):
    path = f"/copies/{number}"
    with open(path, "wb") as file:
        file.write(program)
    os.chmod(path, 0o755)
for number in range(count):
    path = f"/copies/{number}"
    os.waitpid(os.posix_spawn(path, [path], {}), 0)
"""


def tiny_program() -> bytes:
    """A static 64-bit ELF program for this processor that ends at once (elf(5))."""
    number, code = {"x86_64": (62, "31ffb83c0000000f05"), "aarch64": (183, "000080d2a80b80d2010000d4")}[
        os.uname().machine
    ]
    base, start, body = 0x400000, 64 + 56, bytes.fromhex(code)
    size = start + len(body)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, number, 1, base + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + body


@pytest.mark.req("R19", "R34")
def test_a_burst_of_executions_loses_nothing_or_counts_it(start_sensor, containers):
    sensor = start_sensor()
    container_id = containers.run(sys.executable, "-S", "-c", EXECUTE_COPIES, tiny_program().hex(), str(BURST))
    counters = sensor.stop()

    executed = {path for path in paths(sensor.of(container_id), Grade.EXECUTED) if path.startswith("/copies/")}
    lost = counters["kernel_lost"] + counters["overflow"]
    assert len(executed) + lost >= BURST, counters
    if lost == 0:
        assert len(executed) == BURST


def loaded_programs(pid: int) -> set[int]:
    """The ids of the BPF programs that a process holds."""
    ids = set()
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        for line in entry.read_text().splitlines():
            if line.startswith("prog_id:"):
                ids.add(int(line.split()[1]))
    return ids


def is_loaded(program: int) -> bool:
    library = ctypes.CDLL("libbpf.so.1")
    descriptor = library.bpf_prog_get_fd_by_id(ctypes.c_uint32(program))
    if descriptor >= 0:
        os.close(descriptor)
    return bool(descriptor >= 0)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_sensor_that_ended_leaves_no_program_in_the_kernel(start_sensor, end):
    sensor = start_sensor()
    programs = loaded_programs(sensor.pid)
    assert len(programs) >= 4
    assert all(is_loaded(program) for program in programs)

    getattr(sensor, end)()

    deadline = time.monotonic() + 10  # the kernel frees them when no processor can still be inside
    while any(is_loaded(program) for program in programs):
        assert time.monotonic() < deadline
