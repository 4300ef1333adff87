"""Real containers of images in a registry, without Kubernetes: pulled, unpacked and started by runc."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from deadlight.registry import Endpoint, Manifest, RegistryClient
from deadlight.sensor.cgroupfs import read_hierarchies

END_SECONDS = 30.0


async def pull_image(http: aiohttp.ClientSession, url: str, name: str, digest: str, folder: Path) -> Path:
    """Unpack an image's layers into a root file system; our own images, so that their paths are trusted."""
    root = folder / "image" / name
    root.mkdir(parents=True)
    client = RegistryClient(Endpoint("registry.test", url=url), http)
    manifest = await client.fetch_manifest(name, digest)
    assert isinstance(manifest, Manifest)
    archive = folder / "layer.tar.gz"
    for layer in manifest.layers:
        with archive.open("wb") as file:
            async for chunk in client.iter_blob(name, layer.digest, size_limit=layer.size):
                file.write(chunk)
        await run("tar", "-xzf", str(archive), "-C", str(root), "--keep-directory-symlink")
    archive.unlink()
    for missing in ("proc", "dev", "sys", "tmp", "etc"):
        (root / missing).mkdir(exist_ok=True)
    return root


async def run(*command: str) -> str:
    """Run a command to its end; its output. Ends the benchmark where it fails."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:300]} failed:\n{output.decode(errors='replace')[-3000:]}")
    return output.decode(errors="replace")


@dataclass
class Container:
    """One container: a root of its own over the image's, and the place in the cgroup tree that a kubelet gives it."""

    bundle: Path
    command: Sequence[str]
    environment: Sequence[str] = ()
    container_id: str = field(default_factory=lambda: secrets.token_hex(32))
    pod_uid: str = field(default_factory=lambda: secrets.token_hex(16))
    _running: asyncio.subprocess.Process | None = None

    def configure(self) -> None:
        """Write the bundle. It shares the host's network, so that whoever asks it needs none of its own."""
        subprocess.run(["runc", "spec", f"--bundle={self.bundle}"], check=True)
        path = self.bundle / "config.json"
        config = json.loads(path.read_text())
        variables = ["PATH=/usr/local/bin:/usr/bin:/usr/sbin", *self.environment]
        config["process"] |= {"terminal": False, "args": list(self.command), "rlimits": [], "env": variables}
        config["root"] = {"path": "root", "readonly": False}
        config["linux"]["cgroupsPath"] = f"{self._parent}/{self.container_id}"
        config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]
        path.write_text(json.dumps(config))

    @property
    def _parent(self) -> str:
        return f"/kubepods/besteffort/pod{self.pod_uid}"

    def _runc(self, *arguments: str) -> list[str]:
        return ["runc", f"--root={self.bundle / 'state'}", *arguments]

    async def start(self) -> None:
        """Start it, and go on when it runs or has ended already."""
        with (self.bundle / "log").open("wb") as log:
            self._running = await asyncio.create_subprocess_exec(
                *self._runc("run", f"--bundle={self.bundle}", self.container_id),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(END_SECONDS):
            while self._running.returncode is None and await self._state() != "running":
                await asyncio.sleep(0.05)

    async def _state(self) -> str:
        """What runc says of it; an empty text where it does not know it."""
        command = self._runc("state", self.container_id)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL)
        output, _ = await process.communicate()
        return str(json.loads(output)["status"]) if process.returncode == 0 else ""

    async def wait(self) -> str:
        """Wait for its end; what it said."""
        assert self._running
        status = await self._running.wait()
        said = (self.bundle / "log").read_text(errors="replace")
        if status:
            raise SystemExit(f"a container ended with status {status}: {' '.join(self.command)[:200]}\n{said[-3000:]}")
        return said

    async def execute(self, *command: str) -> str:
        """Execute something else in it, as an operator does; its output."""
        return await run(*self._runc("exec", self.container_id, *command))

    async def until_answering(self, url: str) -> None:
        """Wait until what runs in it answers."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(120):
            while True:
                assert self._running
                if self._running.returncode is not None:
                    await self.wait()
                    raise SystemExit("a container ended before it answered")
                with suppress(aiohttp.ClientError):
                    async with http.get(url) as answer:
                        assert answer.ok, await answer.text()
                        return
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """End it, if it still runs."""
        if self._running is None:
            return
        if self._running.returncode is None:
            command = self._runc("kill", self.container_id, "KILL")
            await (await asyncio.create_subprocess_exec(*command, stderr=DEVNULL)).wait()
            async with asyncio.timeout(END_SECONDS):
                await self._running.wait()

    def remove_groups(self) -> None:
        """Runc removes a container's own control groups, not their parents."""
        for hierarchy in _hierarchies():
            group = Path(f"{hierarchy}{self._parent}")
            deadline = time.monotonic() + END_SECONDS
            while group.exists():
                try:
                    for child in group.glob("*/"):
                        child.rmdir()
                    group.rmdir()
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.05)


def _hierarchies() -> list[Path]:
    """Where control groups of any kind are mounted."""
    mounted = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounted if fields[2] in {"cgroup", "cgroup2"}]


@contextmanager
def container(
    layers: Sequence[Path], folder: Path, command: Sequence[str], environment: Sequence[str] = ()
) -> Iterator[Container]:
    """A configured container over an image's layers, the highest first; nothing is left of it afterwards.

    Its own writable layer lies in memory.
    """
    bundle = folder / f"bundle-{secrets.token_hex(4)}"
    bundle.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(bundle)], check=True)
    for name in ("root", "upper", "work"):
        (bundle / name).mkdir()
    options = f"lowerdir={':'.join(map(str, layers))},upperdir={bundle}/upper,workdir={bundle}/work"
    subprocess.run(["mount", "-t", "overlay", "none", "-o", options, str(bundle / "root")], check=True)
    made = Container(bundle, command, environment)
    made.configure()
    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(bundle / "root"), str(bundle)], check=True)
        bundle.rmdir()
        made.remove_groups()


def check_machine() -> None:
    """End the benchmark with the reason where this machine cannot run containers and watch them."""
    if os.geteuid():
        raise SystemExit("this benchmark starts containers and a sensor: run it as root")
    if shutil.which("runc", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        raise SystemExit("runc was not found (apt-get install runc)")
    if not read_hierarchies():
        raise SystemExit("no control groups are mounted")
