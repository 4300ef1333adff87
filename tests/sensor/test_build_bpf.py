"""The build of the kernel half says what is missing and does nothing twice."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
OBJECT = "src/deadlight/sensor/objects/sensor.bpf.o"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "bpf", tmp_path / "bpf")
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts/build-bpf", tmp_path / "scripts/build-bpf")
    return tmp_path


def build(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts/build-bpf"], capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_a_machine_without_a_compiler_is_told_what_to_install(checkout, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "find"):
        (tools / tool).symlink_to(shutil.which(tool) or "")

    result = build(checkout, PATH=str(tools))

    assert result.returncode == 1
    assert "missing clang" in result.stderr
    assert "apt-get install --no-install-recommends clang" in result.stderr
    assert not (checkout / OBJECT).exists()


def test_an_object_is_built_once_and_again_when_a_source_is_newer(built_object, checkout):
    assert "built" in build(checkout).stderr
    made = (checkout / OBJECT).stat().st_mtime_ns

    assert build(checkout).stderr == ""
    assert (checkout / OBJECT).stat().st_mtime_ns == made

    os.utime(checkout / "bpf/hooks/exec.h", ns=(made + 1, made + 1))
    assert "built" in build(checkout).stderr


def test_the_same_sources_give_the_same_object(built_object, checkout):
    build(checkout)

    assert (checkout / OBJECT).read_bytes() == built_object


def test_a_source_that_does_not_compile_leaves_no_object(built_object, checkout):
    (checkout / "bpf/hooks/exec.h").write_text("#error broken\n")

    assert build(checkout).returncode != 0
    assert not list((checkout / OBJECT).parent.glob("*"))


@pytest.mark.parametrize("source", sorted((REPOSITORY / "bpf").rglob("*.[ch]")), ids=lambda path: path.name)
def test_every_source_states_its_licence(source: Path):
    assert "SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only" in source.read_text().splitlines()[0]
