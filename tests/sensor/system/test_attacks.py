"""Every threat rule fires on its attack, performed in a real container, and says who did what."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.attacks import ATTACKS, BY_RUNTIME, FILES, TOOLS, Attack, Place
from tests.support.machine import demand
from tests.support.patience import PATIENCE_SECONDS

from deadlight.model.wire import Detection
from deadlight.threats.engine import load_builtin

USUAL = "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL"
"""Capabilities that container runtimes give unless told otherwise."""

MORE = "SYS_ADMIN SYS_PTRACE NET_ADMIN"
"""Of a privileged container, but for those that change the machine's kernel."""

_NETWORK = "busybox ip link set lo up && busybox ip route add local 0.0.0.0/0 dev lo && echo ready && exec sleep 600"
"""A network in which every address is one's own."""


def test_there_is_an_attack_for_every_rule():
    performed = {attack.rule for attack in ATTACKS} | set(BY_RUNTIME)

    assert performed == {rule.id for rule in load_builtin()}


def make_image(layer: Path) -> None:
    """What lies above this machine's own root."""
    scripts = {
        f"srv/attacks/{attack.place}/{number:02}-{attack.rule}": attack.script for number, attack in enumerate(ATTACKS)
    }
    for name, text in {**FILES, **scripts}.items():
        place = layer / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if text.startswith("#!") else 0o644)
    (layer / "srv/python").symlink_to(Path(sys.executable).resolve())


@dataclass
class Victim:
    """A container that is being attacked."""

    place: Place
    bundle: Path
    cgroup: str
    network: int
    """A process in the network namespace that it gets."""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.container_id = secrets.token_hex(32)

    def command(self, *arguments: str) -> list[str]:
        return ["runc", "--root", str(self.bundle / "state"), *arguments]

    def start(self, layer: Path) -> None:
        for directory in ("root", "upper", "work"):
            (self.bundle / directory).mkdir(parents=True)
        layers = f"lowerdir={layer}:/,upperdir={self.bundle}/upper,workdir={self.bundle}/work"
        subprocess.run(["mount", "-t", "overlay", "none", "-o", layers, str(self.bundle / "root")], check=True)
        subprocess.run(["runc", "spec", "--bundle", str(self.bundle)], check=True)
        path = self.bundle / "config.json"
        path.write_text(json.dumps(self._configure(json.loads(path.read_text()))))
        run = self.command("run", "--bundle", str(self.bundle), self.container_id)
        self.process = subprocess.Popen(run, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _configure(self, config: dict[str, Any]) -> dict[str, Any]:
        privileged = self.place is Place.PRIVILEGED
        names = [f"CAP_{name}" for name in f"{USUAL} {MORE if privileged else ''}".split()]
        config["process"] |= {"terminal": False, "args": ["/srv/attack", self.place], "rlimits": []}
        config["process"] |= {"noNewPrivileges": False}
        config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), names)
        config["root"] = {"path": "root", "readonly": False}
        memory = {"destination": "/cache", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=8m"]}
        config["mounts"].append(memory)
        config["linux"]["cgroupsPath"] = f"{self.cgroup}/{self.container_id}"
        config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]
        config["linux"]["namespaces"].append({"type": "network", "path": f"/proc/{self.network}/ns/net"})
        if privileged:
            config["linux"] |= {"maskedPaths": [], "readonlyPaths": []}
            config["linux"]["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
        return config

    def finish(self) -> None:
        """Wait until everything was done; then somebody opens a terminal."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.bundle / "upper/tmp/done").exists():
            assert self.process
            assert self.process.poll() is None, self.process.communicate()[0].decode()
            assert time.monotonic() < deadline, f"the attacks in {self.place} did not end"
            time.sleep(0.05)
        subprocess.run(self.command("exec", self.container_id, "/bin/sh"), stdin=subprocess.DEVNULL, check=True)

    def output(self, attack: Attack) -> str:
        """What an attack printed."""
        return "".join(file.read_text() for file in (self.bundle / "upper/tmp").glob(f"out-*-{attack.rule}"))

    def remove(self) -> None:
        if self.process:
            subprocess.run(self.command("kill", self.container_id, "KILL"), check=False, capture_output=True)
            self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def tools() -> None:
    """What the attacks need."""
    lacking = " ".join(package for tool, package in TOOLS.items() if not shutil.which(tool))
    if lacking:
        demand("runc", f"attacks need what was not found (apt-get install {lacking})")


@pytest.fixture(scope="module")
def network(tools) -> Iterator[int]:
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", _NETWORK], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    yield process.pid
    process.kill()
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def victims(tools, sensor, network: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Place, Victim]]:
    """All containers, after everything was done in them."""
    place = tmp_path_factory.mktemp("attacks")
    # A file system of its own: a layer may not lie below another.
    subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    make_image(place / "layer")
    cgroup = f"/deadlight-test-{os.getpid()}-{secrets.token_hex(4)}"
    victims = {where: Victim(where, place / where, cgroup, network) for where in Place}
    try:
        for victim in victims.values():
            victim.start(place / "layer")
            victim.finish()
            sensor.wait_for_detection(victim.container_id, "terminal-shell")  # after all others
        yield victims
    finally:
        for victim in victims.values():
            victim.remove()
        subprocess.run(["umount", "--recursive", str(place)], check=True)
        for group in Path("/sys/fs/cgroup").glob(f"**{cgroup}"):
            group.rmdir()


@pytest.mark.needs_bpf
@pytest.mark.needs_runc
@pytest.mark.req("R20")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.rule}: {attack.script.splitlines()[0]:.40}")
def test_an_attack_is_detected_with_who_did_what(sensor, victims, attack):
    victim = victims[attack.place]
    told = [one for one in sensor.detections if (one.container_id, one.rule) == (victim.container_id, attack.rule)]

    assert [one for one in told if is_of(one, attack)], f"told: {told}; the attack said: {victim.output(attack)}"


def is_of(found: Detection, attack: Attack) -> bool:
    """Whether it is about the attack: the right process, the right facts."""
    return found.process.path.endswith(program_of(attack)) and attack.facts.items() <= found.facts.items()


def program_of(attack: Attack) -> str:
    return str(Path(sys.executable).resolve()) if attack.program == "/srv/python" else attack.program


@pytest.mark.needs_bpf
@pytest.mark.needs_runc
@pytest.mark.req("R20")
def test_somebody_who_opens_a_terminal_is_detected(sensor, victims):
    found = sensor.wait_for_detection(victims[Place.INTRUDED].container_id, "terminal-shell")

    assert (found.process.arguments, found.ancestors) == (("/bin/sh",), ())
