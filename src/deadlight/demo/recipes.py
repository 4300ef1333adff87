"""How the demonstration's images are put together, and what the processes in their containers do."""

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from deadlight.demo.images import BuiltImage, BuiltIndex, Entry, File, ImageSpec, Layer, build_image, build_index
from deadlight.demo.packages import (
    MULTIARCH,
    PYTHON,
    Debian,
    Distribution,
    alpine_layer,
    app_layer,
    debian_layers,
    interpreter_layer,
    load_distribution,
    python_layer,
)
from deadlight.model.image import Platform
from deadlight.model.observation import Grade

REGISTRY = "registry.deadlight.demo"
"""The host of the imagined company's own registry, which the demonstration adds."""

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")

BASE = (
    *("apt", "base-files", "bash", "ca-certificates", "coreutils", "dash", "debianutils", "dpkg", "findutils", "grep"),
    *("gzip", "libacl1", "libapt-pkg6.0", "libblkid1", "libbz2-1.0", "libc-bin", "libc6", "libcrypt1", "libexpat1"),
    *("libffi8", "libgcc-s1", "libgcrypt20", "libgmp10", "libgnutls30", "liblz4-1", "liblzma5", "libncursesw6"),
    *("libpcre2-8-0", "libreadline8", "libselinux1", "libsqlite3-0", "libssl3", "libstdc++6", "libsystemd0"),
    *("libtasn1-6", "libtinfo6", "libuuid1", "libzstd1", "login", "mount", "netbase", "openssl", "passwd", "perl-base"),
    *("sed", "tar", "tzdata", "util-linux", "zlib1g"),
)
"""Debian packages of every Debian image, much like those of a slim base image of Debian 12."""

PYTHON_TOOLS = ("pip 23.0.1", "setuptools 58.1.0", "wheel 0.40.0")
"""What comes with a Python 3.9 built from source."""

_LIBRARIES = f"/usr/lib/{MULTIARCH['amd64']}"
_MAPPED_BY_ALL = ("libc.so.6", "libssl.so.3", "libcrypto.so.3")


@dataclass(frozen=True, slots=True)
class Use:
    """What a process does with a file, as a sensor on an amd64 node sees it."""

    grade: Grade
    path: str
    process: str
    arguments: tuple[str, ...] = ()

    def on(self, architecture: str) -> "Use":
        """The same on a node of another architecture."""
        return replace(self, path=self.path.replace(MULTIARCH["amd64"], MULTIARCH[architecture]))


@dataclass(frozen=True, slots=True)
class Contents:
    """What an image is made of."""

    debian: Debian | None = None
    extra: tuple[str, ...] = ()
    """Debian packages beyond the base."""
    alpine: bool = False
    distributions: tuple[Distribution, ...] = ()
    app: str = ""
    more: tuple[tuple[str, Entry], ...] = ()
    """A layer on top, by path."""

    def layers(self, architecture: str) -> list[Layer]:
        """Lowest first."""
        layers: list[Layer] = []
        if self.debian:
            layers += debian_layers(self.debian, BASE, self.extra, architecture=architecture)
        if self.alpine:
            layers.append(alpine_layer(architecture=architecture))
        if self.distributions:
            layers += [interpreter_layer(), python_layer(self.distributions, architecture=architecture)]
        if self.app:
            layers.append(app_layer(self.app))
        return [*layers, dict(self.more)] if self.more else layers

    def content_of(self, path: str, architecture: str) -> bytes | None:
        """Of the file that a container sees at a path; None where there is none."""
        entries = [layer[path] for layer in self.layers(architecture) if path in layer]
        match entries[-1:]:
            case [bytes(content)] | [File(content=content)]:
                return content
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoImage:
    """An image to build, and what its containers do."""

    host: str = REGISTRY
    repository: str
    tag: str
    contents: Contents
    command: tuple[str, ...]
    owner: str = ""
    platforms: tuple[Platform, ...] = (AMD64,)
    uses: tuple[Use, ...] = ()
    """From the start of a container."""
    later: tuple[Use, ...] = ()
    """Once the script says so."""

    @property
    def reference(self) -> str:
        """As specifications of pods write it."""
        return f"{self.host}/{self.repository}:{self.tag}"


@cache
def sha256_of(contents: Contents, path: str, architecture: str) -> str:
    """The hash of the file at a path, which a sensor on a node would read; empty where there is none."""
    content = contents.content_of(path, architecture)
    return "" if content is None else hashlib.sha256(content).hexdigest()


def build(image: DemoImage) -> BuiltImage | BuiltIndex:
    """Build it: an index where it is for several platforms. The same image always gives the same digests."""
    built = [build_image(_spec(image, platform)) for platform in image.platforms]
    return build_index(built) if len(built) > 1 else built[0]


def _spec(image: DemoImage, platform: Platform) -> ImageSpec:
    revision = hashlib.sha256(repr((image.reference, image.contents)).encode()).hexdigest()[:40]
    source = f"https://git.company.demo/{image.repository}"
    labels = {"org.opencontainers.image.source": source, "org.opencontainers.image.revision": revision}
    return ImageSpec(
        layers=image.contents.layers(platform.architecture),
        platform=platform,
        command=image.command,
        labels=labels | ({"org.opencontainers.image.authors": image.owner} if image.owner else {}),
        working_directory="/app" if image.contents.app else "",
        created="2026-11-02T09:00:00Z",
    )


# --- recipes -------------------------------------------------------------------------------------------------


def python_service(
    repository: str,
    tag: str,
    packages: Sequence[str],
    *,
    app: str,
    command: str,
    loads: Sequence[str],
    owner: str,
    loads_later: Sequence[str] = (),
    debian: Debian = Debian.RELEASED,
    extra: Sequence[str] = (),
    platforms: tuple[Platform, ...] = (AMD64,),
    tools: Sequence[str] = PYTHON_TOOLS,
) -> DemoImage:
    """A service in Python. `packages` are texts of name and version; `loads` names those it imports when it starts."""
    held = tuple(load_distribution(*text.split(" ")) for text in (*packages, *tools))
    line = tuple(shlex.split(command))
    opened = {item.name: Use(Grade.OPENED, item.main_file, line[0]) for item in held}
    return DemoImage(
        repository=repository,
        tag=tag,
        contents=Contents(debian, tuple(extra), distributions=held, app=app),
        command=line,
        owner=owner,
        platforms=platforms,
        uses=(Use(Grade.EXECUTED, PYTHON, line[0], line), *_mapped(line[0]), *(opened[name] for name in loads)),
        later=tuple(opened[name] for name in loads_later),
    )


def debian_program(
    repository: str,
    tag: str,
    path: str,
    *,
    command: str,
    owner: str,
    debian: Debian,
    extra: Sequence[str],
    maps: Sequence[str] = (),
    platforms: tuple[Platform, ...] = (AMD64,),
) -> DemoImage:
    """The program at `path`, out of a Debian package. `maps` are libraries it loads besides those of everyone."""
    line = tuple(shlex.split(command))
    return DemoImage(
        repository=repository,
        tag=tag,
        contents=Contents(debian, tuple(extra)),
        command=line,
        owner=owner,
        platforms=platforms,
        uses=(Use(Grade.EXECUTED, path, line[0], line), *_mapped(line[0], *maps)),
    )


def alpine_tool(
    repository: str,
    tag: str,
    *,
    command: str,
    owner: str = "",
    host: str = REGISTRY,
    platforms: tuple[Platform, ...] = (AMD64,),
) -> DemoImage:
    """A shell script on Alpine."""
    line = tuple(shlex.split(command))
    return DemoImage(
        host=host,
        repository=repository,
        tag=tag,
        contents=Contents(alpine=True),
        command=line,
        owner=owner,
        platforms=platforms,
        uses=(Use(Grade.EXECUTED, "/bin/busybox", line[0], line),),
    )


def _mapped(process: str, *more: str) -> tuple[Use, ...]:
    return tuple(Use(Grade.MAPPED, f"{_LIBRARIES}/{name}", process) for name in (*_MAPPED_BY_ALL, *more))
