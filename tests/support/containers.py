"""Real containers: an image of this machine's own packages, pulled from a registry and started by runc."""

import asyncio
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from deadlight.demo.images import File, Layer, Symlink
from deadlight.registry import Endpoint, Manifest, RegistryClient

OWN_PACKAGES = ("dash", "libc6", "hostname", "sed")
"""A shell, what it is linked with, a program to run and one to leave alone."""


def is_debian_12() -> bool:
    """Whether this machine's own packages are those of a known distribution."""
    return 'VERSION_ID="12"' in Path("/etc/os-release").read_text()


def own_packages() -> Layer:
    """A layer of this machine's own packages, with the part of the package database that knows them."""
    layer: dict[str, Any] = {
        "etc/os-release": Path("/etc/os-release").read_bytes(),
        **{name: Symlink(f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")},
    }
    status = []
    for package in OWN_PACKAGES:
        status.append(_output("dpkg", "--status", package))
        listed = _output("dpkg", "--listfiles", package).splitlines()
        layer[f"var/lib/dpkg/info/{package}.list"] = "\n".join(listed).encode()
        for name in listed:
            _add(layer, Path(name))
    layer["var/lib/dpkg/status"] = "\n".join(status).encode()
    return layer


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _add(layer: dict[str, Any], path: Path) -> None:
    if path.is_dir() or "/doc/" in str(path) or "/locale/" in str(path) or "/man/" in str(path):
        return
    real = path.parent.resolve() / path.name
    key = str(real).lstrip("/")
    if real.is_symlink():
        layer[key] = Symlink(str(real.readlink()))
    elif real.exists():
        layer[key] = File(real.read_bytes(), real.stat().st_mode & 0o777)


async def pull(registry_url: str, repository: str, digest: str, bundle: Path) -> None:
    """Unpack an image into a bundle's rootfs as a container runtime does; our own image, so its paths are trusted."""
    folder = bundle / "rootfs"
    folder.mkdir(parents=True)
    async with aiohttp.ClientSession() as http:
        client = RegistryClient(Endpoint("registry.test", url=registry_url), http)
        manifest = await client.fetch_manifest(repository, digest)
        assert isinstance(manifest, Manifest)
        for layer in manifest.layers:
            archive = bundle / "layer.tar.gz"
            with archive.open("wb") as file:
                async for chunk in client.iter_blob(repository, layer.digest, size_limit=layer.size):
                    file.write(chunk)
            with tarfile.open(archive) as members:
                members.extractall(folder, filter="fully_trusted")
    for name in ("proc", "dev", "sys"):
        (folder / name).mkdir(exist_ok=True)


@dataclass
class Runc:
    """A container of an image that was pulled into a bundle, in the place in the cgroup tree a kubelet gives it."""

    bundle: Path
    pod_uid: str
    container_id: str

    async def run(self, *command: str) -> None:
        """Run a command in the container to its end."""
        self._configure(command)
        process = await asyncio.create_subprocess_exec(
            "runc",
            f"--root={self.bundle / 'state'}",
            "run",
            f"--bundle={self.bundle}",
            self.container_id,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()

    def _configure(self, command: tuple[str, ...]) -> None:
        path = self.bundle / "config.json"
        if not path.exists():
            subprocess.run(["runc", "spec", f"--bundle={self.bundle}"], check=True)
        config = json.loads(path.read_text())
        config["process"] |= {"terminal": False, "args": list(command), "rlimits": []}
        config["root"] = {"path": "rootfs", "readonly": True}
        config["linux"]["cgroupsPath"] = f"/kubepods/besteffort/pod{self.pod_uid}/{self.container_id}"
        path.write_text(json.dumps(config))
