"""What a registry holds under a name, as it is stored as evidence and compared with what runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from deadlight.model.image import Platform
from deadlight.registry.documents import UNKNOWN_PLATFORM
from deadlight.registry.errors import RegistryError


class InvalidRecordError(RegistryError):
    """A stored record that cannot be read back."""


@dataclass(frozen=True, slots=True)
class SourceManifest:
    """An image of one platform under a tag."""

    platform: Platform
    digest: str
    config_digest: str
    """Empty where the registry holds the index but not this image, or where the index has more than are read."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a tag or digest of a repository was when the registry was asked."""

    repository: str
    reference: str
    """The tag or digest that was asked for."""
    digest: str
    """Of what it points at: an index or a manifest."""
    is_index: bool
    etag: str
    manifests: tuple[SourceManifest, ...]
    """Its images; for a manifest that one. Attestations and other artifacts in an index are left out."""
    annotations: dict[str, str] = field(default_factory=dict)
    """Of the index or manifest itself."""

    @property
    def digests(self) -> frozenset[str]:
        """Every digest a kubelet may report for it: the index's, the manifests' and the configurations'.

        A container runtime names an image by the digest it was pulled by, index or manifest, and an image that was
        loaded on the node by the digest of its configuration.
        """
        images = {digest for manifest in self.manifests for digest in (manifest.digest, manifest.config_digest)}
        return frozenset({self.digest, *images} - {""})

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SourceRecord":
        """Read what `to_dict` gave; raises InvalidRecordError."""
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            raise InvalidRecordError(f"not a source record: {error}") from error


def resolve_platform(record: SourceRecord, platform: Platform) -> SourceManifest | None:
    """The image a container runtime on a node of `platform` takes, or None where the tag has none for it.

    As containerd chooses: the same operating system and architecture, and the highest variant that the node's can
    run; the first of equals. An image that does not say what it is for is taken by any node, if it is the only one.
    """
    if not record.is_index and all(manifest.platform == UNKNOWN_PLATFORM for manifest in record.manifests):
        return next(iter(record.manifests), None)
    wanted = _canonical(platform)
    fitting = [manifest for manifest in record.manifests if _runs_on(_canonical(manifest.platform), wanted)]
    return max(fitting, key=lambda manifest: _variant_rank(_canonical(manifest.platform)), default=None)


_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm"}
_DEFAULT_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""What an absent variant means (containerd's normalisation)."""


def _canonical(platform: Platform) -> Platform:
    architecture = _ARCHITECTURES.get(platform.architecture.lower(), platform.architecture.lower())
    variant = platform.variant.lower() or _DEFAULT_VARIANTS.get(architecture, "")
    return Platform(platform.os.lower(), architecture, variant)


def _runs_on(image: Platform, node: Platform) -> bool:
    same = (image.os, image.architecture) == (node.os, node.architecture)
    return same and (image.variant == node.variant or 0 < _variant_rank(image) <= _variant_rank(node))


def _variant_rank(platform: Platform) -> float:
    """The number of a variant `v<number>`; 0 for one that has no order."""
    number = platform.variant.removeprefix("v")
    numbered = platform.architecture in _DEFAULT_VARIANTS and number.replace(".", "", 1).isdecimal()
    return float(number[:8]) if numbered else 0.0
