"""Image references, digests and platforms, as the OCI distribution specification and Kubernetes write them."""

import re
from dataclasses import dataclass, replace

DOCKER_HUB = "docker.io"
"""The registry of a reference that names none."""

MAX_REFERENCE_LENGTH = 2048
"""Longer than any registry accepts (255 for the name, 128 for the tag, 71 for the digest)."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*")
_HUB_ALIASES = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


class InvalidReferenceError(ValueError):
    """The text is not an image reference; the message says which part is wrong."""


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of an algorithm the OCI image specification registers."""
    return _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system and processor architecture in OCI's spelling (`linux`, `amd64`, `v8`)."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Read `os/architecture[/variant]`; raises ValueError on anything else."""
        parts = text.split("/")
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise ValueError(f"not a platform: {text!r} (expected os/architecture[/variant], for example linux/amd64)")
        return cls(*parts)


@dataclass(frozen=True, slots=True, order=True)
class ImageReference:
    """Where an image is found: registry host, repository path, and a tag, a digest or both."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def at(self, digest: str) -> "ImageReference":
        """The same name pinned to `digest`, with the tag kept for people to read."""
        return replace(self, digest=digest)

    @classmethod
    def parse(cls, text: str) -> "ImageReference":
        """Read a reference as container runtimes do.

        A first component without a dot, a colon or `localhost` is part of the path on Docker Hub; a single component
        there is `library/<name>`; neither tag nor digest means the tag `latest`.

        Raises:
            InvalidReferenceError: with the offending part.
        """
        if len(text) > MAX_REFERENCE_LENGTH:
            raise InvalidReferenceError(f"image reference longer than {MAX_REFERENCE_LENGTH} characters")
        if is_digest(text):
            raise InvalidReferenceError(f"{text!r} is a digest alone: it names no registry to find the image in")
        name, digest = _split_digest(text)
        name, tag = _split_tag(name)
        registry, repository = _split_registry(name)
        if not _HOST.fullmatch(registry):
            raise InvalidReferenceError(f"invalid registry host {registry!r} in image reference {text!r}")
        if not _PATH.fullmatch(repository) or len(repository) > 255:
            raise InvalidReferenceError(f"invalid repository {repository!r} in image reference {text!r}")
        return cls(registry, repository, tag or ("" if digest else "latest"), digest)


def _split_digest(text: str) -> tuple[str, str]:
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise InvalidReferenceError(f"invalid digest {digest!r} in image reference {text!r}")
    return name, digest


def _split_tag(name: str) -> tuple[str, str]:
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, ""
    if not _TAG.fullmatch(tag):
        raise InvalidReferenceError(f"invalid tag {tag!r} in image reference {name!r}")
    return head, tag


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, repository = first.lower(), rest
    else:
        registry, repository = DOCKER_HUB, name
    if registry in _HUB_ALIASES:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository


def running_digest(image_id: str) -> str:
    """The digest inside a kubelet's `imageID`, or an empty text where it names none.

    A kubelet reports `repo@sha256:...` (index or platform manifest), `docker-pullable://repo@sha256:...` (dockershim)
    or a bare `sha256:...` (the config digest of an image that was loaded on the node, never pulled).
    """
    candidate = image_id.rpartition("@")[2].rpartition("//")[2]
    return candidate if is_digest(candidate) else ""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How an image wants to be run, and how it was made."""

    env: tuple[str, ...] = ()
    """`NAME=value`, in order."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    """`8080/tcp`."""
    labels: tuple[tuple[str, str], ...] = ()
    layer_commands: tuple[str, ...] = ()
    """What made each layer, lowest first."""
