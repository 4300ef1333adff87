"""Google Artifact Registry (its REST API, version 1): upload times, immutable tags, remote repositories.

The API has no word on who pushed: that is in Cloud Audit Logs alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import aiohttp
import msgspec
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry.authorization import Authorization
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.leases import Leased
from deadlight.registry.limits import Timing
from deadlight.registry.rest import RestApi
from deadlight.registry.times import parse_time
from deadlight.registry.types.google.identity import KEY_USERS, AccountTokens, parse_key
from deadlight.registry.types.google.names import parse_host
from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType, TagPolicy

_API = URL("https://artifactregistry.googleapis.com")
_TOKEN_USER = "oauth2accesstoken"  # noqa: S105 - the user name that access tokens are the password of
_PUBLIC_UPSTREAMS = {"DOCKER_HUB": "https://registry-1.docker.io"}


class _Uri(msgspec.Struct):
    uri: str = ""


class _Upstream(msgspec.Struct, rename="camel"):
    """A remote repository's source; Google has named it in three ways."""

    public_repository: str = ""
    custom_repository: _Uri | None = None
    uri: str = ""


class _Remote(msgspec.Struct, rename="camel"):
    docker_repository: _Upstream | None = None
    common_repository: _Upstream | None = None


class _Docker(msgspec.Struct, rename="camel"):
    immutable_tags: bool = False


class Repository(msgspec.Struct, rename="camel"):
    """A repository's settings."""

    docker_config: _Docker | None = None
    remote_repository_config: _Remote | None = None

    @property
    def tag_policy(self) -> TagPolicy | None:
        """None where tags may move, which they may in every repository unless told."""
        if self.docker_config is None or not self.docker_config.immutable_tags:
            return None
        return TagPolicy(may_move=False, detail="dockerConfig.immutableTags is on")

    @property
    def upstream(self) -> str:
        """The URL of the registry that a remote repository copies; empty for others."""
        remote = self.remote_repository_config or _Remote()
        source = remote.docker_repository or remote.common_repository or _Upstream()
        named = source.custom_repository.uri if source.custom_repository else source.uri
        return named or _PUBLIC_UPSTREAMS.get(source.public_repository, "")


class _Image(msgspec.Struct, rename="camel"):
    upload_time: str = ""


class ArtifactRegistryApi:
    """Artifact Registry's own API, for one location."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession, timing: Timing) -> None:
        """Prepare to ask; raises InvalidEndpointError for another host, or a key that is none."""
        self._endpoint = endpoint
        self._host = parse_host(endpoint.host)
        trust = TlsTrust.of(endpoint)
        self._tokens: Leased[str] | None = None
        if endpoint.username in KEY_USERS:
            self._tokens = Leased(AccountTokens(parse_key(endpoint), session, trust, timing).lend, timing)
        known = endpoint.username in {*KEY_USERS, _TOKEN_USER}
        authorization: Authorization = self._authorization if known else ""
        self._api = RestApi(_API, session, trust=trust, authorization=authorization, timing=timing)

    async def sign_in(self) -> Endpoint:
        """The endpoint with an access token of an hour instead of a key; raises UnavailableError."""
        if self._tokens is None:
            return self._endpoint
        return replace(self._endpoint, username=_TOKEN_USER, password=await self._tokens.get())

    async def describe_product(self) -> Product:
        """Whether the account gets a token; what it may see with that depends on the project."""
        name = "Google Artifact Registry"
        if self._api.is_anonymous:
            return Product(name, problems=("without a service account's key nothing is known but public images",))
        await self.sign_in()
        return Product(name)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Upload time of the digest, and what its repository's settings say."""
        image = self._host.find_image(reference.repository)
        if image is None:
            return ArtifactFacts()
        found = await self._api.find(image.image_resource(digest), _Image)
        settings = await self._api.find(image.repository_resource, Repository) or Repository()
        upstream = settings.upstream
        return ArtifactFacts(
            pushed_at=parse_time(found.upload_time) if found else None,
            tag_policy=settings.tag_policy if reference.tag else None,
            origin=origin_of(upstream, image.path, reference.tag, reference.digest) if upstream else None,
            link=image.console_link(digest) if found else "",
        )

    async def _authorization(self) -> str:
        return f"Bearer {(await self.sign_in()).password}"


def connect(
    endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
) -> ArtifactRegistryApi:
    """The API of one location; raises InvalidEndpointError for another host, or a key that is none."""
    del options
    return ArtifactRegistryApi(endpoint, session, timing)


GAR = RegistryType(
    key="gar",
    label="Google Artifact Registry",
    summary="Docker repositories of Google Cloud projects, also under gcr.io.",
    connect=connect,
    features=frozenset({Feature.PUSHED_AT, Feature.TAG_POLICY, Feature.ORIGIN, Feature.LINK}),
    hosts=("*-docker.pkg.dev", "gcr.io", "*.gcr.io"),
)
