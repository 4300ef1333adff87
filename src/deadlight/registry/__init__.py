"""Asking registries what they hold: the OCI distribution API, read truthfully.

`RegistryClient` answers for one `Endpoint`. What a tag is now is a `SourceRecord`; why nothing is known is an
`UnavailableError`, never a `NotFoundError`.
"""

from deadlight.registry.client import RegistryClient
from deadlight.registry.documents import Descriptor, ImageConfig, Manifest
from deadlight.registry.endpoint import Endpoint
from deadlight.registry.errors import (
    DigestMismatchError,
    InvalidEndpointError,
    NotFoundError,
    RegistryError,
    UnavailableError,
)
from deadlight.registry.limits import Limits, Timing
from deadlight.registry.manifests import ManifestHead, NotModified
from deadlight.registry.records import InvalidRecordError, SourceManifest, SourceRecord, resolve_platform
from deadlight.registry.transport import Traffic

__all__ = [
    "Descriptor",
    "DigestMismatchError",
    "Endpoint",
    "ImageConfig",
    "InvalidEndpointError",
    "InvalidRecordError",
    "Limits",
    "Manifest",
    "ManifestHead",
    "NotFoundError",
    "NotModified",
    "RegistryClient",
    "RegistryError",
    "SourceManifest",
    "SourceRecord",
    "Timing",
    "Traffic",
    "UnavailableError",
    "resolve_platform",
]
