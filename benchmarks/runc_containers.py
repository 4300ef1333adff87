"""Real containers on this machine: runc, and an overlay over this machine's own root as the image."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON = str(Path(sys.executable).resolve())

_USUAL = "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL"
CAPABILITIES = [f"CAP_{name}" for name in _USUAL.split()]
"""What container runtimes give unless told otherwise."""

_NETWORK = "busybox ip link set lo up && busybox ip route add local 0.0.0.0/0 dev lo && echo ready && exec sleep 86400"
"""A network in which every address is one's own: nothing leaves this machine."""


@dataclass
class Container:
    """A container: `files` are what its image has besides this machine's own, by their path without a first slash."""

    name: str
    command: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    container_id: str = field(default_factory=lambda: secrets.token_hex(32))
    process: asyncio.subprocess.Process | None = None


class Host:
    """Starts containers and programs in them; everything is gone after `hosting`."""

    def __init__(self, folder: Path, network: int) -> None:
        self.folder = folder
        self.cgroup = f"/deadlight-bench-{os.getpid()}-{secrets.token_hex(4)}"
        self.containers: list[Container] = []
        self._network = network

    async def start(self, container: Container) -> Container:
        """Start a container."""
        self.containers.append(container)
        bundle = self.folder / container.container_id
        for directory in ("layer", "root", "upper", "work"):
            (bundle / directory).mkdir(parents=True)
        _write(bundle / "layer", container.files)
        layers = f"lowerdir={bundle}/layer:/,upperdir={bundle}/upper,workdir={bundle}/work"
        await _run("mount", "-t", "overlay", "none", "-o", layers, str(bundle / "root"))
        await _run("runc", "spec", "--bundle", str(bundle))
        path = bundle / "config.json"
        path.write_text(json.dumps(self._configure(json.loads(path.read_text()), container)))
        with (self.folder / f"{container.name}.log").open("ab") as log:
            container.process = await asyncio.create_subprocess_exec(
                *self._runc("run", "--bundle", str(bundle), container.container_id),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return container

    async def execute(self, container: Container, *command: str) -> bool:
        """Run a program in a container as health checks do; says whether it succeeded."""
        process = await asyncio.create_subprocess_exec(
            *self._runc("exec", container.container_id, *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0

    async def pause(self, container: Container) -> None:
        """Have a container do nothing more, and stay."""
        await _run(*self._runc("pause", container.container_id))

    async def stop(self, container: Container) -> None:
        """End a container and remove its files."""
        if container.process:
            await _run(*self._runc("kill", container.container_id, "KILL"), check=False)
            await _run(*self._runc("resume", container.container_id), check=False)
            await container.process.wait()
        await _run("umount", str(self.folder / container.container_id / "root"), check=False)
        self.containers.remove(container)

    def _runc(self, *arguments: str) -> list[str]:
        return ["runc", "--root", str(self.folder / "state"), *arguments]

    def _configure(self, config: dict[str, Any], container: Container) -> dict[str, Any]:
        config["process"] |= {"terminal": False, "args": list(container.command), "rlimits": []}
        config["process"]["env"] += [f"{name}={value}" for name, value in container.environment.items()]
        config["process"]["noNewPrivileges"] = False
        config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), CAPABILITIES)
        config["root"] = {"path": "root", "readonly": False}
        linux = config["linux"]
        linux["cgroupsPath"] = f"{self.cgroup}/{container.container_id}"
        linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] != "network"]
        linux["namespaces"].append({"type": "network", "path": f"/proc/{self._network}/ns/net"})
        return config


def _write(layer: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        place = layer / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if text.startswith("#!") else 0o644)


async def _run(*command: str, check: bool = True) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, complaint = await process.communicate()
    if check and process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {complaint.decode().strip()}")


def _remove(folder: Path, cgroup: str) -> None:
    subprocess.run(["umount", "--recursive", str(folder)], check=True)
    folder.rmdir()
    for group in Path("/sys/fs/cgroup").glob(f"**{cgroup}"):
        group.rmdir()


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    """A host for containers until the block ends. Their files are in memory: a layer may not lie below another."""
    folder = Path(tempfile.mkdtemp(prefix="dlc-", dir="/tmp"))
    await _run("mount", "-t", "tmpfs", "none", str(folder))
    network = await asyncio.create_subprocess_exec(
        "unshare", "--net", "sh", "-c", _NETWORK, stdout=asyncio.subprocess.PIPE
    )
    assert network.stdout
    await network.stdout.readline()
    host = Host(folder, network.pid)
    try:
        yield host
    finally:
        for container in list(host.containers):
            await host.stop(container)
        network.kill()
        await network.communicate()
        await asyncio.to_thread(_remove, folder, host.cgroup)
