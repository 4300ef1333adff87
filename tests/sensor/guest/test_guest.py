"""The kernel half inside the kernel, where only an emulated machine lets it: Debian's stock kernels, every tier.

Minutes each, so they run when they are asked for: `make kernels`.
"""

import os
import subprocess

import pytest
from tests.support.machine import REPOSITORY

pytestmark = [pytest.mark.needs_qemu, pytest.mark.timeout(1_200)]

TIERS = ("L", "T", "S")


@pytest.mark.parametrize("series", ["6.1", "6.12"])
@pytest.mark.req("R19")
def test_every_activity_is_seen_and_every_policy_enforced_on_every_tier(series):
    command = [REPOSITORY / "scripts/kernel-guest", series]
    found = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=os.environ | {"PYTHON": "python"}
    )
    said = found.stdout.replace("\r", "").replace("\0", "")  # it comes from a serial line
    lines = said.splitlines()

    assert f"kernel {series}." in said, said[-3000:] + found.stderr
    assert [line for line in lines if line.startswith("not ok")] == [], said[-10_000:]
    assert "end of check" in lines, said[-3000:]
    for tier in TIERS:
        assert f"ok {tier} files" in lines
    for stops in ("ok L stopped", "ok L libraries_and_scripts", "ok T stopped", "ok S stopped"):
        assert stops in lines
