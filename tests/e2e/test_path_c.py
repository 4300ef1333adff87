"""Path C on this machine's kernel: what a real container executes validates the packages it comes from.

Nothing is simulated but the Kubernetes API: a real registry, a container started by runc from an image in it, the
sensor as a process of its own with the real BPF object, the service with everything behind it.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.docker_registry import running_docker_registry
from tests.support.inventory import batch, container, node, pod, workload
from tests.support.service import RunningService, eventually

from deadlight.demo.images import File, ImageSpec, Layer, Symlink, build_image, push_image
from deadlight.registry import Endpoint, Manifest, RegistryClient

pytestmark = [pytest.mark.needs_bpf, pytest.mark.needs_runc]

PACKAGES = ("dash", "libc6", "hostname", "sed")
"""Of this machine's own Debian: a shell, what it is linked with, a program to run and one to leave alone."""

REFERENCE = "registry.test/lab/shell:1.0.0"


def own_packages() -> Layer:
    """A layer of real packages, with the part of the package database that knows them."""
    layer: dict[str, Any] = {
        "etc/os-release": Path("/etc/os-release").read_bytes(),
        **{name: Symlink(f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")},
    }
    status = []
    for package in PACKAGES:
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


@dataclass
class Runc:
    """One container of an image that was pulled from the registry."""

    bundle: Path
    container_id: str

    async def run(self, *command: str) -> None:
        """Run a command in a fresh container to its end."""
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
        subprocess.run(["runc", "spec", f"--bundle={self.bundle}"], check=True)
        path = self.bundle / "config.json"
        config = json.loads(path.read_text())
        config["process"] |= {"terminal": False, "args": list(command), "rlimits": []}
        config["root"] = {"path": "rootfs", "readonly": True}
        config["linux"]["cgroupsPath"] = f"/kubepods/besteffort/pod{secrets.token_hex(8)}/{self.container_id}"
        path.write_text(json.dumps(config))
        (self.bundle / "config.json").chmod(0o600)


async def pull(registry_url: str, repository: str, digest: str, folder: Path) -> None:
    """Unpack an image from the registry as a container runtime does; it is our own image, so its paths are trusted."""
    async with aiohttp.ClientSession() as http:
        client = RegistryClient(Endpoint("registry.test", url=registry_url), http)
        manifest = await client.fetch_manifest(repository, digest)
        assert isinstance(manifest, Manifest)
        for layer in manifest.layers:
            archive = folder.parent / "layer.tar.gz"
            with archive.open("wb") as file:
                async for chunk in client.iter_blob(repository, layer.digest, size_limit=layer.size):
                    file.write(chunk)
            with tarfile.open(archive) as members:
                members.extractall(folder, filter="fully_trusted")


@asynccontextmanager
async def running_sensor(service: RunningService, state: Path) -> AsyncIterator[None]:
    """The sensor as a node runs it, with the real enrolment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deadlight.sensor",
        f"--server={service.url}",
        f"--state={state}",
        "--cluster-uid=uid-test",
        "--cluster-name=test",
        "--node-name=node-1",
        env={**os.environ, "DEADLIGHT_REGISTRATION_TOKEN": service.registration_token},
        stderr=asyncio.subprocess.PIPE,
    )

    try:
        await _until_watching(process)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def _until_watching(process: asyncio.subprocess.Process) -> None:
    assert process.stderr
    said = ""
    async with asyncio.timeout(30):
        while "watching:" not in said:
            line = (await process.stderr.readline()).decode()
            assert line, f"the sensor ended: {said}"
            said += line


def advisory(package: str, source: str) -> dict[str, str]:
    """An advisory of this test's own making about a real package."""
    record = {
        "schema_version": "1.7.0",
        "id": f"DLT-2026-{package}",
        "modified": "2026-11-01T00:00:00Z",
        "aliases": [f"CVE-2026-{90000 + len(package)}"],
        "summary": f"made up for {package}",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "Debian:12", "name": source},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99:1"}]}],
            }
        ],
    }
    return {"origin": package, "content": json.dumps(record)}


@pytest.mark.req("R17", "R18", "R19", "R20", "R30", "R31", "R33", "D21")
async def test_a_package_becomes_validated_when_a_real_container_executes_it(
    service: RunningService, tmp_path: Path
) -> None:
    if not is_debian_12():
        pytest.skip("the test's advisories are for Debian 12, whose own packages it uses")
    async with running_docker_registry(tmp_path) as registry_url, aiohttp.ClientSession() as http:
        image = build_image(ImageSpec(layers=[own_packages()]))
        pushed = await push_image(http, registry_url, "lab/shell", "1.0.0", image)
        await service.post("/api/v1/registries", {"host": "registry.test", "url": registry_url})
        documents = [advisory("hostname", "hostname"), advisory("sed", "sed")]
        await service.post("/api/v1/advisories/import", {"source": "test", "documents": documents})
        bundle = tmp_path / "bundle"
        (bundle / "rootfs").mkdir(parents=True)
        await pull(registry_url, "lab/shell", pushed.digest, bundle / "rootfs")
        for folder in ("proc", "dev", "sys"):
            (bundle / "rootfs" / folder).mkdir(exist_ok=True)
        runc = Runc(bundle, secrets.token_hex(32))
        controller = await service.enrol()
        running = container(REFERENCE, pushed.digest, container_id=runc.container_id)
        async with running_sensor(service, tmp_path / "state"):
            # The sensor's side comes first; the container's record follows as it would from a slow API server.
            await runc.run("/bin/sh", "-c", "hostname; hostname; read line < /etc/os-release")
            await controller.post("/agent/v1/inventory", batch(node(), workload(), pod(running)))
            await eventually(lambda: is_validated(service), within=60)
            (sensor,) = await service.rows("SELECT * FROM agent WHERE kind = 'sensor'")
            assert (sensor.node_name, sensor.revoked_at) == ("node-1", None)
    (row,) = (await service.get("/api/v1/image-tags"))["image_tags"]
    packages = {item["name"]: item for item in await service.get(f"/api/v1/image-tags/{row['id']}/packages")}
    assert packages["hostname"]["grade"] == "executed"
    assert packages["hostname"]["evidence_path"] == "/usr/bin/hostname"
    assert packages["dash"]["grade"] == "executed"
    assert packages["libc6"]["grade"] == "mapped"
    assert packages["sed"]["grade"] is None
    findings = {item["package"]: item for item in await service.get(f"/api/v1/image-tags/{row['id']}/vulnerabilities")}
    assert findings["hostname"]["grade"] == "executed"
    assert findings["sed"]["grade"] is None
    processes = (await service.post("/runtime/api/v1/workloads", {}))["workloads"][0]["processes"]
    assert {"/usr/bin/dash", "/usr/bin/hostname"} <= {process["path"] for process in processes}


def is_debian_12() -> bool:
    """Whether this machine's own packages are those the test has advisories for."""
    return 'VERSION_ID="12"' in Path("/etc/os-release").read_text()


async def is_validated(service: RunningService) -> bool:
    """Whether the vulnerability of the executed package counts as validated."""
    rows = await service.rows("SELECT validated FROM image_risk")
    return bool(rows) and rows[0].validated == 1
