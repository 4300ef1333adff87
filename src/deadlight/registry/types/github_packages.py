"""GitHub's container registry (GitHub's REST API, "Packages", version 2022-11-28): when a version was pushed.

The API has no word on who pushed, and GitHub's registry has no immutable tags.
"""

from collections.abc import Mapping

import aiohttp
import msgspec
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError, NotFoundError, WithheldError
from deadlight.registry.foreign import web_link
from deadlight.registry.limits import Timing
from deadlight.registry.rest import RestApi, part
from deadlight.registry.times import parse_time
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType

_HOST = "ghcr.io"
_ENTERPRISE = "containers."
_VERSION = {"X-GitHub-Api-Version": "2022-11-28", "Accept": "application/vnd.github+json"}
_PAGE_SIZE = 100
_MAX_PAGES = 5


class _Version(msgspec.Struct):
    name: str = ""
    """The digest."""
    created_at: str = ""
    html_url: str = ""


class _RateLimit(msgspec.Struct):
    resources: dict[str, msgspec.Raw]


class PackagesApi:
    """GitHub's packages API, for one registry host."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession, timing: Timing) -> None:
        """Prepare to ask; raises InvalidEndpointError for a host that is not GitHub's."""
        authorization = f"Bearer {endpoint.password}" if endpoint.password else ""
        trust = TlsTrust.of(endpoint)
        self._api = RestApi(api_url(endpoint.host), session, trust=trust, authorization=authorization, timing=timing)

    async def describe_product(self) -> Product:
        """Whether the token is taken, and whether it may read packages."""
        name = "GitHub Packages"
        if self._api.is_anonymous:
            return Product(name, problems=("without a token GitHub says nothing of packages, public ones included",))
        reply = await self._api.fetch("rate_limit", _RateLimit, headers=_VERSION)
        scopes = reply.headers.get("X-OAuth-Scopes")
        lacking = scopes is not None and ":packages" not in scopes
        return Product(name, problems=("the token lacks the scope read:packages",) if lacking else ())

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """When the version with this digest was pushed, and its page."""
        owner, _, package = reference.repository.partition("/")
        if self._api.is_anonymous or not package:
            return ArtifactFacts()
        for kind in ("orgs", "users"):
            path = f"{kind}/{part(owner)}/packages/container/{part(package)}/versions"
            try:
                version = await self._find_version(path, digest)
            except NotFoundError:
                continue
            except WithheldError as error:
                return ArtifactFacts(problems=(f"{error}: give the token the scope read:packages",))
            return ArtifactFacts(pushed_at=parse_time(version.created_at), link=web_link(version.html_url))
        return ArtifactFacts()

    async def _find_version(self, path: str, digest: str) -> _Version:
        """The version with this digest among the latest; an empty one where there is none."""
        for page in range(1, _MAX_PAGES + 1):
            query = {"per_page": str(_PAGE_SIZE), "page": str(page)}
            versions = (await self._api.fetch(path, list[_Version], query=query, headers=_VERSION)).value
            found = next((version for version in versions if version.name == digest), None)
            if found is not None:
                return found
            if len(versions) < _PAGE_SIZE:
                break
        return _Version()


def api_url(host: str) -> URL:
    """Where the API for a registry host is; raises InvalidEndpointError for a host that is not GitHub's.

    `containers.<host>` is that of GitHub Enterprise, with its own server or under ghe.com.
    """
    if host == _HOST:
        return URL("https://api.github.com")
    server = host.removeprefix(_ENTERPRISE)
    if server == host or not server:
        raise InvalidEndpointError(
            f"registry {host}: not a host of GitHub's container registry (expected ghcr.io or containers.<host>)"
        )
    return URL(f"https://api.{server}" if server.endswith(".ghe.com") else f"https://{server}/api/v3")


def connect(
    endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
) -> PackagesApi:
    """The packages API; raises InvalidEndpointError for a host that is not GitHub's."""
    del options
    return PackagesApi(endpoint, session, timing)


GHCR = RegistryType(
    key="ghcr",
    label="GitHub Packages",
    summary="GitHub's container registry, ghcr.io or that of GitHub Enterprise.",
    connect=connect,
    features=frozenset({Feature.PUSHED_AT, Feature.LINK}),
    hosts=("ghcr.io", "containers.*.ghe.com"),
)
