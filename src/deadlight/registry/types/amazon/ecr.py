"""Amazon ECR (its API reference, version 2015-09-21): push times, tag mutability, pull-through caches.

The API has no word on who pushed: that is in CloudTrail alone.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import aiohttp
import msgspec

from deadlight.model.image import ImageReference
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import NotFoundError, UnavailableError, WithheldError
from deadlight.registry.leases import Lease, Leased
from deadlight.registry.limits import Timing
from deadlight.registry.tokens import LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS
from deadlight.registry.types.amazon.api import EcrActions
from deadlight.registry.types.amazon.documents import (
    CacheRule,
    CacheRules,
    Images,
    LoginTokens,
    Repositories,
    find_origin,
    moment,
    read_login,
    tag_policy,
)
from deadlight.registry.types.amazon.hosts import PUBLIC_HOST, parse_host
from deadlight.registry.types.amazon.identity import keys_of
from deadlight.registry.types.registry_type import (
    ArtifactFacts,
    Feature,
    Product,
    RegistryType,
    TagPolicy,
)

_RULES_SECONDS = 600.0
_MAX_RULES = 1000
_RIGHTS = (
    ("DescribeRepositories", "tag mutability stays unknown"),
    ("DescribePullThroughCacheRules", "copies of other registries' images are not recognised"),
)


class EcrApi:
    """ECR's own API for the private registry of one account and region."""

    def __init__(
        self, endpoint: Endpoint, session: aiohttp.ClientSession, timing: Timing, environment: Mapping[str, str]
    ) -> None:
        """Prepare to ask; raises InvalidEndpointError for a host that is not ECR's, or without keys."""
        self._endpoint = endpoint
        self._host = parse_host(endpoint.host)
        keys = keys_of(endpoint, self._host.sts, session, timing, environment)
        trust = TlsTrust.of(endpoint)
        self._actions = EcrActions(self._host.api, self._host.region, keys, session, trust=trust, timing=timing)
        self._timing = timing
        self._rules = Leased(self._fetch_rules, timing)
        self._signed_in = Leased(self._fetch_login, timing)

    async def sign_in(self) -> Endpoint:
        """The endpoint with ECR's own user name and a password of twelve hours; raises UnavailableError."""
        return await self._signed_in.get()

    async def describe_product(self) -> Product:
        """Whether the keys may pull, and what they may not see."""
        await self.sign_in()
        problems = [await self._missing_right(action, lost) for action, lost in _RIGHTS]
        return Product("Amazon ECR", problems=tuple(filter(None, problems)))

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Push time of the digest, mutability of the tag, origin of a cached repository."""
        pushed_at = await self._fetch_push_time(reference.repository, digest)
        return ArtifactFacts(
            pushed_at=pushed_at,
            tag_policy=await self._fetch_policy(reference),
            origin=find_origin(await self._rules.get(), reference),
            link=self._host.console_link(reference.repository, digest) if pushed_at else "",
        )

    async def _missing_right(self, action: str, lost: str) -> str:
        """What we lose because our keys may not ask this; empty where they may."""
        try:
            await self._actions.call(action, {"registryId": self._host.account, "maxResults": 1}, msgspec.Raw)
        except WithheldError:
            return f"our keys lack ecr:{action}: {lost}"
        return ""

    async def _fetch_push_time(self, repository: str, digest: str) -> datetime | None:
        document = {**self._of(repository), "imageIds": [{"imageDigest": digest}]}
        with suppress(NotFoundError, WithheldError):
            images = (await self._actions.call("DescribeImages", document, Images)).image_details
            return moment(images[0].image_pushed_at) if images else None
        return None

    async def _fetch_policy(self, reference: ImageReference) -> TagPolicy | None:
        document = {"registryId": self._host.account, "repositoryNames": [reference.repository]}
        with suppress(NotFoundError, WithheldError):
            found = (await self._actions.call("DescribeRepositories", document, Repositories)).repositories
            if found and reference.tag:
                filters = [exclusion.filter for exclusion in found[0].image_tag_mutability_exclusion_filters or ()]
                return tag_policy(found[0].image_tag_mutability, filters, reference.tag)
        return None

    async def _fetch_rules(self) -> Lease[tuple[CacheRule, ...]]:
        document: dict[str, object] = {"registryId": self._host.account, "maxResults": _MAX_RULES}
        with suppress(NotFoundError, WithheldError):
            rules = await self._actions.call("DescribePullThroughCacheRules", document, CacheRules)
            return Lease(tuple(rules.pull_through_cache_rules), _RULES_SECONDS)
        return Lease((), _RULES_SECONDS)

    async def _fetch_login(self) -> Lease[Endpoint]:
        """GetAuthorizationToken; the old parameter `registryIds` would be for other accounts' registries."""
        try:
            found = (await self._actions.call("GetAuthorizationToken", {}, LoginTokens)).authorization_data
        except (NotFoundError, WithheldError) as error:
            raise UnavailableError(self._actions.name, "our keys lack ecr:GetAuthorizationToken") from error
        username, password = read_login(self._actions.name, found[0].authorization_token if found else "")
        seconds = (found[0].expires_at or 0.0) - self._timing.now().timestamp()
        life = min(max(seconds, SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS)
        return Lease(replace(self._endpoint, username=username, password=password), life)

    def _of(self, repository: str) -> dict[str, object]:
        return {"registryId": self._host.account, "repositoryName": repository}


class EcrPublicApi:
    """ECR's public registry, of which only the gallery can be shown without its owner's keys."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Nothing is asked."""
        self._endpoint = endpoint

    async def sign_in(self) -> Endpoint:
        """The endpoint as it is: the public registry gives everybody a token."""
        return self._endpoint

    async def describe_product(self) -> Product:
        """What it is. Nothing is asked."""
        return Product("Amazon ECR Public", problems=("the public registry tells nothing of who pushed what, or when",))

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """The repository's page in the gallery."""
        del digest
        return ArtifactFacts(link=f"https://gallery.ecr.aws/{reference.repository}")


def connect(
    endpoint: Endpoint,
    session: aiohttp.ClientSession,
    options: Mapping[str, str],
    timing: Timing,
    environment: Mapping[str, str] = os.environ,
) -> EcrApi | EcrPublicApi:
    """The API of a private registry or of the public one; raises InvalidEndpointError where there are no keys."""
    del options
    if endpoint.host == PUBLIC_HOST:
        return EcrPublicApi(endpoint)
    return EcrApi(endpoint, session, timing, environment)


ECR = RegistryType(
    key="ecr",
    label="Amazon ECR",
    summary="Private registries of AWS accounts, and public.ecr.aws.",
    connect=connect,
    features=frozenset({Feature.PUSHED_AT, Feature.TAG_POLICY, Feature.ORIGIN, Feature.LINK}),
    hosts=("*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr*.amazonaws.com.cn", "*.dkr-ecr*.on.aws", PUBLIC_HOST),
)
