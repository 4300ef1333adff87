"""Where Artifactory keeps an image: from the name in a reference to a repository's key and folders. Pure.

A tag is a folder with `manifest.json` or, for an index, `list.manifest.json`; the manifests of an index are in folders
named by their digests beside it. How the key gets into the name depends on the method of the reverse proxy (JFrog's
reference, "Docker Reverse Proxy Settings"): the first part of the path, the first label of the host, or a port.
"""

from dataclasses import dataclass

from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry.endpoint import Endpoint
from deadlight.registry.types.origins import ARTIFACTORY_DIRECT

TRASH_CAN = "auto-trashcan"
MANIFEST_NAMES = ("manifest.json", "list.manifest.json")
CACHE_SUFFIX = "-cache"
"""What a remote repository's cache is called beyond the repository's own key."""


@dataclass(frozen=True, slots=True)
class Place:
    """An image's repository and path inside it."""

    repository: str
    path: str

    def folders(self, tag: str, digest: str) -> tuple[str, ...]:
        """Where a manifest of this digest may be, the likeliest first."""
        return tuple(f"{self.path}/{folder}" for folder in (tag, digest) if folder)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one registry's names become places."""

    api: URL
    """Base URL of Artifactory itself."""
    repository: str = ""
    """The key that every image of this registry is in; empty where the path begins with it."""

    @classmethod
    def of(cls, endpoint: Endpoint, api_url: URL | None, repository: str) -> "Layout":
        """What the settings say, completed by what addresses show."""
        base = endpoint.base_url
        before, direct, key = base.path.partition(ARTIFACTORY_DIRECT)
        if direct:
            return cls(api_url or base.with_path(before), repository or key.strip("/"))
        api = api_url or base / "artifactory"
        label, _, domain = endpoint.host.partition(".")
        is_subdomain = domain.partition(":")[0] == api.host
        return cls(api, repository or (label if is_subdomain else ""))

    @property
    def platform(self) -> URL:
        """Where the platform's other products and its console are."""
        return self.api.parent if self.api.name == "artifactory" else self.api

    def locate(self, reference: ImageReference) -> Place | None:
        """The place of an image; None for a name without a path, which no Artifactory has."""
        if self.repository:
            return Place(self.repository, reference.repository)
        key, _, path = reference.repository.partition("/")
        return Place(key, path) if path else None
