"""Manifests, indexes and configurations: from bytes to values, for OCI's and Docker's media types."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256, sha512
from typing import Annotated, TypeVar

import msgspec

from deadlight.model.image import ImageSettings, Platform, is_digest
from deadlight.registry.answers import printable
from deadlight.registry.limits import MAX_INDEX_MANIFESTS
from deadlight.registry.times import parse_time

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPTED = f"{OCI_INDEX}, {DOCKER_INDEX}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
"""The `Accept` header for manifests."""

IMAGE_CONFIG_TYPES = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)

UNKNOWN_PLATFORM = Platform("unknown", "unknown")
"""What builders write for entries that are not images, and we for images that do not say."""

_SCHEMA_1_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

_MAX_LAYERS = 1_000
_MAX_COMMAND_CHARACTERS = 1_000


class InvalidDocumentError(ValueError):
    """Bytes that are not the document they should be; the text says how."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference from one document to another piece of content."""

    media_type: str
    digest: str
    size: int
    """Bytes."""
    platform: Platform | None = None
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest or an image index, as served and verified."""

    digest: str
    media_type: str
    etag: str
    content: bytes = field(repr=False)
    config: Descriptor | None
    """Absent in an index."""
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    """The entries of an index."""
    annotations: dict[str, str]
    artifact_type: str = ""
    """What it is a manifest of, where that is no image."""

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests rather than layers."""
        return self.media_type in INDEX_TYPES


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says about itself and how it wants to be run."""

    digest: str
    os: str
    architecture: str
    variant: str
    created_at: datetime | None
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[str, ...]
    """`NAME=value`, in order."""
    labels: dict[str, str]
    user: str
    working_directory: str
    diff_ids: tuple[str, ...]
    """Digests of the uncompressed layers, lowest first."""
    layer_commands: tuple[str, ...] = ()
    """What made each layer, lowest first, as the builder noted it; empty where the history does not fit the layers."""
    exposed_ports: tuple[str, ...] = ()
    """`8080/tcp`."""

    @property
    def platform(self) -> Platform:
        """The platform it was built for."""
        return Platform(self.os, self.architecture, self.variant)

    @property
    def settings(self) -> ImageSettings:
        """What scanners of exposures look at."""
        return ImageSettings(
            env=self.env,
            entrypoint=self.entrypoint,
            command=self.command,
            user=self.user,
            exposed_ports=self.exposed_ports,
            labels=tuple(sorted(self.labels.items())),
            layer_commands=self.layer_commands,
        )


# --- as they are written ------------------------------------------------------------------------------------


class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    media_type: str = ""
    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None


class _Document(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    config: _Descriptor | None = None
    layers: Annotated[list[_Descriptor], msgspec.Meta(max_length=_MAX_LAYERS)] | None = None
    manifests: Annotated[list[_Descriptor], msgspec.Meta(max_length=MAX_INDEX_MANIFESTS)] | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str = ""


class _Execution(msgspec.Struct, rename="pascal"):
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    env: list[str] | None = None
    labels: dict[str, str] | None = None
    user: str = ""
    working_dir: str = ""
    exposed_ports: dict[str, msgspec.Raw] | None = None


class _RootFilesystem(msgspec.Struct):
    diff_ids: list[str] | None = None


class _HistoryEntry(msgspec.Struct):
    created_by: str | None = None
    empty_layer: bool | None = None


class _Config(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""
    created: str | None = None
    config: _Execution | None = None
    rootfs: _RootFilesystem | None = None
    history: msgspec.Raw = msgspec.Raw(b"null")
    """Read by itself: it only explains, and must not keep an image from being read."""


# --- reading them -------------------------------------------------------------------------------------------


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """The digest of `content` with `sha256` or `sha512`."""
    hasher = sha512 if algorithm == "sha512" else sha256
    return f"{algorithm}:{hasher(content).hexdigest()}"


def parse_manifest(content: bytes, content_type: str, *, digest: str, etag: str = "") -> Manifest:
    """Read a manifest or index that was served as `content_type`; `digest` and `etag` are only passed on.

    Raises:
        InvalidDocumentError: not JSON, not a manifest, of the abandoned schema 1, or readable both as an index and
            as a manifest (the ambiguity of CVE-2021-41190).
    """
    document = _decode(content, _Document)
    media_type = _media_type(document, content_type)
    is_index = media_type in INDEX_TYPES
    if (document.config or document.layers) if is_index else document.manifests:
        raise InvalidDocumentError("a document that is both an index and a manifest")
    if not is_index and document.config is None:
        raise InvalidDocumentError("a manifest without a configuration")
    return Manifest(
        digest=digest,
        media_type=media_type,
        etag=etag,
        content=content,
        config=_descriptor(document.config) if document.config else None,
        layers=tuple(map(_descriptor, document.layers or ())),
        manifests=tuple(map(_descriptor, document.manifests or ())),
        annotations=document.annotations or {},
        artifact_type=document.artifact_type,
    )


def parse_config(content: bytes, *, digest: str) -> ImageConfig:
    """Read an image's configuration; `digest` is only passed on. Raises InvalidDocumentError."""
    document = _decode(content, _Config)
    execution = document.config or _Execution()
    diff_ids = _diff_ids(document.rootfs)
    return ImageConfig(
        digest=digest,
        os=document.os,
        architecture=document.architecture,
        variant=document.variant,
        created_at=parse_time(document.created or ""),
        entrypoint=tuple(execution.entrypoint or ()),
        command=tuple(execution.cmd or ()),
        env=tuple(execution.env or ()),
        labels=execution.labels or {},
        user=execution.user,
        working_directory=execution.working_dir,
        exposed_ports=tuple(sorted(execution.exposed_ports or ())),
        diff_ids=diff_ids,
        layer_commands=_layer_commands(document.history, len(diff_ids)),
    )


D = TypeVar("D", bound=msgspec.Struct)


def _decode(content: bytes, kind: type[D]) -> D:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidDocumentError(f"a document that cannot be read ({printable(str(error))})") from error


def _media_type(document: _Document, content_type: str) -> str:
    """The one type that header and document agree on; the header may be silent or generic, never contradict."""
    known = INDEX_TYPES | MANIFEST_TYPES
    if document.schema_version == 1 or content_type in _SCHEMA_1_TYPES:
        raise InvalidDocumentError(
            "an image manifest of schema 1, which Docker and OCI gave up; push the image again with a current client"
        )
    if content_type in known and document.media_type in {"", content_type}:
        return content_type
    if document.media_type in known and content_type not in known:
        return document.media_type
    claims = ", ".join(printable(claim) for claim in (content_type, document.media_type) if claim)
    raise InvalidDocumentError(f"something else than an image manifest ({claims or 'no media type'})")


def _descriptor(written: _Descriptor) -> Descriptor:
    platform = written.platform
    return Descriptor(
        media_type=written.media_type,
        digest=_checked_digest(written.digest),
        size=written.size,
        platform=Platform(platform.os, platform.architecture, platform.variant) if platform else None,
        annotations=written.annotations or {},
    )


def _diff_ids(rootfs: _RootFilesystem | None) -> tuple[str, ...]:
    return tuple(map(_checked_digest, (rootfs.diff_ids if rootfs else None) or ()))


def _layer_commands(history: msgspec.Raw, layers: int) -> tuple[str, ...]:
    try:
        entries = msgspec.json.decode(history, type=list[_HistoryEntry] | None) or []
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ()
    commands = tuple((entry.created_by or "")[:_MAX_COMMAND_CHARACTERS] for entry in entries if not entry.empty_layer)
    return commands if len(commands) == layers else ()


def _checked_digest(text: str) -> str:
    if not is_digest(text):
        raise InvalidDocumentError(f"a document with an invalid digest ({printable(text)!r})")
    return text
