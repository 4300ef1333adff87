"""Building OCI images on the spot, from files in memory, and pushing them to a registry.

Everything is deterministic: the same specification gives the same bytes, hence the same digests.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import aiohttp
from yarl import URL

from deadlight.model.image import Platform
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, digest_of

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

_EPOCH = "1970-01-01T00:00:00Z"
_COMPRESSION_LEVEL = 6


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of a layer."""

    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link of a layer."""

    target: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A path that this layer removes from those below it."""


Entry = bytes | File | Symlink | Deleted
"""What is at a path; plain bytes are a file of mode 644."""

Layer = Mapping[str, Entry]
"""The entries of a layer by path, with or without a leading slash. Directories come by themselves."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image of one platform to build."""

    layers: Sequence[Layer]
    """Lowest first."""
    platform: Platform = field(default_factory=Platform)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_directory: str = ""
    created: str = _EPOCH
    """RFC 3339."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the manifest."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with their media type and digest."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The sha256 digest of the content."""
        return digest_of(self.content)

    def descriptor(self) -> dict[str, Any]:
        """How other documents refer to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image of one platform, ready to push."""

    platform: Platform
    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """One image for several platforms, ready to push."""

    index: Blob
    images: tuple[BuiltImage, ...]


@dataclass(frozen=True, slots=True)
class PushedDigests:
    """What a tag points at after a push."""

    digest: str
    """Of the index or manifest that the tag names."""
    manifests: tuple[str, ...]
    configs: tuple[str, ...]


class PushError(Exception):
    """A registry did not take what was pushed."""


def build_image(spec: ImageSpec) -> BuiltImage:
    """Build an image of one platform."""
    archives = [build_layer(layer) for layer in spec.layers]
    layers = tuple(
        Blob(OCI_LAYER, gzip.compress(archive, compresslevel=_COMPRESSION_LEVEL, mtime=0)) for archive in archives
    )
    config = Blob(OCI_CONFIG, _json(_config(spec, archives)))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        **_unless_empty(annotations=dict(spec.annotations)),
    }
    return BuiltImage(spec.platform, Blob(OCI_MANIFEST, _json(manifest)), config, layers)


def build_index(images: Sequence[BuiltImage], *, annotations: Mapping[str, str] | None = None) -> BuiltIndex:
    """Join images of several platforms under one index."""
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [{**image.manifest.descriptor(), "platform": _platform(image.platform)} for image in images],
        **_unless_empty(annotations=dict(annotations or {})),
    }
    return BuiltIndex(Blob(OCI_INDEX, _json(index)), tuple(images))


def build_layer(layer: Layer) -> bytes:
    """Write a layer as an uncompressed tar archive: sorted, owned by root, dated 1970."""
    entries = {path.strip("/"): entry for path, entry in layer.items()}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for directory in sorted(_parents(entries) - entries.keys()):
            member = tarfile.TarInfo(directory)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for path, entry in sorted(entries.items()):
            member, content = _member(path, entry)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _parents(paths: Iterable[str]) -> set[str]:
    return {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}


def _member(path: str, entry: Entry) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path)
    content = b""
    match entry:
        case bytes():
            content, member.mode = entry, 0o644
        case File():
            content, member.mode = entry.content, entry.mode
        case Symlink():
            member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, entry.target
        case Deleted():
            whiteout = PurePosixPath(path)
            member.name = str(whiteout.with_name(f".wh.{whiteout.name}"))  # OCI image specification, "Whiteouts"
    member.size = len(content)
    return member, content


def _config(spec: ImageSpec, archives: Sequence[bytes]) -> dict[str, Any]:
    execution = _unless_empty(
        Entrypoint=list(spec.entrypoint),
        Cmd=list(spec.command),
        Env=[f"{name}={value}" for name, value in sorted(spec.env.items())],
        Labels=dict(spec.labels),
        User=spec.user,
        WorkingDir=spec.working_directory,
    )
    return {
        "created": spec.created,
        **_platform(spec.platform),
        "config": execution,
        "rootfs": {"type": "layers", "diff_ids": [digest_of(archive) for archive in archives]},
    }


def _platform(platform: Platform) -> dict[str, str]:
    return {"os": platform.os, "architecture": platform.architecture, **_unless_empty(variant=platform.variant)}


def _unless_empty(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


# --- pushing ------------------------------------------------------------------------------------------------


async def push_image(
    session: aiohttp.ClientSession, registry_url: str, repository: str, tag: str, image: BuiltImage | BuiltIndex
) -> PushedDigests:
    """Push an image or an index with its images, and name it `tag`.

    A registry that wants credentials gets those of the session's default headers.

    Raises:
        PushError: the registry refused a part, with its answer.
    """
    base = URL(registry_url) / "v2" / repository
    images = image.images if isinstance(image, BuiltIndex) else (image,)
    for each in images:
        for blob in {blob.digest: blob for blob in (*each.layers, each.config)}.values():
            await _push_blob(session, base, blob)
    if isinstance(image, BuiltIndex):
        for each in images:
            await _push_manifest(session, base, each.manifest.digest, each.manifest)
    top = image.index if isinstance(image, BuiltIndex) else image.manifest
    await _push_manifest(session, base, tag, top)
    return PushedDigests(
        digest=top.digest,
        manifests=tuple(each.manifest.digest for each in images),
        configs=tuple(each.config.digest for each in images),
    )


async def _push_blob(session: aiohttp.ClientSession, base: URL, blob: Blob) -> None:
    async with session.head(base / "blobs" / blob.digest) as response:
        if response.status == 200:
            return
    async with session.post(base.joinpath("blobs/uploads/")) as response:
        await _check(response, 202)
        upload = response.url.join(URL(response.headers["Location"], encoded=True))
    async with session.put(
        upload.extend_query(digest=blob.digest),
        data=BytesIO(blob.content),
        headers={"Content-Type": "application/octet-stream"},
    ) as response:
        await _check(response, 201)


async def _push_manifest(session: aiohttp.ClientSession, base: URL, reference: str, manifest: Blob) -> None:
    url = base / "manifests" / reference
    async with session.put(url, data=manifest.content, headers={"Content-Type": manifest.media_type}) as response:
        await _check(response, 201)


async def _check(response: aiohttp.ClientResponse, expected: int) -> None:
    if response.status != expected:
        raise PushError(f"{response.method} {response.url}: {response.status}: {(await response.text())[:500]}")
