"""What an Artifact Registry name tells: location, project, repository and image (its documentation, "Names")."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from deadlight.registry.errors import InvalidEndpointError

_DOCKER = re.compile(r"(?P<location>[a-z]+(?:-[a-z]+[0-9]+)?)-docker\.pkg\.dev")
GCR_LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
"""Hosts of the former Container Registry; each is a repository of that name now ("gcr.io repositories")."""


@dataclass(frozen=True, slots=True)
class GoogleHost:
    """A registry's host."""

    name: str
    location: str

    def find_image(self, repository: str) -> "GoogleImage | None":
        """The image that a reference's repository names; None where it has too few parts to be one."""
        parts = repository.split("/")
        project = ":".join(parts[:2]) if "." in parts[0] else parts[0]  # a project of a domain: example.com:shop
        rest = parts[2:] if "." in parts[0] else parts[1:]
        if self.name in GCR_LOCATIONS:
            rest = [self.name, *rest]
        return GoogleImage(self.location, project, rest[0], "/".join(rest[1:])) if len(rest) > 1 else None


@dataclass(frozen=True, slots=True)
class GoogleImage:
    """An image of a repository of a project."""

    location: str
    project: str
    repository: str
    path: str

    @property
    def repository_resource(self) -> str:
        """The repository's path in the API."""
        return f"v1/projects/{quote(self.project)}/locations/{self.location}/repositories/{quote(self.repository)}"

    def image_resource(self, digest: str) -> str:
        """The path of one digest in the API."""
        return f"{self.repository_resource}/dockerImages/{quote(self.path, safe='')}@{digest}"

    def console_link(self, digest: str) -> str:
        """Its page in the Google Cloud console."""
        place = f"{quote(self.project)}/{self.location}/{self.repository}/{quote(self.path, safe='')}"
        return f"https://console.cloud.google.com/artifacts/docker/{place}/{digest}"


def parse_host(host: str) -> GoogleHost:
    """Read a registry's host; raises InvalidEndpointError for another one."""
    found = _DOCKER.fullmatch(host.lower())
    location = found["location"] if found else GCR_LOCATIONS.get(host.lower())
    if location is None:
        raise InvalidEndpointError(
            f"registry {host}: not a Google Artifact Registry host (expected <location>-docker.pkg.dev or gcr.io)"
        )
    return GoogleHost(host.lower(), location)
