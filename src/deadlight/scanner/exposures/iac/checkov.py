"""Runs checkov (https://www.checkov.io), which has a size and dependencies of its own, as a process of its own.

It gets a fresh folder with nothing but the files, no access to the network that it could use by accident, no settings
of a user, and bounded time, memory and output. Starting takes seconds and each file milliseconds: judge many images
with one call.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deadlight.scanner.errors import SideProcessError
from deadlight.scanner.exposures.exposure_scanner import Judgement, KeptFile
from deadlight.scanner.exposures.iac.report import parse_report

MAX_FILES = 2_000
"""Given to one run; what is left out is told."""

_FRAMEWORKS = ("terraform", "kubernetes", "dockerfile", "cloudformation")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_INSTALL = "install it where the service runs, with `pipx install checkov`"


@dataclass(frozen=True, slots=True)
class NotSupported:
    """Infrastructure as code cannot be judged here."""

    reason: str
    """What is missing and what to install."""


@dataclass(frozen=True, slots=True)
class Checkov:
    """The program and the bounds of one run."""

    program: str
    timeout: float = 300.0
    """Seconds."""
    max_memory_kib: int = 4 * 1024 * 1024
    """Of each of its processes, addresses that are only reserved included."""
    max_output_kib: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Folder:
    """The files of one run by the path they have in it, for each image."""

    by_image: list[dict[str, KeptFile]] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)


def find_checkov(program: str = "") -> Checkov | NotSupported:
    """The program of a name or path, by default `checkov` on PATH."""
    found = shutil.which(program or "checkov")
    if found is None:
        missing = f"{program} is not a program" if program else "checkov was not found on PATH"
        return NotSupported(f"infrastructure as code is judged by checkov: {missing}; {_INSTALL}")
    return Checkov(found)


def judge_iac(images: Sequence[Sequence[KeptFile]], checkov: Checkov | NotSupported) -> list[Judgement] | NotSupported:
    """Judge the files that were kept of some images, with one run for all. Blocks; give it a thread.

    What a package ships and what a later layer removed are left alone. Where no image has any file there is nothing to
    run, and the answer is a judgement without exposures, whether the program is there or not.

    Raises:
        SideProcessError: it failed, took too long or wrote too much; the text says which.
    """
    own = [[file for file in files if not file.is_deleted and not file.owner_purl] for files in images]
    if not any(own):
        return [Judgement() for _ in images]
    if isinstance(checkov, NotSupported):
        return checkov
    with tempfile.TemporaryDirectory(prefix="deadlight-iac-") as temporary:
        root = Path(temporary, "files")
        folder = _write(root, own)
        output = _run(checkov, root, Path(temporary))
    return [_judgement(output, files, more) for files, more in zip(folder.by_image, folder.left_out, strict=True)]


def _judgement(output: bytes, files: Mapping[str, KeptFile], left_out: int) -> Judgement:
    judgement = parse_report(output, files)
    more = (f"{left_out} more files of infrastructure as code were not judged",) if left_out else ()
    return Judgement(judgement.exposures, (*judgement.problems, *more))


def _write(root: Path, images: Sequence[Sequence[KeptFile]]) -> _Folder:
    """Write the files under names of our own.

    Nothing in an image's paths decides where a file lies or whether checkov takes it for settings of its own. Files of
    one folder stay together, for Terraform's modules are folders.
    """
    folder = _Folder()
    budget = MAX_FILES
    for image, files in enumerate(images):
        names: dict[str, KeptFile] = {}
        folders: dict[str, str] = {}
        for number, file in enumerate(files[:budget]):
            parent, _, name = file.path.rpartition("/")
            place = folders.setdefault(parent, f"i{image}d{len(folders)}")
            path = f"/{place}/{_safe(name, number)}"
            names[path] = file
            target = root / path[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
        folder.by_image.append(names)
        folder.left_out.append(max(len(files) - budget, 0))
        budget = max(budget - len(files), 0)
    return folder


def _safe(name: str, number: int) -> str:
    if _SAFE_NAME.fullmatch(name):
        return name
    suffix = next((one for one in (".tf.json", ".tf", ".yaml", ".yml", ".json", ".template") if name.endswith(one)), "")
    return f"file{number}{suffix}" if suffix else f"Dockerfile.file{number}"


def _run(checkov: Checkov, root: Path, temporary: Path) -> bytes:
    home = temporary / "home"
    home.mkdir()
    report, errors = temporary / "report.json", temporary / "errors.txt"
    limits = f'ulimit -v {checkov.max_memory_kib}; ulimit -f {checkov.max_output_kib * 2}; exec "$@"'
    command = [
        *("/bin/sh", "-c", limits, "sh", checkov.program, "--directory", str(root), "--skip-download", "--compact"),
        *("--output", "json", "--soft-fail", "--download-external-modules", "false", "--framework", *_FRAMEWORKS),
    ]
    with report.open("wb") as out, errors.open("wb") as err:
        status = _wait(command, checkov.timeout, home, out.fileno(), err.fileno())
    if status != 0:
        last = errors.read_bytes()[-500:].decode(errors="replace").strip().rpartition("\n")[2]
        raise SideProcessError(f"checkov ended with {status}: {last or 'it said nothing'}")
    if report.stat().st_size > checkov.max_output_kib * 1024:
        raise SideProcessError(f"checkov wrote more than {checkov.max_output_kib} KiB")
    return report.read_bytes()


def _wait(command: Sequence[str], timeout: float, home: Path, out: int, err: int) -> int:
    """The exit status. Its processes are a group of their own, which ends as a whole."""
    process = subprocess.Popen(
        command,
        cwd=home,
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise SideProcessError(f"checkov took more than {timeout:g} seconds") from None
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(home: Path) -> dict[str, str]:
    """No key of its maker's platform, no user's settings, and a proxy that is not there should it call out."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "LOG_LEVEL": "ERROR",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), nowhere),
    }
