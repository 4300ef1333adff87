"""What the doctor says of machines that lack something."""

import json
import os
import re
import subprocess
import sys

import pytest

from deadlight.sensor.doctor import document, is_fit, table
from deadlight.sensor.probe import LOADING, LOOKING_AROUND, Check, missing_capabilities

FIT = Check("privileges", ok=True, detail="CAP_BPF")
LIMITED = Check("cgroups", ok=False, detail="not mounted", needed=False)
UNFIT = Check("libbpf", ok=False, detail="apt-get install libbpf1")


def test_a_table_says_ok_limited_or_missing():
    assert table([FIT, LIMITED, UNFIT]).splitlines() == [
        "privileges  ok        CAP_BPF",
        "cgroups     limited   not mounted",
        "libbpf      missing   apt-get install libbpf1",
    ]


def test_only_what_is_needed_decides():
    assert is_fit([FIT, LIMITED])
    assert not is_fit([FIT, UNFIT])


def test_programs_get_the_same_as_json():
    found = json.loads(document([FIT, UNFIT]))

    assert found["ok"] is False
    assert found["checks"][1] == {"name": "libbpf", "ok": False, "detail": "apt-get install libbpf1", "needed": True}


@pytest.mark.parametrize(
    ("effective", "wanted", "missing"),
    [
        ("000001ffffffffff", LOADING, ()),
        ("0000000000000000", LOADING, LOADING),
        (f"{1 << 39:016x}", LOADING, ("CAP_PERFMON",)),
        (f"{1 << 39 | 1 << 38:016x}", LOADING, ()),
        (f"{1 << 21:016x}", LOADING, ()),
        (f"{1 << 21:016x}", LOOKING_AROUND, LOOKING_AROUND),
    ],
)
def test_capabilities_are_read_from_the_process_status(effective, wanted, missing):
    assert missing_capabilities(f"Name:\tx\nCapEff:\t{effective}\n", wanted) == missing


def doctor(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "deadlight.sensor", "doctor", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_a_missing_library_is_named_with_its_package_and_no_hook_is_tried():
    found = doctor("-o", "json", LIBBPF="/nonexistent/libbpf.so")
    checks = {check["name"]: check for check in json.loads(found.stdout)["checks"]}

    assert found.returncode == 1
    assert "apt-get install libbpf1" in checks["libbpf"]["detail"]
    assert "libbpf" in checks["tp_btf/sched_process_exec"]["detail"]
    assert not checks["tp_btf/sched_process_exec"]["ok"]


@pytest.mark.needs_bpf
@pytest.mark.req("R19", "R29")
def test_on_a_machine_that_can_run_a_sensor_every_wanted_hook_is_ok():
    found = doctor()

    assert found.returncode == 0, found.stdout
    lines = [line.split("  ")[0] for line in found.stdout.splitlines() if "  ok  " in line]
    for hook in ("tp_btf/sched_process_exec", "tp_btf/cgroup_mkdir", "tp_btf/sys_exit map", "tp_btf/sys_exit open"):
        assert hook in lines


@pytest.mark.needs_bpf
def test_without_privileges_the_doctor_names_them():
    found = doctor_with("-all")

    assert found.returncode == 1
    assert "missing CAP_BPF, CAP_PERFMON" in found.stdout


@pytest.mark.needs_bpf
def test_two_capabilities_are_enough_to_see_everything():
    found = doctor_with("-all,+bpf,+perfmon")

    assert found.returncode == 0, found.stdout
    assert re.search(r"^tp_btf/sched_process_exec +ok ", found.stdout, re.MULTILINE)
    assert re.search(r"^tp_btf/sys_exit open +ok ", found.stdout, re.MULTILINE)
    assert "missing CAP_SYS_PTRACE" in found.stdout


def doctor_with(capabilities: str) -> subprocess.CompletedProcess[str]:
    bare = ["setpriv", f"--bounding-set={capabilities}", "--inh-caps=-all"]
    command = [*bare, sys.executable, "-P", "-m", "deadlight.sensor", "doctor"]
    return subprocess.run(command, capture_output=True, text=True, check=False)
