"""A running sensor and containers for it to watch, on this machine's own kernel."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.support.patience import PATIENCE_SECONDS

from deadlight.model.wire import Detection, Observation
from deadlight.sensor.cgroupfs import Hierarchy, read_hierarchies

# --- a sensor --------------------------------------------------------------------------------------------


class RunningSensor:
    """`python -m deadlight.sensor --print`, read while it runs."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deadlight.sensor", "--print", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
        )
        self.pid = self._process.pid
        self.observations: list[Observation] = []
        self.detections: list[Detection] = []
        self.unreadable: list[str] = []
        self.log = ""
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_out, self._read_log)]
        for reader in self._readers:
            reader.start()
        self._wait(lambda: "watching:" in self.log)

    def _read_out(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._news:
                try:
                    if b'"rule":' in line:
                        self.detections.append(msgspec.json.decode(line, type=Detection))
                    else:
                        self.observations.append(msgspec.json.decode(line, type=Observation))
                except msgspec.DecodeError as error:
                    self.unreadable.append(f"{error} in {line!r}")
                self._news.notify_all()

    def _read_log(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            with self._news:
                self.log += line.decode()
                self._news.notify_all()

    def _wait(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        with self._news:
            assert self._news.wait_for(condition, seconds), f"the sensor did not get there; it said:\n{self.log}"

    def of(self, container_id: str) -> list[Observation]:
        return [found for found in self.observations if found.container_id == container_id]

    def wait_for(self, container_id: str, path: str, grade: str) -> Observation:
        """The first observation of this kind, waiting for it."""

        def find() -> Observation | None:
            return next((one for one in self.of(container_id) if (one.path, one.grade) == (path, grade)), None)

        self._wait(find)
        found = find()
        assert found
        return found

    def wait_until(self, condition: Callable[[Observation], object], container_id: str) -> Observation:
        """The first observation of a container that meets a condition, waiting for it."""
        self._wait(lambda: any(map(condition, self.of(container_id))))
        return next(filter(condition, self.of(container_id)))

    def wait_for_detection(self, container_id: str, rule: str) -> Detection:
        """The first detection by a rule in a container, waiting for it."""

        def find() -> Detection | None:
            return next((one for one in self.detections if (one.container_id, one.rule) == (container_id, rule)), None)

        self._wait(find)
        found = find()
        assert found
        return found

    def stop(self) -> dict[str, int]:
        """Tell it to end; gives its counters."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # it says where it is
        self._finish()
        assert self._process.returncode == 0, self.log
        assert not self.unreadable, "\n".join(self.unreadable)
        counters: dict[str, int] = json.loads(self.log.rpartition("stopped: ")[2])
        return counters

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            self._finish()

    def _finish(self) -> None:
        self._process.wait(30)
        for reader in self._readers:
            reader.join(30)
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdout.close()
        self._process.stderr.close()


@contextmanager
def running_sensor(*arguments: str) -> Iterator[RunningSensor]:
    sensor = RunningSensor(arguments)
    try:
        yield sensor
    finally:
        sensor.kill()


@pytest.fixture
def start_sensor() -> Iterator[Callable[..., RunningSensor]]:
    """Starts a sensor with the given options; it is gone after the test."""
    started: list[RunningSensor] = []

    def start(*arguments: str) -> RunningSensor:
        started.append(RunningSensor(arguments))
        return started[-1]

    yield start
    for sensor in started:
        sensor.kill()


@pytest.fixture(scope="module")
def sensor() -> Iterator[RunningSensor]:
    """One sensor for all tests of a module; their containers have ids of their own."""
    with running_sensor() as running:
        yield running


# --- containers ------------------------------------------------------------------------------------------

_PREPARE = """
mount -t tmpfs none "$0" && mkdir "$0/upper" "$0/work" "$0/root" &&
mount -t overlay none -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root" &&
mount -t proc proc "$0/root/proc" && mount -t tmpfs none "$0/root/dev/shm" && exec "$@"
"""
"""In a mount namespace of its own, so that everything vanishes with its last process."""

_ENTER = """
import os, sys
root, group, *command = sys.argv[1:]
with open(group + "/cgroup.procs", "w") as processes:
    processes.write("0")
os.chroot(root)
os.chdir("/")
os.execv(command[0], command)
"""
"""What a container runtime does last; like one, it executes nothing of its own in the container's control group."""


class Containers:
    """Processes in overlays of this machine's own root, each in a control group named after it: no runtime needed."""

    def __init__(self, hierarchy: Hierarchy, place: Path) -> None:
        self._hierarchy = hierarchy
        self._place = place
        self._parent = Path(hierarchy.root) / f"deadlight-test-{os.getpid()}-{secrets.token_hex(4)}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.prefix = f"/{self._parent.name}"

    def group(self, name: str) -> Path:
        """The directory of a container's control group, made if need be."""
        group = self._parent / name
        group.mkdir(parents=True, exist_ok=True)
        return group

    def start(self, *command: str, name: str | None = None) -> tuple[str, subprocess.Popen[bytes]]:
        """Start a container; gives its id (64 hexadecimal digits unless named) and its process."""
        container_id = name or secrets.token_hex(32)
        place = self._place / container_id
        place.mkdir()
        enter = [sys.executable, "-c", _ENTER, f"{place}/root", str(self.group(container_id)), *command]
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _PREPARE, str(place), *enter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._processes.append(process)
        return container_id, process

    def run(self, *command: str, name: str | None = None) -> str:
        """Run a container to its end; gives its id."""
        container_id, process = self.start(*command, name=name)
        out, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, (out + complaint).decode()
        return container_id

    def shell(self, script: str) -> str:
        """Run a shell script in a container; gives the container's id."""
        return self.run("/bin/sh", "-ec", script)

    def remove(self) -> None:
        """End what still runs and remove the control groups."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)
        groups = [*self._parent.rglob("*/"), self._parent] if self._parent.exists() else []
        for group in sorted((group for group in groups if group.is_dir()), reverse=True):
            _remove_group(group)


def _remove_group(group: Path) -> None:
    """A group stays busy until the kernel has reaped the last process, shortly after its end was seen."""
    deadline = time.monotonic() + 10
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.01)
        else:
            return


def _containers(number: Callable[[int], bool], missing: str, place: Path) -> Iterator[Containers]:
    hierarchy = next((found for found in read_hierarchies() if number(found.number)), None)
    if hierarchy is None:
        pytest.skip(missing)
    containers = Containers(hierarchy, place)
    yield containers
    containers.remove()


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    """Containers in version 2 control groups."""
    yield from _containers(lambda number: number == 0, "control groups of version 2 are not mounted", tmp_path)


@pytest.fixture
def v1_containers(tmp_path: Path) -> Iterator[Containers]:
    """Containers in version 1 control groups alone."""
    yield from _containers(bool, "the version 1 hierarchy of the pids controller is not mounted", tmp_path)
