"""Layers of real software for benchmarks: Debian packages, wheels, npm packages and jars, as gzip-compressed tars.

Everything comes from package registries by their ordinary clients and is kept in a folder outside the repository
(`$XDG_CACHE_HOME/deadlight-bench`), named by what it was made from, so that only the first run downloads and builds.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deadlight-bench"

RECIPE = 1
"""Raise it when the same recipe would give other bytes."""

_MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders that are links into /usr on Debian 12, whatever the packages say."""

SITE_PACKAGES = "usr/local/lib/python3.11/site-packages"


@dataclass(frozen=True, slots=True)
class Debian:
    """Debian packages with all they depend on, added to those of the layers below."""

    packages: tuple[str, ...]
    """apt's names and patterns."""
    below: tuple[str, ...] = ()
    """What the layers below were asked for."""


@dataclass(frozen=True, slots=True)
class Wheels:
    """Python distributions as pip would install them."""

    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodePackages:
    """npm packages with all they depend on, below /app."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Jars:
    """The jars of Debian packages of Java libraries, copied to /app/lib as an application would bring them."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """An application's own files."""

    contents: tuple[tuple[str, str], ...]
    """Path and text."""


@dataclass(frozen=True, slots=True)
class JavaClasses:
    """A Java program below /app/classes, compiled here against jars."""

    source: str
    """Its one class is `Main`."""
    against: Jars


@dataclass(frozen=True, slots=True)
class GoModule:
    """A Go module that a Debian package has the source of."""

    path: str
    version: str
    """As the program shall name it."""
    package: str


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A static Go program, compiled here with the modules it requires."""

    target: str
    """Its path in the image."""
    source: str
    modules: tuple[GoModule, ...]


Recipe = Debian | Wheels | NodePackages | Jars | Files | JavaClasses | GoProgram


def build_layer(recipe: Recipe) -> Path:
    """The layer's file in the cache, built where it is not there. Ends the process where a client fails."""
    name = hashlib.sha256(f"{RECIPE} {recipe!r}".encode()).hexdigest()[:24]
    target = CACHE / "layers" / f"{name}.tar.gz"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with tarfile.open(part, "w:gz", compresslevel=6, format=tarfile.PAX_FORMAT) as archive:
            _write(archive, recipe)
        part.replace(target)
    return target


def _write(archive: tarfile.TarFile, recipe: Recipe) -> None:
    match recipe:
        case Debian():
            _write_debian(archive, recipe)
        case Wheels(requirements):
            _write_folder(archive, _wheels(requirements), SITE_PACKAGES)
        case NodePackages(packages):
            _write_folder(archive, _node_packages(packages), "app")
        case Jars(packages):
            _write_jars(archive, packages)
        case Files(contents):
            for path, text in contents:
                _add(archive, tarfile.TarInfo(path), content=text.encode())
        case JavaClasses(source, against):
            _write_folder(archive, _java_classes(source, against.packages), "app/classes")
        case GoProgram(target, source, modules):
            _add(archive, tarfile.TarInfo(target), content=_go_program(source, modules), mode=0o755)


# --- Debian -------------------------------------------------------------------------------------------------


def _write_debian(archive: tarfile.TarFile, recipe: Debian) -> None:
    """As dpkg leaves it: the files of what is new, and the database of everything."""
    below = set(_debs(recipe.below)) if recipe.below else set()
    debs = _debs((*recipe.below, *recipe.packages))
    if not below:
        for folder in _MERGED:
            _add(archive, tarfile.TarInfo(f"usr/{folder}"), kind=tarfile.DIRTYPE, mode=0o755)
            _add(archive, tarfile.TarInfo(folder), kind=tarfile.SYMTYPE, target=f"usr/{folder}")
    seen: set[str] = set(_MERGED)
    for deb in debs:
        if deb not in below:
            _add_deb(archive, deb, seen)
    status = b"\n".join(_status(deb) for deb in debs)
    _add(archive, tarfile.TarInfo("var/lib/dpkg/status"), content=status)


def _debs(packages: Sequence[str]) -> list[Path]:
    """The files of the packages and of all they need, in apt's order, downloaded once."""
    store = CACHE / "debs"
    (store / "partial").mkdir(parents=True, exist_ok=True)
    (store / "status").touch()
    apt = [
        "apt-get",
        *("-o", f"Dir::State::status={store / 'status'}"),
        *("-o", f"Dir::Cache::archives={store}"),
        *("-o", "Debug::NoLocking=1", "-y", "--no-install-recommends"),
    ]
    _run([*apt, "--download-only", "install", *packages])
    # What is there already is not printed again, so the printing is asked for an empty folder.
    with tempfile.TemporaryDirectory() as empty:
        (Path(empty) / "partial").mkdir()
        printed = _run([*apt, "-o", f"Dir::Cache::archives={empty}", "--print-uris", "install", *packages])
    names = [line.split()[1] for line in printed.splitlines() if line.startswith("'")]
    return [store / name for name in sorted(names)]


def _add_deb(archive: tarfile.TarFile, deb: Path, seen: set[str]) -> None:
    paths = ["/."]
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as content,
    ):
        for member in content:
            path = member.name.removeprefix(".").strip("/")
            if not path:
                continue
            paths.append(f"/{path}")
            member.name, member.linkname = _merged(path), _merged_link(member)
            if member.name not in seen:
                seen.add(member.name)
                archive.addfile(_plain(member), content.extractfile(member) if member.isreg() else None)
    name = _field(deb, "Package")
    suffix = f":{_field(deb, 'Architecture')}" if _field(deb, "Multi-Arch") == "same" else ""
    listing = "\n".join(paths).encode() + b"\n"
    _add(archive, tarfile.TarInfo(f"var/lib/dpkg/info/{name}{suffix}.list"), content=listing)


def _merged(path: str) -> str:
    return f"usr/{path}" if path.partition("/")[0] in _MERGED and "/" in path else path


def _merged_link(member: tarfile.TarInfo) -> str:
    return _merged(member.linkname.removeprefix("./")) if member.islnk() else member.linkname


def _status(deb: Path) -> bytes:
    control = _run(["dpkg-deb", "-f", str(deb)])
    head, _, rest = control.partition("\n")
    return f"{head}\nStatus: install ok installed\n{rest}".encode()


def _field(deb: Path, name: str) -> str:
    return _run(["dpkg-deb", "-f", str(deb), name]).strip()


# --- languages ----------------------------------------------------------------------------------------------


def _wheels(requirements: Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "pip", "install", "--quiet", "--target", folder, "--python-version", "3.11"]
        _run([*command, "--only-binary", ":all:", *requirements])
        yield Path(folder)


def _node_packages(packages: Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        _run(["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", *packages])
        yield Path(folder)


def _write_folder(archive: tarfile.TarFile, folders: Iterator[Path], below: str) -> None:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            member = archive.gettarinfo(path, f"{below}/{path.relative_to(folder)}")
            if member.isreg():
                with path.open("rb") as content:
                    archive.addfile(_plain(member), content)
            else:
                archive.addfile(_plain(member))


def _write_jars(archive: tarfile.TarFile, packages: Sequence[str]) -> None:
    with _unpacked(packages) as folder:
        for name, path in _jars(folder).items():
            _add(archive, tarfile.TarInfo(f"app/lib/{name}"), content=path.read_bytes())


@contextmanager
def _unpacked(packages: Sequence[str]) -> Iterator[Path]:
    """The files of Debian packages and of all they need."""
    with tempfile.TemporaryDirectory() as folder:
        for deb in _debs(packages):
            _run(["dpkg-deb", "-x", str(deb), folder])
        yield Path(folder)


def _jars(folder: Path) -> dict[str, Path]:
    """The jars below a folder of unpacked packages by their names."""
    found = {path.name: path for path in sorted((folder / "usr/share").rglob("*.jar")) if not path.is_symlink()}
    return dict(sorted(found.items()))


def _java_classes(source: str, packages: Sequence[str]) -> Iterator[Path]:
    with _unpacked(packages) as unpacked, tempfile.TemporaryDirectory() as folder:
        (main := unpacked / "Main.java").write_text(source)
        path = ":".join(map(str, _jars(unpacked).values()))
        _run(["javac", "--release", "17", "-cp", path, "-d", folder, str(main)])
        yield Path(folder)


def _go_program(source: str, modules: Sequence[GoModule]) -> bytes:
    """Compiled from a folder of its own where the modules are vendored, so that it names their versions."""
    with _unpacked([module.package for module in modules]) as unpacked, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.go").write_text(source)
        required = "".join(f"require {module.path} {module.version}\n" for module in modules)
        (folder / "go.mod").write_text(f"module example.com/program\ngo 1.19\n{required}")
        listed = "".join(f"# {one.path} {one.version}\n## explicit\n{one.path}\n" for one in modules)
        for module in modules:
            vendored = folder / "vendor" / module.path
            shutil.copytree(unpacked / "usr/share/gocode/src" / module.path, vendored, symlinks=True)
        (folder / "vendor/modules.txt").write_text(listed)
        build = ["go", "build", "-mod=vendor", "-trimpath", "-o", "program", "."]
        _run(["env", f"--chdir={name}", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", *build])
        return (folder / "program").read_bytes()


# --- tar ----------------------------------------------------------------------------------------------------


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs from machine to machine."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.pax_headers = {}
    return member


def _add(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    *,
    content: bytes = b"",
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o644,
    target: str = "",
) -> None:
    member.type, member.mode, member.linkname, member.size = kind, mode, target, len(content)
    archive.addfile(member, io.BytesIO(content))


def _run(command: Iterable[str]) -> str:
    arguments = list(command)
    if shutil.which(arguments[0]) is None:
        raise SystemExit(
            f"{arguments[0]} was not found: these benchmarks build their images with apt, dpkg, uv and npm"
        )
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:400]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
