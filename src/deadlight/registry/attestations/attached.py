"""Finding what is attached to an image: OCI referrers, cosign's tags, and BuildKit's entries in an index."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from deadlight.registry.documents import Descriptor, Manifest
from deadlight.registry.errors import DigestMismatchError, MalformedAnswerError, NotFoundError
from deadlight.registry.manifests import NotModified

MAX_ATTACHED = 32
"""Manifests that are read for an image; who can push could attach any number."""

MAX_CONTENT_BYTES = 4 * 1024 * 1024
"""Larger content is not read: provenance and signatures have kilobytes. SBOMs are read in `sboms`."""

COSIGN_TAGS = ("sig", "att", "sbom")
"""How the tags end under which cosign keeps signatures, attestations and SBOMs of a digest."""

_BUILDKIT_KIND = "vnd.docker.reference.type"
_BUILDKIT_SUBJECT = "vnd.docker.reference.digest"
MAX_TYPE = 256
"""Characters of what something says it is."""

_PREDICATES = ("in-toto.io/predicate-type", "predicateType")


class Kind(StrEnum):
    """In which format something is attached."""

    SIMPLE_SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
    ENVELOPE = "application/vnd.dsse.envelope.v1+json"
    STATEMENT = "application/vnd.in-toto+json"
    BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True, slots=True)
class Attached:
    """Content that is attached to an image."""

    kind: Kind
    content: bytes = field(repr=False)
    annotations: dict[str, str] = field(default_factory=dict)
    """Of the layer it is; cosign keeps its signature there."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something attached whose content is not read here: an SBOM, say, or a signature of another kind."""

    type: str
    """What it says it is: the type of its statement, its artifact or its media."""
    digest: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything attached: what could be read, what is only named, and what could not be read."""

    attached: tuple[Attached, ...] = ()
    unread: tuple[Unread, ...] = ()
    problems: tuple[str, ...] = ()


class Attachments(Protocol):
    """What is asked of a registry; `RegistryClient` is it."""

    async def fetch_manifest(self, repository: str, reference: str) -> Manifest | NotModified:
        """The manifest of a tag or digest."""
        ...

    async def fetch_referrers(self, repository: str, digest: str) -> tuple[Descriptor, ...]:
        """What refers to a digest."""
        ...

    async def fetch_blob(self, repository: str, digest: str, *, size_limit: int) -> bytes:
        """A small blob."""
        ...


async def collect(registry: Attachments, repository: str, digests: Iterable[str]) -> Found:
    """What is attached to an image that is known by these digests: its manifest's and its index's.

    Raises:
        UnavailableError: the registry could not be asked. What it lacks, or sends broken, is left out and named.
    """
    manifests, problems = await find_attached(registry, repository, digests)
    contents = [item for manifest in manifests for item in await _contents(registry, repository, manifest, problems)]
    return Found(
        tuple(item for item in contents if isinstance(item, Attached)),
        tuple(item for item in contents if isinstance(item, Unread)),
        tuple(problems),
    )


async def find_attached(
    registry: Attachments, repository: str, digests: Iterable[str], tags: Sequence[str] = COSIGN_TAGS
) -> tuple[list[Manifest], list[str]]:
    """The manifests of everything attached to an image that is known by these digests, and what could not be read.

    `tags` are those of `COSIGN_TAGS` that are looked at; each costs a request.

    Raises:
        UnavailableError: the registry could not be asked.
    """
    found: dict[str, Manifest] = {}
    problems: list[str] = []
    async for reference in _references(registry, repository, list(dict.fromkeys(digests)), tags):
        if len(found) >= MAX_ATTACHED:
            problems.append(f"more than {MAX_ATTACHED} things are attached to it; the rest was not read")
            break
        try:
            manifest = await registry.fetch_manifest(repository, reference)
        except NotFoundError:
            continue
        except (MalformedAnswerError, DigestMismatchError) as error:
            problems.append(str(error))
            continue
        assert isinstance(manifest, Manifest), "nothing to be unmodified since"
        found.setdefault(manifest.digest, manifest)
    return list(found.values()), problems


async def _references(
    registry: Attachments, repository: str, digests: list[str], tags: Sequence[str]
) -> AsyncIterator[str]:
    """Where manifests of attachments may be, the surest first."""
    for digest in digests:
        for descriptor in await registry.fetch_referrers(repository, digest):
            yield descriptor.digest
    for entry in await _buildkit_entries(registry, repository, digests):
        yield entry.digest
    for digest in digests:
        for suffix in tags:
            yield f"{digest.replace(':', '-')}.{suffix}"


async def _buildkit_entries(registry: Attachments, repository: str, digests: list[str]) -> list[Descriptor]:
    """The attestations of an index about the images among `digests`."""
    entries: list[Descriptor] = []
    for digest in digests:
        try:
            manifest = await registry.fetch_manifest(repository, digest)
        except (NotFoundError, MalformedAnswerError, DigestMismatchError):
            continue
        if isinstance(manifest, Manifest) and manifest.is_index:
            entries += [entry for entry in manifest.manifests if _describes(entry, digests)]
    return entries


def _describes(entry: Descriptor, digests: list[str]) -> bool:
    notes = entry.annotations
    return notes.get(_BUILDKIT_KIND) == "attestation-manifest" and notes.get(_BUILDKIT_SUBJECT) in digests


async def _contents(
    registry: Attachments, repository: str, manifest: Manifest, problems: list[str]
) -> list[Attached | Unread]:
    read: list[Attached | Unread] = []
    for layer in manifest.layers[:MAX_ATTACHED]:
        kind = _kind(layer)
        if kind is None:
            read.append(Unread(_said_type(layer, manifest)[:MAX_TYPE], layer.digest, layer.size))
            continue
        if layer.size > MAX_CONTENT_BYTES:
            problems.append(f"{kind.value} of {layer.size} bytes is too large to be read")
            continue
        try:
            content = await registry.fetch_blob(repository, layer.digest, size_limit=MAX_CONTENT_BYTES)
        except (NotFoundError, MalformedAnswerError, DigestMismatchError) as error:
            problems.append(str(error))
            continue
        read.append(Attached(kind, content, layer.annotations))
    return read


def _kind(layer: Descriptor) -> Kind | None:
    """The format of a layer, None for what is not read here: an SBOM, say, which its annotation names."""
    predicate = stated_type(layer)
    if "spdx" in predicate or "cyclonedx" in predicate:
        return None
    if layer.media_type.startswith("application/vnd.dev.sigstore.bundle"):
        return Kind.BUNDLE
    return next((kind for kind in Kind if kind.value == layer.media_type), None)


def stated_type(layer: Descriptor) -> str:
    """The type of the statement in a layer, as its annotation names it."""
    return next((layer.annotations[key] for key in _PREDICATES if key in layer.annotations), "")


def _said_type(layer: Descriptor, manifest: Manifest) -> str:
    """What a layer says it is, the most telling first."""
    return stated_type(layer) or manifest.artifact_type or layer.media_type
