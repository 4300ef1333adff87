"""Amazon ECR (its API reference, version 2015-09-21): push times, tag mutability, pull-through caches.

The API has no word on who pushed: that is in CloudTrail alone.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import aiohttp

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
    policy_of,
    read_login,
)
from deadlight.registry.types.amazon.hosts import PUBLIC_HOST, parse_host
from deadlight.registry.types.amazon.identity import keys_of
from deadlight.registry.types.registry_type import (
    ArtifactFacts,
    Feature,
    Product,
    RegistryType,
)

_RULES_SECONDS = 600.0
_MAX_RULES = 1000
T = TypeVar("T")


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
        self._rules: Sequence[CacheRule] | None = None
        self._rules_until = 0.0
        self._signed_in = Leased(self._fetch_login, timing)

    async def sign_in(self) -> Endpoint:
        """The endpoint with ECR's own user name and a password of twelve hours; raises UnavailableError."""
        return await self._signed_in.get()

    async def describe_product(self) -> Product:
        """Whether the keys may pull, and which questions they may not ask."""
        await self.sign_in()
        asked = _Asked(self._actions)
        await asked.find("DescribeRepositories", self._in_account(maxResults=1), Repositories)
        await asked.find("DescribePullThroughCacheRules", self._in_account(maxResults=1), CacheRules)
        return Product("Amazon ECR", problems=asked.problems)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Push time of the digest, mutability of the tag, origin of a cached repository."""
        asked, name = _Asked(self._actions), reference.repository
        wanted = self._in_account(repositoryName=name, imageIds=[{"imageDigest": digest}])
        images = await asked.find("DescribeImages", wanted, Images)
        if images is None or not images.image_details:
            return ArtifactFacts(problems=asked.problems)
        settings = await asked.find("DescribeRepositories", self._in_account(repositoryNames=[name]), Repositories)
        origin = find_origin(await self._find_rules(asked), reference.repository, reference.tag, digest)
        return ArtifactFacts(
            pushed_at=None if origin else moment(images.image_details[0].image_pushed_at),
            tag_policy=None if origin or settings is None else policy_of(settings, reference.tag),
            origin=origin,
            link=self._host.console_link(name, digest),
            problems=asked.problems,
        )

    async def _find_rules(self, asked: "_Asked") -> Sequence[CacheRule]:
        """The account's pull-through cache rules, asked for once in ten minutes."""
        now = self._timing.clock()
        if self._rules is None or now >= self._rules_until:
            wanted = self._in_account(maxResults=_MAX_RULES)
            found = await asked.find("DescribePullThroughCacheRules", wanted, CacheRules)
            self._rules, self._rules_until = found.pull_through_cache_rules if found else (), now + _RULES_SECONDS
        return self._rules

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

    def _in_account(self, **document: object) -> dict[str, object]:
        return {"registryId": self._host.account, **document}


class _Asked:
    """One round of questions that may each go without an answer."""

    def __init__(self, actions: EcrActions) -> None:
        self._actions = actions
        self._problems: list[str] = []

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self._problems)

    async def find(self, action: str, document: Mapping[str, object], of: type[T]) -> T | None:
        """An action's result, with None for what is not there or not shown."""
        try:
            return await self._actions.call(action, document, of)
        except NotFoundError:
            return None
        except WithheldError as error:
            self._problems.append(f"{error}: allow our keys ecr:{action}")
            return None


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
    hosts=("*.dkr.ecr*.amazonaws.com", "*.dkr.ecr*.amazonaws.com.cn", "*.dkr-ecr*.on.aws", PUBLIC_HOST),
)
