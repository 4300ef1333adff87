"""A real container: runc, an overlay as its root, and the sensor outside."""

import hashlib
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deadlight.model.observation import Grade

pytestmark = [pytest.mark.needs_bpf, pytest.mark.needs_runc]

PROGRAMS = ("/bin/sh", "/bin/cat", "/bin/cp", "/bin/sleep")


def copy_with_libraries(program: str, root: Path) -> None:
    """Put one of this machine's programs and all that it is linked with below `root`."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for file in {program, *re.findall(r"(/\S+) \(0x", linked)}:
        place = root / file.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root file system of a small image."""
    root = tmp_path_factory.mktemp("image")
    for directory in ("proc", "dev", "sys", "tmp", "etc"):
        (root / directory).mkdir()
    for program in PROGRAMS:
        copy_with_libraries(program, root)
    (root / "etc/app.conf").write_text("x")
    return root


@dataclass(frozen=True)
class Runc:
    """Containers of one image."""

    bundle: Path
    state: Path
    cgroup: str

    def command(self, *arguments: str) -> list[str]:
        return ["runc", "--root", str(self.state), *arguments]

    def configure(self, container_id: str, *command: str) -> None:
        subprocess.run(["runc", "spec", "--bundle", str(self.bundle)], check=True)
        path = self.bundle / "config.json"
        config = json.loads(path.read_text())
        config["process"] |= {"terminal": False, "args": command, "rlimits": []}
        config["root"] = {"path": "root", "readonly": False}
        config["linux"] |= {"cgroupsPath": f"{self.cgroup}/{container_id}"}
        path.write_text(json.dumps(config))

    def run(self, container_id: str, *command: str) -> None:
        self.configure(container_id, *command)
        run = self.command("run", "--bundle", str(self.bundle), container_id)
        done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def runc(image: Path, tmp_path: Path) -> Iterator[Runc]:
    bundle = tmp_path / "bundle"
    for directory in ("root", "upper", "work"):
        (bundle / directory).mkdir(parents=True)
    layers = f"lowerdir={image},upperdir={bundle}/upper,workdir={bundle}/work"
    subprocess.run(["mount", "-t", "overlay", "none", "-o", layers, str(bundle / "root")], check=True)
    yield Runc(bundle, tmp_path / "state", f"/deadlight-test-{secrets.token_hex(4)}")
    subprocess.run(["umount", str(bundle / "root")], check=True)


@pytest.fixture
def remove_groups(runc: Runc) -> Iterator[None]:
    """runc removes a container's own groups, not their parents."""
    yield
    for group in Path("/sys/fs/cgroup").glob(f"**{runc.cgroup}"):
        group.rmdir()


@pytest.mark.req("R17", "R18", "R20", "R30", "R33")
def test_what_a_runc_container_does_is_attributed_to_its_id(sensor, runc, remove_groups):
    container_id = secrets.token_hex(32)
    runc.run(container_id, "/bin/sh", "-c", "cat /etc/app.conf; cp /bin/cat /tmp/dropped; /tmp/dropped /etc/app.conf")

    first = sensor.wait_for(container_id, "/bin/sh", Grade.EXECUTED)
    assert not first.changed
    assert sensor.wait_for(container_id, "/bin/cat", Grade.EXECUTED).arguments == ("cat", "/etc/app.conf")
    # `cat` reads whatever there is, so the other program is the better evidence.
    opened = sensor.wait_until(lambda one: one.path == "/etc/app.conf" and not one.tool, container_id)
    assert opened.program == "/tmp/dropped"
    assert sensor.wait_for(container_id, "/tmp/dropped", Grade.EXECUTED).changed


def test_nothing_of_the_runtime_itself_is_attributed_to_the_container(sensor, runc, remove_groups):
    container_id = secrets.token_hex(32)
    runc.run(container_id, "/bin/cat", "/etc/app.conf")

    sensor.wait_for(container_id, "/etc/app.conf", Grade.OPENED)
    sensor.wait_for(container_id, "/bin/cat", Grade.EXECUTED)
    executed = [found.path for found in sensor.of(container_id) if found.grade is Grade.EXECUTED]
    assert executed == ["/bin/cat"]
    assert not [found.path for found in sensor.of(container_id) if found.process.startswith("runc")]


def test_a_container_with_a_free_name_is_known_by_its_prefix(start_sensor, runc, remove_groups):
    sensor = start_sensor("--cgroup-prefix", runc.cgroup)
    runc.run("web-1", "/bin/cat", "/etc/app.conf")

    assert sensor.wait_for("web-1", "/bin/cat", Grade.EXECUTED)


@pytest.mark.req("R17", "R20")
def test_a_container_that_runs_before_the_sensor_is_reported_with_what_was_changed(start_sensor, runc, remove_groups):
    container_id = secrets.token_hex(32)
    runc.configure(
        container_id, "/bin/sh", "-c", "cp /bin/sleep /tmp/dropped; /bin/cat /etc/app.conf; exec /tmp/dropped 60"
    )
    run = runc.command("run", "--bundle", str(runc.bundle), container_id)
    process = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while "/tmp/dropped" not in executables():
            assert process.poll() is None
        sensor = start_sensor()
        found = sensor.wait_for(container_id, "/tmp/dropped", Grade.EXECUTED)
    finally:
        subprocess.run(runc.command("kill", container_id, "KILL"), check=False)
        process.communicate(timeout=30)

    assert found.changed
    assert found.arguments == ("/tmp/dropped", "60")
    libraries = [one for one in sensor.of(container_id) if one.grade is Grade.MAPPED]
    assert libraries
    assert not any(one.changed for one in libraries)


@pytest.mark.req("R17", "R18", "R30")
def test_a_process_is_told_with_its_hash_its_user_and_its_parent_and_when_it_has_stopped(sensor, runc, remove_groups):
    container_id = secrets.token_hex(32)
    runc.run(container_id, "/bin/sh", "-c", "/bin/sleep 1.5; cat --password=hunter2 /etc/app.conf || true")

    shell = sensor.wait_for(container_id, "/bin/sh", Grade.EXECUTED)
    sleep = sensor.wait_for(container_id, "/bin/sleep", Grade.EXECUTED)
    assert sleep.sha256 == hashlib.sha256(Path("/bin/sleep").read_bytes()).hexdigest()
    assert (sleep.parent_pid, sleep.user, sleep.running) == (shell.pid, 0, True)
    assert shell.arguments[2].endswith("cat --password=*** /etc/app.conf || true")
    stopped = sensor.wait_until(lambda one: one.path == "/bin/sleep" and one.running is False, container_id)
    assert (stopped.count, stopped.arguments, stopped.sha256) == (0, ("/bin/sleep", "1.5"), sleep.sha256)


@pytest.mark.req("R20")
def test_what_an_intruder_does_in_a_container_is_detected(sensor, runc, remove_groups):
    container_id = secrets.token_hex(32)
    runc.run(container_id, "/bin/sh", "-c", "cp /bin/cat /tmp/dropped; /bin/sh -c '/tmp/dropped /etc/app.conf; true'")

    found = sensor.wait_for_detection(container_id, "drift-execution")
    assert (found.process.path, found.process.arguments) == ("/tmp/dropped", ("/tmp/dropped", "/etc/app.conf"))
    assert [one.path for one in found.ancestors] == ["/bin/sh", "/bin/sh"]
    assert found.facts["file.upper"] == "true"


def executables() -> set[str]:
    """What the processes of this machine execute."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/exe"):
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found
