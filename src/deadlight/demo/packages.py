"""Bundled package data -> layers of images: what dpkg, apk and pip would have left behind.

Names, versions and paths are real (data/README.md); each file's content is a line that says it is a stand-in.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from deadlight.demo.images import Entry, File, Symlink

SITE_PACKAGES = "/usr/local/lib/python3.9/site-packages"
PYTHON = "/usr/local/bin/python3.9"

_MERGED = ("bin", "lib", "lib64", "sbin")
"""Folders of the root that Debian 12 has as links into /usr."""

MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
"""How Debian names the folder of an architecture's libraries."""
_LOADER = {"amd64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}
_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}

_DEBIAN_RELEASE = b"""\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""
_ALPINE_RELEASE = b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n'

Entries = dict[str, Entry]


class Debian(StrEnum):
    """A state of Debian 12: a file of package versions."""

    RELEASED = "released"
    """June 2023."""
    UPDATED = "updated"
    """With all updates."""


def data() -> Traversable:
    """The folder of bundled data."""
    return files("deadlight.demo") / "data"


# --- Debian ------------------------------------------------------------------------------------------------


def debian_layers(
    state: Debian, base: Iterable[str], extra: Iterable[str] = (), *, architecture: str = "amd64"
) -> list[Entries]:
    """The layer of a base image and, where `extra` names packages, one on top that installs those."""
    base, extra = tuple(base), tuple(extra)
    bottom: Entries = {name: Symlink(f"usr/{name}") for name in _MERGED}
    bottom |= _dpkg_entries(state, base, base, architecture) | {"/usr/lib/os-release": _DEBIAN_RELEASE}
    return [bottom, _dpkg_entries(state, (*base, *extra), extra, architecture)] if extra else [bottom]


def _dpkg_entries(state: Debian, installed: Iterable[str], fresh: Iterable[str], architecture: str) -> Entries:
    """What installing `fresh` writes; dpkg's status then has all that is installed."""
    stanzas = _stanzas(state)
    status = "".join(stanzas[name].replace(": amd64\n", f": {architecture}\n") for name in installed)
    entries: Entries = {"/var/lib/dpkg/status": status.encode()}
    for name in fresh:
        listed = _listed_files(name, architecture)
        entries[f"/var/lib/dpkg/info/{name}.list"] = "".join(f"{path}\n" for path in listed).encode()
        entries |= {_on_merged_usr(path): Symlink(to) if to else _stand_in(path) for path, to in listed.items()}
    return entries


@cache
def _stanzas(state: Debian) -> Mapping[str, str]:
    text = (data() / "debian-12" / f"{state.value}.status").read_text("utf-8")
    stanzas = (f"{stanza.strip()}\n\n" for stanza in text.split("\n\n"))
    return {stanza.partition("\n")[0].removeprefix("Package: "): stanza for stanza in stanzas}


def _listed_files(name: str, architecture: str) -> dict[str, str]:
    """The paths of a package, each with what it links to ("" for a file)."""
    text = (data() / "debian-12" / "info" / f"{name}.list").read_text("utf-8")
    text = text.replace(_LOADER["amd64"], _LOADER[architecture])
    lines = (line.partition(" -> ") for line in text.replace(MULTIARCH["amd64"], MULTIARCH[architecture]).splitlines())
    return {path: target for path, _, target in lines}


def _on_merged_usr(path: str) -> str:
    return f"/usr{path}" if path.split("/")[1] in _MERGED else path


# --- Alpine ------------------------------------------------------------------------------------------------


def alpine_layer(*, architecture: str = "amd64") -> Entries:
    """The one layer of Alpine 3.19.1."""
    database = (data() / "alpine-3.19" / "installed").read_text("utf-8").replace("x86_64", _MACHINE[architecture])
    entries: Entries = {"/lib/apk/db/installed": database.encode(), "/etc/os-release": _ALPINE_RELEASE}
    folder = ""
    for line in database.splitlines():
        if line.startswith("F:"):
            folder = line[2:]
        elif line.startswith("R:"):
            entries[f"/{folder}/{line[2:]}"] = _stand_in(f"/{folder}/{line[2:]}")
    return entries | {"/bin/sh": Symlink("busybox"), "/usr/lib/libcrypto.so.3": Symlink("../../lib/libcrypto.so.3")}


# --- Python ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of the Python Package Index; `files` are relative to site-packages."""

    name: str
    version: str
    requires: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def main_file(self) -> str:
        """The absolute path of the file that importing it opens first."""
        inits = (path for path in self.files if path.endswith("/__init__.py"))
        return f"{SITE_PACKAGES}/{next(inits, self.files[0])}"


@cache
def load_distribution(name: str, version: str) -> Distribution:
    """A bundled distribution."""
    text = (data() / "pypi" / f"{name}-{version}.txt").read_text("utf-8")
    head, _, paths = text.partition("\n\n")
    fields = [line.partition(": ") for line in head.splitlines()]
    requires = tuple(value for key, _, value in fields if key == "Requires-Dist")
    return Distribution(name, version, requires, tuple(paths.split()))


def python_layer(distributions: Iterable[Distribution], *, architecture: str = "amd64") -> Entries:
    """What pip leaves of these distributions."""
    entries: Entries = {}
    for distribution in distributions:
        info = f"{distribution.name.replace('-', '_')}-{distribution.version}.dist-info"
        content = {path.replace("x86_64", _MACHINE[architecture]): _line(path) for path in distribution.files}
        content |= {f"{info}/METADATA": _metadata(distribution), f"{info}/INSTALLER": b"pip\n"}
        record = "".join(f"{path},{_record_hash(each)},{len(each)}\n" for path, each in sorted(content.items()))
        content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        entries |= {f"{SITE_PACKAGES}/{path}": each for path, each in content.items()}
    return entries


def interpreter_layer() -> Entries:
    """A Python 3.9 built from source, as the images of that name have it: no package owns it."""
    entries: Entries = {PYTHON: _stand_in(PYTHON), "/usr/local/bin/python3": Symlink("python3.9")}
    return entries | {f"/usr/local/lib/python3.9/{name}.py": _line(name) for name in ("os", "site", "socket", "ssl")}


def _metadata(distribution: Distribution) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {distribution.name}", f"Version: {distribution.version}"]
    return "\n".join([*lines, *(f"Requires-Dist: {name}" for name in distribution.requires), ""]).encode()


def _record_hash(content: bytes) -> str:
    """As PEP 376 writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


# --- code of the imagined company ----------------------------------------------------------------------------


def app_layer(app: str) -> Entries:
    """The company's own code, under /app."""
    folder = data() / "apps" / app
    return {f"/app/{file.name.removesuffix('.txt')}": file.read_bytes() for file in folder.iterdir()}


def _stand_in(path: str) -> File:
    executable = path.endswith((".so", PYTHON)) or "bin/" in path or ".so." in path
    return File(_line(path), mode=0o755 if executable else 0o644)


def _line(path: str) -> bytes:
    return f"# Deadlight demonstration: stands in for {path}\n".encode()
