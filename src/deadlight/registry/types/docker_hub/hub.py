"""Docker Hub (its API reference, version 2): who pushed a tag and when, and rules of immutable tags."""

from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from deadlight.model.image import DOCKER_HUB, ImageReference
from deadlight.registry.authorization import Authorization
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError
from deadlight.registry.foreign import name
from deadlight.registry.leases import Lease, Leased
from deadlight.registry.limits import Timing
from deadlight.registry.rest import Inquiry, RestApi, part
from deadlight.registry.times import parse_time
from deadlight.registry.tokens import TokenServer
from deadlight.registry.types.docker_hub.rules import tag_policy
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType, TagPolicy

_API = URL("https://hub.docker.com")
_OFFICIAL = "library"
_RIGHT = "give the account's access token Read"


class _Image(msgspec.Struct):
    digest: str | None = None


class Tag(msgspec.Struct):
    """A tag as Docker Hub has it now."""

    digest: str | None = None
    images: list[_Image] | None = None
    last_updated: str | None = None
    tag_last_pushed: str | None = None
    last_updater_username: str | None = None

    def is_of(self, digest: str) -> bool:
        """Whether it points at this index or manifest, or at an index with this manifest."""
        return digest in {self.digest, *(image.digest for image in self.images or ())}


class _Immutability(msgspec.Struct):
    enabled: bool = False
    rules: list[str] | None = None


class Repository(msgspec.Struct):
    """A repository's settings."""

    immutable_tags_settings: _Immutability | None = None

    def policy_of(self, tag: str) -> TagPolicy | None:
        """What it says of a tag; None where immutable tags are off, as they are unless told."""
        settings = self.immutable_tags_settings or _Immutability()
        return tag_policy(settings.rules or (), tag) if settings.enabled else None


class HubApi:
    """Docker Hub's own API."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession, timing: Timing) -> None:
        """Prepare to ask; raises InvalidEndpointError for another host than docker.io."""
        if endpoint.host != DOCKER_HUB:
            raise InvalidEndpointError(f"registry {endpoint.host}: not Docker Hub (expected {DOCKER_HUB})")
        self._endpoint = endpoint
        trust = TlsTrust.of(endpoint)
        self._server = TokenServer(_API, session, trust=trust, timing=timing)
        self._tokens = Leased(self._fetch_token, timing)
        authorization: Authorization = self._authorization if endpoint.username else ""
        self._api = RestApi(_API, session, trust=trust, authorization=authorization, timing=timing)

    async def describe_product(self) -> Product:
        """Whether the account gets a token."""
        if self._api.is_anonymous:
            return Product("Docker Hub", problems=("without an account only public repositories can be seen",))
        await self._tokens.get()
        return Product("Docker Hub")

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Who gave the tag this digest and when, as long as it has it, and what rules say of the tag."""
        namespace, _, repository = reference.repository.partition("/")
        path = f"v2/namespaces/{part(namespace)}/repositories/{part(repository)}"
        asked = Inquiry(self._api)
        found = await asked.find(f"{path}/tags/{part(reference.tag)}", Tag, needs=_RIGHT) if reference.tag else None
        if found is None:
            return ArtifactFacts(problems=asked.problems)
        settings = await asked.find(path, Repository, needs=_RIGHT) or Repository()
        tag = found if found.is_of(digest) else Tag()
        return ArtifactFacts(
            pushed_by=name(tag.last_updater_username),
            pushed_at=parse_time(tag.tag_last_pushed or tag.last_updated or ""),
            tag_policy=settings.policy_of(reference.tag),
            link=_link(namespace, repository, reference.tag) if tag is found else "",
            problems=asked.problems,
        )

    async def _authorization(self) -> str:
        return f"Bearer {await self._tokens.get()}"

    async def _fetch_token(self) -> Lease[str]:
        login = {"identifier": self._endpoint.username, "secret": self._endpoint.password}
        grant = self._server.grant(await self._server.post_json("v2/auth/token", login))
        return self._server.lease(grant.access_token)


def _link(namespace: str, repository: str, tag: str) -> str:
    """The page of a repository's tags."""
    place = f"_/{repository}" if namespace == _OFFICIAL else f"r/{namespace}/{repository}"
    return f"{_API}/{place}/tags" + (f"?name={quote(tag)}" if tag else "")


def connect(endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing) -> HubApi:
    """Docker Hub's API; raises InvalidEndpointError for another host than docker.io."""
    del options
    return HubApi(endpoint, session, timing)


HUB = RegistryType(
    key="docker-hub",
    label="Docker Hub",
    summary="docker.io, the registry of references that name none.",
    connect=connect,
    features=frozenset({Feature.PUSHED_BY, Feature.PUSHED_AT, Feature.TAG_POLICY, Feature.LINK}),
    hosts=(DOCKER_HUB,),
)
