"""Paths and scopes of the distribution API, from names that are checked first: they end up in URLs."""

from deadlight.model.image import ImageReference, InvalidReferenceError, is_digest

_ANY_REGISTRY = "registry.invalid"
"""Repository and reference have one grammar at every registry; RFC 2606 keeps this name unused."""


def scope_of(repository: str) -> str:
    """The token scope to read from `repository`."""
    return f"repository:{repository}:pull"


def manifest_path(repository: str, reference: str) -> str:
    """Where the manifest of a tag or digest is; raises InvalidReferenceError."""
    separator = "@" if is_digest(reference) else ":"
    ImageReference.parse(f"{_ANY_REGISTRY}/{repository}{separator}{reference}")
    return f"v2/{repository}/manifests/{reference}"


def blob_path(repository: str, digest: str) -> str:
    """Where a blob is; raises InvalidReferenceError."""
    return f"v2/{repository}/blobs/{_checked(repository, digest)}"


def referrers_path(repository: str, digest: str) -> str:
    """Where the list of what refers to a manifest is; raises InvalidReferenceError."""
    return f"v2/{repository}/referrers/{_checked(repository, digest)}"


def _checked(repository: str, digest: str) -> str:
    if not is_digest(digest):
        raise InvalidReferenceError(f"invalid digest {digest!r}")
    ImageReference.parse(f"{_ANY_REGISTRY}/{repository}@{digest}")
    return digest
