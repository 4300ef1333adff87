"""Checkov as a process: real where it is installed, and small programs in its place for what it must never do to us."""

import os
import shutil
from pathlib import Path

import pytest

from deadlight.model.image import ImageSettings
from deadlight.scanner.errors import SideProcessError
from deadlight.scanner.exposures.exposure_scanner import Judgement, KeptFile
from deadlight.scanner.exposures.iac.checkov import MAX_FILES, Checkov, NotSupported, find_checkov, judge_iac
from deadlight.scanner.exposures.iac.scanner import IAC_SCANNER

REPOSITORY = Path(__file__).parents[4]
FILE = KeptFile("/srv/main.tf", b'resource "a" "b" {}\n', "sha256:1")


def program(folder: Path, script: str) -> Checkov:
    """A program in checkov's place."""
    path = folder / "checkov"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Checkov(str(path), timeout=20)


def judgements(images: list[list[KeptFile]], checkov: Checkov | NotSupported) -> list[Judgement]:
    answer = judge_iac(images, checkov)
    assert not isinstance(answer, NotSupported)
    return answer


def test_where_it_is_not_installed_that_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    missing = find_checkov()
    assert isinstance(missing, NotSupported)
    assert "pipx install checkov" in missing.reason
    assert judge_iac([[FILE]], missing) is missing
    assert isinstance(find_checkov("/nowhere/checkov"), NotSupported)


def test_images_without_such_files_need_no_program() -> None:
    shipped = KeptFile("/usr/share/a/main.tf", b"", "sha256:1", owner_purl="pkg:deb/debian/a@1")
    removed = KeptFile("/srv/main.tf", b"", "sha256:1", is_deleted=True)
    assert judge_iac([[], [shipped, removed]], NotSupported("missing")) == [Judgement(), Judgement()]


def test_nobody_takes_the_layer_s_scanner_alone_for_a_clean_bill() -> None:
    assert IAC_SCANNER.judge([FILE], ImageSettings()).problems == (
        "/srv/main.tf: infrastructure as code that was not judged",
    )


def test_it_sees_the_files_under_our_names_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BC_API_KEY", "planted")
    seen = tmp_path / "seen"
    script = f'cd "$2" && find . -type f | sort > {seen}; env >> {seen}; echo "$@" >> {seen}; echo "[]"'
    hostile = [
        KeptFile(path, b"", "l") for path in ("/a/../../main.tf", "/a/.checkov.yaml", "/b/\n x.tf", "/b/Dockerfile\xff")
    ]
    assert judgements([[FILE], hostile], program(tmp_path, script)) == [Judgement(), Judgement()]
    told = seen.read_text()
    assert told.split("HOME")[0].split("\n")[:5] == [
        "./i0d0/main.tf",
        "./i1d0/main.tf",
        "./i1d1/file1.yaml",
        "./i1d2/Dockerfile.file3",
        "./i1d2/file2.tf",
    ]
    assert "planted" not in told
    assert "https_proxy=http://127.0.0.1:9" in told
    assert "--skip-download" in told


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo broken >&2; exit 2", "ended with 2: broken"),
        ("echo '{'", "no report"),
        ("yes '[]' | head -c 9000000", "more than|ended with"),
        ("exec sleep 600", "took more than"),
        ("sleep 600 & wait", "took more than"),
    ],
)
def test_whatever_goes_wrong_in_it_is_told_and_ends(tmp_path: Path, script: str, reason: str) -> None:
    found = program(tmp_path, script)
    limited = Checkov(found.program, timeout=0.5 if "sleep" in script else 20, max_output_kib=1024)
    with pytest.raises(SideProcessError, match=reason):
        judge_iac([[FILE]], limited)


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    files = [KeptFile(f"/srv/{number}.tf", b"", "l") for number in range(MAX_FILES + 2)]
    first, second = judgements([files, [FILE]], program(tmp_path, "echo '[]'"))
    assert first.problems == ("2 more files of infrastructure as code were not judged",)
    assert second.problems == ("1 more files of infrastructure as code were not judged",)


def installed() -> Checkov:
    """The one that `scripts/setup test` installs, or the one on PATH."""
    own = REPOSITORY / ".make/checkov/bin/checkov"
    found = find_checkov(str(own) if os.access(own, os.X_OK) else "checkov")
    if isinstance(found, NotSupported):
        pytest.skip(f"{found.reason} (scripts/setup test installs it)")
    return found


def test_the_real_one_finds_what_is_wrong_in_two_images_at_once() -> None:
    files = {
        "/srv/main.tf": 'resource "aws_s3_bucket" "a" {\n  bucket = "a"\n  acl = "public-read"\n}\n',
        "/srv/broken.tf": 'resource "a" {\n',
        "/srv/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
        "  - {name: web, image: 'nginx:1', securityContext: {privileged: true}}\n",
    }
    first = [KeptFile(path, text.encode(), "sha256:1") for path, text in files.items()]
    second = [KeptFile("/Dockerfile", b"FROM debian:12\nEXPOSE 22\n", "sha256:2")]
    checkov = installed()
    one, two = judgements([first, second], checkov)
    found = {(exposure.rule_id, exposure.path, exposure.location) for exposure in one.exposures}
    assert ("EXP-IAC-CKV_AWS_20", "/srv/main.tf", "line 1") in found
    assert ("EXP-IAC-CKV_K8S_16", "/srv/pod.yaml", "line 1") in found
    assert one.problems == ("/srv/broken.tf: checkov could not parse it",)
    assert ("EXP-IAC-CKV_DOCKER_1", "/Dockerfile", "line 2") in {
        (exposure.rule_id, exposure.path, exposure.location) for exposure in two.exposures
    }
    assert not any(exposure.path == "/Dockerfile" for exposure in one.exposures)
    assert shutil.which(checkov.program)
