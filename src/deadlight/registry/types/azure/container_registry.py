"""Azure Container Registry (its data-plane API, version 2021-07-01): update times and locks of tags.

The API has no word on who pushed, nor on cache rules: those are in Azure's activity log and resource manager alone.
"""

import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from deadlight.model.image import ImageReference
from deadlight.registry.answers import is_html, is_version_check, printable, refusal
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError, MalformedAnswerError
from deadlight.registry.leases import Leased
from deadlight.registry.limits import Timing
from deadlight.registry.rest import API_LIMITS
from deadlight.registry.source import Request, Source
from deadlight.registry.times import parse_time
from deadlight.registry.types.azure.identity import RefreshTokens, find_application
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Option, Product, RegistryType, TagPolicy

_RESOURCE = "/subscriptions/"

T = TypeVar("T")


class _Attributes(msgspec.Struct, rename="camel"):
    write_enabled: bool = True


class _Tag(msgspec.Struct, rename="camel"):
    digest: str = ""
    last_update_time: str = ""
    changeable_attributes: _Attributes | None = None


class TagDocument(msgspec.Struct):
    """What a tag is, and whether it is locked."""

    tag: _Tag


class _Manifest(msgspec.Struct, rename="camel"):
    created_time: str = ""


class ManifestDocument(msgspec.Struct):
    """When content was pushed."""

    manifest: _Manifest


class RepositoryDocument(msgspec.Struct, rename="camel"):
    """Whether a whole repository is locked."""

    changeable_attributes: _Attributes | None = None


class ContainerRegistryApi:
    """The data-plane API of one registry."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: aiohttp.ClientSession,
        options: Mapping[str, str],
        timing: Timing,
        environment: Mapping[str, str],
    ) -> None:
        """Prepare to ask; raises InvalidEndpointError for options that cannot work."""
        self._endpoint = endpoint
        self._resource = _checked_resource(endpoint, options.get("resource_id", ""))
        application = find_application(endpoint, options.get("tenant_id", ""), environment)
        tokens = RefreshTokens(endpoint, application, session, timing) if application else None
        self._signed_in = Leased(tokens.lend, timing) if tokens else None
        self._source = Source(
            endpoint.base_url,
            session,
            trust=TlsTrust.of(endpoint),
            limits=API_LIMITS,
            timing=timing,
            basic=self._authorization,
        )

    async def sign_in(self) -> Endpoint:
        """The endpoint with a refresh token of three hours, or as it is; raises UnavailableError."""
        return await self._signed_in.get() if self._signed_in else self._endpoint

    async def describe_product(self) -> Product:
        """Whether the account is let in at all; what it may see differs by repository."""
        name = "Azure Container Registry"
        if not (await self.sign_in()).username:
            return Product(name, problems=("without an account only public images can be seen, and no locks",))
        answer = await self._source.fetch(Request("v2/"))
        if not is_version_check(answer):
            raise refusal(answer)
        return Product(name)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """When the tag got this digest, or the digest was pushed, and whether the tag is locked."""
        if not (await self.sign_in()).username:
            return ArtifactFacts()
        asked = _Asked(self._source, reference.repository)
        found = await asked.find(f"/_tags/{reference.tag}", TagDocument) if reference.tag else None
        tag = found.tag if found else _Tag()
        pushed_at = tag.last_update_time
        if tag.digest != digest:
            manifest = await asked.find(f"/_manifests/{digest}", ManifestDocument)
            if manifest is None:
                return ArtifactFacts(problems=asked.problems)
            pushed_at = manifest.manifest.created_time
        repository = await asked.find("", RepositoryDocument) if found else None
        return ArtifactFacts(
            pushed_at=parse_time(pushed_at),
            tag_policy=tag_policy(tag.changeable_attributes, repository),
            link=f"https://portal.azure.com/#resource{quote(self._resource)}" if self._resource else "",
            problems=asked.problems,
        )

    async def _authorization(self) -> str:
        return (await self.sign_in()).basic_authorization


class _Asked:
    """The questions about one repository."""

    def __init__(self, source: Source, repository: str) -> None:
        self._source = source
        self._repository = repository
        self._withheld = False

    @property
    def problems(self) -> tuple[str, ...]:
        if not self._withheld:
            return ()
        name = self._source.name
        return (f"{name} does not show us what it knows of {self._repository}: give the account metadata/read",)

    async def find(self, what: str, of: type[T]) -> T | None:
        """A document on the repository, or None for what is not there or not shown to us."""
        path, scope = f"acr/v1/{self._repository}{what}", f"repository:{self._repository}:metadata_read"
        answer = await self._source.fetch(Request(path, scope))
        if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
            self._withheld = True
            return None
        if answer.status == HTTPStatus.NOT_FOUND and not is_html(answer):
            return None
        if answer.status != HTTPStatus.OK:
            raise refusal(answer)
        try:
            return msgspec.json.decode(answer.body, type=of)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            reason = f"its answer cannot be read ({printable(str(error))})"
            raise MalformedAnswerError(self._source.name, reason) from error


def tag_policy(tag: _Attributes | None, repository: RepositoryDocument | None) -> TagPolicy | None:
    """What locks say (the documentation, "Lock a container image"); None for no lock, which is how all tags begin."""
    whole = repository.changeable_attributes if repository else None
    if whole is not None and not whole.write_enabled:
        return TagPolicy(may_move=False, detail="the repository is locked (writeEnabled is false)")
    if tag is not None and not tag.write_enabled:
        return TagPolicy(may_move=False, detail="the tag is locked (writeEnabled is false)")
    return None


def _checked_resource(endpoint: Endpoint, resource: str) -> str:
    if resource and not resource.startswith(_RESOURCE):
        raise InvalidEndpointError(f"registry {endpoint.host}: a resource ID begins with {_RESOURCE}")
    return resource


def connect(
    endpoint: Endpoint,
    session: aiohttp.ClientSession,
    options: Mapping[str, str],
    timing: Timing,
    environment: Mapping[str, str] = os.environ,
) -> ContainerRegistryApi:
    """The API of one registry; raises InvalidEndpointError for options that cannot work."""
    return ContainerRegistryApi(endpoint, session, options, timing, environment)


ACR = RegistryType(
    key="acr",
    label="Azure Container Registry",
    summary="Registries of Azure subscriptions.",
    connect=connect,
    features=frozenset({Feature.PUSHED_AT, Feature.TAG_POLICY, Feature.LINK}),
    hosts=("*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"),
    options=(
        Option(
            "tenant_id",
            "Tenant ID",
            "The Microsoft Entra tenant of an application whose client ID is the user name and whose secret is the "
            "password; empty for a token or admin user.",
        ),
        Option(
            "resource_id",
            "Resource ID",
            "From the registry's Properties page in the portal (/subscriptions/...); images then link there.",
        ),
    ),
)
