"""What a cached image is called at the registry that it is a copy of. Pure."""

from yarl import URL

from deadlight.model.image import DOCKER_HUB, ImageReference, InvalidReferenceError

ARTIFACTORY_DIRECT = "/api/docker/"
"""In the address that Artifactory serves the distribution API at without a reverse proxy."""

_HUB_DOMAINS = (".docker.io", ".docker.com")

_APIS = ("api.ecr.",)
"""Hosts of APIs that proxies are set up with, which are in no image's name (AWS: the account is missing)."""


def origin_of(upstream: str, path: str, tag: str, digest: str) -> ImageReference | None:
    """The image `path` at the registry whose URL a proxy repository names.

    None where that URL does not tell: no host, or a path that is not part of any image's name.
    """
    prefix = _name_prefix(upstream)
    if prefix is None:
        return None
    try:
        return ImageReference.parse(f"{prefix}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""))
    except InvalidReferenceError:
        return None


def _name_prefix(upstream: str) -> str | None:
    """What names of images at a registry begin with: its host, and an Artifactory's repository."""
    try:
        url = URL(upstream)
    except ValueError:
        return None
    _, direct, key = url.path.partition(ARTIFACTORY_DIRECT)
    if not url.host or url.host.startswith(_APIS) or (url.path.strip("/") and not direct):
        return None
    if url.host.endswith(_HUB_DOMAINS):
        return DOCKER_HUB
    host = url.host_port_subcomponent
    return f"{host}/{key.strip('/')}" if direct else host
