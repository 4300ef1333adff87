"""What this machine lacks for the tests that need more than Python, and the rule for what follows.

A test marked `needs_bpf`, `needs_runc`, `needs_browser` or `needs_qemu` skips with the exact reason where something is
missing, and fails with it where the variable DEADLIGHT_REQUIRE (a comma-separated list of bpf, runc, browser, qemu)
says it must not be.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from deadlight.sensor.errors import SensorError
from deadlight.sensor.libbpf import Library
from deadlight.sensor.probe import KERNEL_TYPES, LOADING, missing_capabilities

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
CONSOLE = REPOSITORY / "src/deadlight/server/console/index.html"


@cache
def missing_for_object() -> str:
    """Why there is no up-to-date BPF object, or an empty text. Builds it where that is possible."""
    built = subprocess.run([REPOSITORY / "scripts/build-bpf"], capture_output=True, text=True, check=False)
    return "" if built.returncode == 0 else built.stderr.strip().replace("\n", "; ")


@cache
def missing_for_bpf() -> str:
    """Why no BPF program can be loaded here, or an empty text."""
    lacking = missing_capabilities(Path("/proc/self/status").read_text(), LOADING)
    if os.geteuid() != 0 or lacking:
        return f"needs root with {' and '.join(LOADING)}"
    if not KERNEL_TYPES.exists():
        return f"needs a kernel with BTF (no {KERNEL_TYPES})"
    try:
        Library(os.environ)
    except SensorError as error:
        return str(error)
    return missing_for_object()


def find_docker_registry() -> str:
    """Where Debian's docker-registry is, or an empty text."""
    return shutil.which("docker-registry") or ""


@cache
def missing_for_runc() -> str:
    """Why no container can be started here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root"
    return "" if shutil.which("runc") else "runc was not found (apt-get install runc)"


@cache
def missing_for_browser() -> str:
    """Why no page can be looked at here, or an empty text."""
    if not CHROMIUM.exists():
        return f"{CHROMIUM} was not found (apt-get install chromium)"
    return "" if CONSOLE.exists() else "the console is not built (make console)"


def missing_for_qemu() -> str:
    """Why no machine is emulated, or an empty text: it takes minutes, so only who asks for it by name gets it."""
    named = "qemu" in os.environ.get("DEADLIGHT_REQUIRE", "").split(",")
    return "" if named else "emulates a machine for minutes: make kernels"


MISSING: Mapping[str, Callable[[], str]] = {
    "bpf": missing_for_bpf,
    "runc": missing_for_runc,
    "browser": missing_for_browser,
    "qemu": missing_for_qemu,
}
"""What to ask for each marker `needs_...`."""


def demand(name: str, missing: str) -> None:
    """End the test where something is missing: skipped, or failed if DEADLIGHT_REQUIRE names it."""
    if missing and name in os.environ.get("DEADLIGHT_REQUIRE", "").split(","):
        pytest.fail(f"DEADLIGHT_REQUIRE names {name}, but: {missing}", pytrace=False)
    if missing:
        pytest.skip(missing)


def check_needs(item: pytest.Item) -> None:
    """Apply the rule to a test."""
    for name, missing in MISSING.items():
        if item.get_closest_marker(f"needs_{name}"):
            demand(name, missing())
