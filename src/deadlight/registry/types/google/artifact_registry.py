"""Google Artifact Registry (its REST API, version 1): upload times, immutable tags, remote repositories.

The API has no word on who pushed: that is in Cloud Audit Logs alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import aiohttp
import msgspec
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry.answers import is_version_check, refusal
from deadlight.registry.authorization import Authorization
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError
from deadlight.registry.leases import Leased
from deadlight.registry.limits import Timing
from deadlight.registry.rest import API_LIMITS, Inquiry, RestApi
from deadlight.registry.source import Request, Source
from deadlight.registry.times import parse_time
from deadlight.registry.types.google.identity import KEY_USERS, AccountTokens, parse_key
from deadlight.registry.types.google.names import GCR_LOCATIONS, parse_host
from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType, TagPolicy

_API = URL("https://artifactregistry.googleapis.com")
_TOKEN_USER = "oauth2accesstoken"  # noqa: S105 - the user name that access tokens are the password of
_RIGHT = "give the service account the role Artifact Registry Reader"
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
        elif endpoint.username not in {"", _TOKEN_USER}:
            raise InvalidEndpointError(
                f"registry {endpoint.host}: enter _json_key as user name and a service account's JSON key as password"
            )
        bearer: Authorization = self._bearer if endpoint.username else ""
        self._api = RestApi(_API, session, trust=trust, authorization=bearer, timing=timing)
        self._registry = Source(
            endpoint.base_url, session, trust=trust, limits=API_LIMITS, timing=timing, basic=self._basic
        )

    async def sign_in(self) -> Endpoint:
        """The endpoint with an access token of an hour instead of a key; raises UnavailableError."""
        if self._tokens is None:
            return self._endpoint
        return replace(self._endpoint, username=_TOKEN_USER, password=await self._tokens.get())

    async def describe_product(self) -> Product:
        """Whether the registry lets the account in; what it may see there depends on the project."""
        name = "Google Artifact Registry"
        if self._api.is_anonymous:
            return Product(name, problems=("without a service account's key nothing is known but public images",))
        answer = await self._registry.fetch(Request("v2/"))
        if not is_version_check(answer):
            raise refusal(answer)
        return Product(name)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Upload time of the digest, and what its repository's settings say."""
        image = self._host.find_image(reference.repository)
        if image is None:
            return ArtifactFacts()
        asked = Inquiry(self._api)
        found = await asked.find(image.image_resource(digest), _Image, needs=_RIGHT)
        if found is None:
            return ArtifactFacts(problems=asked.problems)
        settings = await asked.find(image.repository_resource, Repository, needs=_RIGHT) or Repository()
        upstream = settings.upstream
        return ArtifactFacts(
            pushed_at=None if upstream else parse_time(found.upload_time),
            tag_policy=settings.tag_policy if reference.tag else None,
            origin=origin_of(upstream, image.path, reference.tag, digest) if upstream else None,
            link=image.console_link(digest),
            problems=asked.problems,
        )

    async def _bearer(self) -> str:
        return f"Bearer {(await self.sign_in()).password}"

    async def _basic(self) -> str:
        return (await self.sign_in()).basic_authorization


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
    hosts=("*-docker.pkg.dev", *GCR_LOCATIONS),
)
