"""Images in files, with the questions that a registry answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

import msgspec

from deadlight.model.image import is_digest
from deadlight.registry.answers import printable
from deadlight.registry.documents import (
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    InvalidDocumentError,
    Manifest,
    digest_of,
    parse_config,
    parse_manifest,
)
from deadlight.registry.errors import (
    DigestMismatchError,
    MalformedAnswerError,
    NotFoundError,
    RegistryError,
    UnreadableImageError,
)
from deadlight.registry.limits import MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES
from deadlight.registry.reading import read_images
from deadlight.registry.records import SourceRecord
from deadlight.registry.stored.files import ImageFiles, read_small
from deadlight.registry.stored.verified import read_verified

REF_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"
"""Annotations of an index's entries: the tag, and where containerd or Docker wrote it, the whole name."""

MAX_REFERRERS_READ = 64
"""Manifests of a layout that are opened to see what they refer to."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Which images some files hold."""

    entries: tuple[Descriptor, ...]
    """What there is to choose from, in the order of the files."""
    made: Mapping[str, Manifest] = field(default_factory=dict)
    """Manifests that are not among the files, by the digest they go by here."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where content is by its digest, unless it is where OCI layouts have it."""
    expands: bool = False
    """Whether digests are those of what is inside of a gzip, where there is one."""


class _Reference(msgspec.Struct):
    digest: str = ""


class _Referrer(msgspec.Struct):
    subject: _Reference | None = None


class _Typed(msgspec.Struct, rename="camel"):
    media_type: str = ""
    manifests: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class StoredImages:
    """Images in a folder or archive. Repositories mean nothing to it: there is one, without a name.

    Every method may raise, besides what it names, UnreadableImageError.
    """

    def __init__(self, files: ImageFiles, catalogue: Catalogue, kind: str) -> None:
        """Ask about images in `files`; `kind` says for people what these are."""
        self.name = files.name
        self.kind = kind
        self._files = files
        self._catalogue = catalogue
        self._made = dict(catalogue.made)

    def choose(self, wanted: str = "") -> str:
        """The digest of the image meant by a name or tag, or of the only one there is.

        Several entries with one name, or all without, are the platforms of one image, or stand beside it.

        Raises:
            NotFoundError: none is called so, or there is none at all.
            UnreadableImageError: there are several, and nothing says which.
        """
        entries = [entry for entry in self._catalogue.entries if not wanted or _is_called(entry, wanted)]
        names = sorted({name for entry in self._catalogue.entries if (name := _name(entry))})
        if not entries:
            there = f": it has {_listed(names)}" if names else ""
            raise NotFoundError(f"{self.name}: holds no image{f' called {printable(wanted)}' if wanted else ''}{there}")
        named = [entry for entry in entries if _name(entry)] or entries
        if len({entry.digest for entry in named}) == 1:
            return named[0].digest
        if len({_name(entry) for entry in named}) > 1:
            raise UnreadableImageError(f"{self.name}: holds several images, say which with --ref: {_listed(names)}")
        index = _index_of(named)
        self._made[index.digest] = index
        return index.digest

    def name_of(self, digest: str) -> str:
        """What the files call the image of a digest; empty where they do not."""
        return next((_name(entry) for entry in self._catalogue.entries if entry.digest == digest), "")

    async def fetch_manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest or index of a digest, verified, or of a name.

        Raises:
            NotFoundError: there is none.
            DigestMismatchError: its content has another digest.
        """
        digest = reference if is_digest(reference) else self._find(reference)
        if digest in self._made:
            return self._made[digest]
        content = await self.fetch_blob(repository, digest, size_limit=MAX_MANIFEST_BYTES)
        try:
            return parse_manifest(content, _media_type(content), digest=digest)
        except InvalidDocumentError as error:
            raise UnreadableImageError(f"{self.name}: {digest} is {error}") from error

    async def fetch_config(self, repository: str, digest: str) -> ImageConfig:
        """The image configuration of a digest; raises as `fetch_manifest`."""
        content = await self.fetch_blob(repository, digest, size_limit=MAX_CONFIG_BYTES)
        try:
            return parse_config(content, digest=digest)
        except InvalidDocumentError as error:
            raise UnreadableImageError(f"{self.name}: the image's configuration is {error}") from error

    async def fetch_blob(self, repository: str, digest: str, *, size_limit: int) -> bytes:  # noqa: ARG002 - the registry's
        """A whole small blob; raises as `fetch_manifest`."""
        content = await asyncio.to_thread(read_small, self._files, self._place(digest), size_limit)
        actual = digest_of(content, digest.partition(":")[0])
        if actual != digest:
            raise DigestMismatchError(f"{self.name}: {digest} is damaged: its content has the digest {actual}")
        return content

    async def fetch_source_record(self, repository: str, tag: str) -> SourceRecord:
        """What a name means; raises as `fetch_manifest`."""
        return await self.fetch_pinned_record(repository, self._find(tag))

    async def fetch_pinned_record(self, repository: str, digest: str) -> SourceRecord:
        """What is behind a digest; raises as `fetch_manifest`."""
        manifest = await self.fetch_manifest(repository, digest)
        try:
            images = await read_images(self, repository, manifest)
        except MalformedAnswerError as error:
            raise UnreadableImageError(f"{self.name}: {error.reason}") from error
        return SourceRecord(
            repository, digest, manifest.digest, manifest.is_index, "", images, annotations=manifest.annotations
        )

    async def fetch_referrers(self, repository: str, digest: str) -> tuple[Descriptor, ...]:
        """What refers to a manifest, of what stands beside it."""
        manifests = [entry for entry in self._catalogue.entries if entry.media_type in MANIFEST_TYPES]
        subjects = [(entry, await self._subject(repository, entry)) for entry in manifests[:MAX_REFERRERS_READ]]
        return tuple(entry for entry, subject in subjects if subject == digest)

    async def _subject(self, repository: str, entry: Descriptor) -> str:
        try:
            content = await self.fetch_blob(repository, entry.digest, size_limit=MAX_MANIFEST_BYTES)
            subject = msgspec.json.decode(content, type=_Referrer).subject
        except (RegistryError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return ""  # whoever asks for it by its digest is told
        return subject.digest if subject else ""

    async def read_layer(self, repository: str, layer: Descriptor, read: Callable[[BinaryIO], T]) -> T:  # noqa: ARG002
        """What `read` makes of a layer, in a thread of its own; raises as `verified.read_verified`."""

        def opened() -> T:
            with self._files.open(self._place(layer.digest)) as file:
                return read_verified(file, layer.digest, self.name, read, expand=self._catalogue.expands)

        return await asyncio.to_thread(opened)

    def _place(self, digest: str) -> str:
        if not is_digest(digest):
            raise NotFoundError(f"{self.name}: has nothing called {printable(digest)}")
        return self._catalogue.places.get(digest) or f"blobs/{digest.replace(':', '/')}"

    def _find(self, name: str) -> str:
        found = next((entry.digest for entry in self._catalogue.entries if _is_called(entry, name)), "")
        if not found:
            raise NotFoundError(f"{self.name}: has nothing called {printable(name)}")
        return found


def _media_type(content: bytes) -> str:
    """As a document says or, where it may leave that out, as its fields do; a registry would say it beside it."""
    try:
        said = msgspec.json.decode(content, type=_Typed)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""  # what is wrong with it is told where it is read
    return said.media_type or (OCI_MANIFEST if said.manifests is msgspec.UNSET else OCI_INDEX)


def _index_of(entries: list[Descriptor]) -> Manifest:
    """Entries that are one image's platforms, as the index that would list them."""
    listed = [
        {
            "mediaType": entry.media_type,
            "digest": entry.digest,
            "size": entry.size,
            "annotations": entry.annotations,
            "platform": _written(entry),
        }
        for entry in entries
    ]
    content = msgspec.json.encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed})
    return parse_manifest(content, OCI_INDEX, digest=digest_of(content))


def _listed(names: list[str]) -> str:
    return ", ".join(map(printable, names[:20]))


def _name(entry: Descriptor) -> str:
    return entry.annotations.get(_FULL_NAME) or entry.annotations.get(REF_NAME, "")


def _is_called(entry: Descriptor, name: str) -> bool:
    """Whether a name is an entry's: whole, or the tag at its end."""
    names = [entry.annotations.get(key, "") for key in (_FULL_NAME, REF_NAME)]
    return any(own == name or own.endswith(f":{name}") for own in names if own)


def _written(entry: Descriptor) -> dict[str, str] | None:
    platform = entry.platform
    if platform is None:
        return None
    return {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
