"""What already runs, read from a directory that looks like /proc."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.decode import Event
from deadlight.sensor.layout import EventFlags, EventKind
from deadlight.sensor.processes import FileId, Process
from deadlight.sensor.startup import (
    Status,
    Survey,
    kernel_device,
    parse_cgroup_paths,
    parse_mapped_files,
    parse_own_mounts,
    parse_status,
)

STATUS = "Name:\tnginx\nPPid:\t1\nUid:\t33\t33\t33\t33\nNSpid:\t12\t7\n"
HOST_NAMESPACE = 4026531832
MAPS = b"""\
55c5cf616000-55c5cf617000 r--p 00000000 fe:00 26723                      /usr/sbin/nginx
55c5cf617000-55c5cf618000 r-xp 00001000 fe:00 26723                      /usr/sbin/nginx
7f0000000000-7f0000001000 r-xp 00000000 fe:00 99                         /usr/lib/libssl.so.3
7f0000002000-7f0000003000 rw-p 00002000 fe:00 99                         /usr/lib/libssl.so.3
7f0000004000-7f0000005000 rwxp 00000000 00:00 0
7f0000006000-7f0000007000 rwxs 00000000 00:01 5                          /dev/zero (deleted)
7f0000008000-7f0000009000 r-xp 00000000 00:01 77                         /memfd:jit (deleted)
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]
"""


class Proc:
    """A directory with processes in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files = directory / "files"
        self.files.mkdir()

    def make(self, path: str) -> Path:
        """A file of the containers, which all have the same here."""
        place = self.files / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        return place

    def add(self, pid: int, group: str, *, maps: bytes = b"", exe: str = "/usr/sbin/nginx", **others: str) -> Path:
        process = self.directory / str(pid)
        (process / "ns").mkdir(parents=True)
        (process / "cgroup").write_text(f"0::{group}\n")
        (process / "comm").write_text("nginx\n")
        (process / "cmdline").write_bytes(b"nginx\0-g\0daemon off;\0")
        (process / "maps").write_bytes(maps)
        (process / "mountinfo").write_text(others.get("mountinfo", ""))
        (process / "fd").mkdir()
        (process / "status").write_text(others.get("status", STATUS))
        (process / "exe").symlink_to(self.make(exe))
        (process / "root").symlink_to(f"{self.files}{others.get('root', '')}")
        (process / "ns/mnt").symlink_to(others.get("namespace", "mnt:[4026532999]"))
        return process

    def survey(self) -> Survey:
        return Survey(
            lambda path: path.removeprefix("/docker/") if path.startswith("/docker/") else None,
            host_mount_namespace=HOST_NAMESPACE,
            proc=self.directory,
        )

    def found(self) -> list[tuple[Event, Process]]:
        return list(self.survey().iter_found(5))


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


@pytest.mark.req("R17")
def test_a_running_container_is_reported_with_its_program_and_its_libraries(proc):
    proc.add(12, "/docker/web", maps=MAPS)

    found = proc.found()

    assert {process.container_id for _, process in found} == {"web"}
    assert [(event.kind, event.path) for event, _ in found] == [
        (EventKind.EXECUTED, "/usr/sbin/nginx"),
        (EventKind.MAPPED, "/usr/lib/libssl.so.3"),
        (EventKind.MAPPED, "memfd:jit"),
    ]
    program, process = found[0]
    assert (program.pid, program.process, program.at) == (12, "nginx", 5)
    assert process.facts.arguments == ("nginx", "-g", "daemon off;")
    assert (process.parent_pid, process.facts.user, process.first) == (1, 33, False)
    assert [event.changed for event, _ in found] == [False, False, True]


def test_processes_of_the_host_are_left_out(proc):
    proc.add(12, "/system.slice/nginx.service")
    proc.add(13, "/docker/web", namespace=f"mnt:[{HOST_NAMESPACE}]")

    assert proc.found() == []


def test_a_path_is_told_from_the_process_s_own_root(proc):
    proc.add(12, "/docker/web", root="/lab/root", exe="/lab/root/bin/app")

    assert proc.found()[0][0].path == "/bin/app"


@pytest.mark.req("R20")
def test_a_program_that_is_in_the_overlay_s_upper_directory_is_changed(proc, tmp_path_factory):
    upper = tmp_path_factory.mktemp("upper")
    (upper / "usr/sbin").mkdir(parents=True)
    (upper / "usr/sbin/nginx").touch()
    overlay = f"70 67 0:41 / / rw - overlay overlay rw,lowerdir=/l,upperdir={upper},workdir=/w\n"
    proc.add(12, "/docker/web", mountinfo=overlay)
    proc.add(13, "/docker/other", mountinfo=overlay, exe="/usr/sbin/cron")

    changed = {process.container_id: event.changed for event, process in proc.found()}

    assert changed == {"web": True, "other": False}


def test_what_lies_on_a_volume_is_not_the_image_s(proc):
    mounts = (
        "70 67 0:41 / / rw - ext4 /dev/sda1 rw\n"
        "71 70 8:1 / /da\rta rw - ext4 /dev/sda1 rw\n"
        "72 70 8:1 /hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
    )
    proc.add(1, "/docker/web", exe="/da\rta/server", mountinfo=mounts)
    proc.add(2, "/docker/web", exe="/database/server", mountinfo=mounts)
    proc.add(3, "/docker/web", exe="/etc/hosts", mountinfo=mounts)

    found = {process.facts.path: (event, process) for event, process in proc.found()}
    assert {path: process.changed for path, (_, process) in found.items()} == {
        "/da\rta/server": True,
        "/database/server": False,
        "/etc/hosts": True,
    }
    event, _ = found["/da\rta/server"]
    assert event.outside_image
    assert not event.changed, "rules about drift are not about volumes"


def test_a_program_that_was_deleted_is_changed(proc):
    proc.add(12, "/docker/web", exe="/tmp/x (deleted)")

    event, process = proc.found()[0]

    assert (event.path, event.flags) == ("/tmp/x", EventFlags.UNLINKED)
    assert event.changed
    assert process.changed


def test_a_process_that_ends_meanwhile_is_left_out(proc):
    (proc.add(12, "/docker/web") / "exe").unlink()
    (proc.directory / "13").mkdir()

    survey = proc.survey()

    assert (list(survey.iter_found(5)), survey.unreadable) == ([], 0)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may read everything; for this test it becomes somebody else."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    yield
    os.seteuid(mine)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


def test_a_process_that_may_not_be_read_is_counted(public_directory, nobody):
    proc = Proc(public_directory)
    (proc.add(12, "/docker/web") / "maps").chmod(0)

    survey = proc.survey()
    assert [event.kind for event, _ in survey.iter_found(5)] == [EventKind.EXECUTED]
    assert survey.unreadable == 1


# --- open files, ancestors, identity ---------------------------------------------------------------------


@pytest.mark.req("R17", "R18")
def test_the_files_that_a_running_container_has_open_for_reading_are_opened_files(proc):
    descriptors = proc.add(12, "/docker/web", exe="/usr/bin/python3") / "fd"
    (descriptors / "3").symlink_to(proc.make("/srv/app/models.py"))
    (descriptors / "4").symlink_to("socket:[4711]")
    (descriptors / "5").symlink_to("/proc/12/status")
    (descriptors / "6").symlink_to(proc.files)
    (descriptors / "7").symlink_to(proc.files / "closed meanwhile")

    opened = [(event, process) for event, process in proc.found() if event.kind is EventKind.OPENED]

    assert [event.path for event, _ in opened] == ["/srv/app/models.py"]
    assert opened[0][1].facts.path == "/usr/bin/python3"


def test_a_running_process_has_its_ancestors_and_the_identity_of_its_file(proc):
    proc.add(12, "/docker/web", exe="/bin/sh", status="PPid:\t1\nUid:\t0\nNSpid:\t12\t1\n")
    proc.add(13, "/docker/web", exe="/bin/app", status="PPid:\t12\nUid:\t0\nNSpid:\t13\t2\n")
    processes = {process.facts.pid: process for _, process in proc.found()}

    assert processes[12].first
    assert [facts.path for facts in processes[13].ancestors] == ["/bin/sh"]
    status = (proc.files / "bin/app").stat()
    assert processes[13].file == FileId(kernel_device(status.st_dev), status.st_ino, status.st_ctime_ns)


def test_secrets_in_the_arguments_of_what_runs_are_redacted(proc):
    (proc.add(12, "/docker/web") / "cmdline").write_bytes(b"app\0--password=hunter2\0")

    assert proc.found()[0][1].facts.arguments == ("app", "--password=***")


def test_some_containers_or_processes_can_be_looked_at_alone(proc):
    proc.add(12, "/docker/web", maps=MAPS)
    proc.add(13, "/docker/db", maps=MAPS)

    assert {process.container_id for _, process in proc.survey().iter_found(5, {"db"})} == {"db"}
    assert [(event.kind, process.container_id) for event, process in proc.survey().iter_processes([12, 99], 5)] == [
        (EventKind.EXECUTED, "web")
    ]


def test_the_status_of_a_process_is_read_as_far_as_it_goes():
    assert parse_status("PPid:\t7\nUid:\t33\t0\t0\t0\nNSpid:\t20\t1\n") == Status(7, 33, first=True)
    assert (
        parse_status("NSpid:\t1\n") == parse_status("") == parse_status("PPid:\tx\nUid:") == Status(0, 0, first=False)
    )


def test_the_number_of_a_file_system_is_the_kernel_s():
    assert kernel_device(os.makedev(254, 3)) == 254 << 20 | 3


def test_version_2_names_the_container_before_version_1_does():
    text = "9:name=systemd:/a\n8:pids:/docker/v1\n1:cpu,pids:/docker/both\n0::/docker/v2\n"

    assert parse_cgroup_paths(text) == ("/docker/v2", "/docker/v1", "/docker/both")


def test_a_line_break_in_a_name_is_unescaped():
    line = rb"7f00-7f01 r-xp 00000000 fe:00 99                         /tmp/a\012b"

    assert parse_mapped_files(line) == (b"/tmp/a\nb",)


@pytest.mark.parametrize(
    ("line", "upper"),
    [
        ("1 2 0:1 / / rw - overlay overlay rw,upperdir=/u/1", "/u/1"),
        ("1 2 0:1 / / rw shared:1 - overlay overlay rw,xupperdir=/no,upperdir=/u/2,workdir=/w", "/u/2"),
        ("1 2 0:1 / /data rw - overlay overlay rw,upperdir=/u/1", ""),
        ("1 2 0:1 / / ro - overlay overlay ro,lowerdir=/l", ""),
        ("1 2 0:1 / / rw - ext4 /dev/sda rw", ""),
        ("", ""),
    ],
)
def test_the_upper_directory_is_that_of_the_root(line, upper):
    assert parse_own_mounts(line).upper == upper


@given(st.text(max_size=300), st.binary(max_size=300))
def test_any_content_of_proc_is_read_without_error(text, raw):
    parse_cgroup_paths(text)
    parse_own_mounts(text)
    parse_mapped_files(raw)
    parse_status(text)
