"""The process: what it says and how it ends when it cannot work."""

import os
import subprocess
import sys


def sensor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "deadlight.sensor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_a_service_without_encryption_is_refused_before_anything_is_loaded():
    result = sensor(
        "--server=http://deadlight.example.com", "--cluster-uid=u", "--cluster-name=c", LIBBPF="/nonexistent"
    )

    assert result.returncode == 1
    assert "would send tokens in clear text" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_machine_without_the_library_is_told_what_to_install():
    result = sensor("--print", LIBBPF="/nonexistent")

    assert result.returncode == 1
    assert "apt-get install libbpf1" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
