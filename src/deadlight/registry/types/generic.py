"""Any registry that speaks the OCI distribution API: distribution, zot, GitLab, Nexus, Quay.

The specification has no word on who pushed, on policies or on trash cans, so this type knows nothing of them. Builds
are read from what hangs on the image itself, for every type alike.
"""

from collections.abc import Mapping
from http import HTTPStatus

import aiohttp

from deadlight.model.image import ImageReference
from deadlight.registry.answers import Answer, is_version_check, printable, refusal
from deadlight.registry.challenges import parse_challenges
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.limits import Timing
from deadlight.registry.names import manifest_path
from deadlight.registry.rest import API_LIMITS
from deadlight.registry.source import Request, Source
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType

UNSPECIFIC = "OCI registry"

_TELLTALE_HEADERS = (
    ("X-JFrog-Version", "Artifactory"),
    ("X-Artifactory-Id", "Artifactory"),
    ("X-Harbor-Csrf-Token", "Harbor"),
    ("GitLab-Container-Registry-Version", "GitLab"),
    ("GitLab-Container-Registry-Features", "GitLab"),
)
"""Headers that only one product sends."""

_TELLTALE_SERVICES = (
    ("harbor-registry", "Harbor"),
    ("container_registry", "GitLab"),
    ("zot", "zot"),
)
"""The `service` of a token challenge, as products set it by default."""

_TELLTALE_SERVERS = (("Nexus", "Nexus Repository"), ("Artifactory", "Artifactory"))
"""What `Server` begins with."""

_BETTER_TYPES = frozenset({"Artifactory", "Harbor"})


class GenericApi:
    """What there is to know of a registry that only speaks the distribution API."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession, timing: Timing) -> None:
        """Prepare to ask."""
        self._base = endpoint.base_url
        trust = TlsTrust.of(endpoint)
        basic = endpoint.basic_authorization
        self._source = Source(self._base, session, trust=trust, limits=API_LIMITS, timing=timing, basic=basic)

    async def describe_product(self) -> Product:
        """The product as its answers give it away."""
        answer = await self._source.fetch(Request("v2/", preauthorized=True))
        name = recognise_product(answer)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = await self._source.fetch(Request("v2/"))
        if not is_version_check(answer):
            raise refusal(answer)
        problems = (f"this is {name}: choose that type to see who pushed what",) if name in _BETTER_TYPES else ()
        return Product(name, _version(answer), problems)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """Where its manifest is; nothing of a tag that was never there. Nothing is asked."""
        if not digest:
            return ArtifactFacts()
        return ArtifactFacts(link=str(self._base.joinpath(manifest_path(reference.repository, digest))))


def recognise_product(answer: Answer) -> str:
    """The product behind an answer to `GET /v2/`, whatever its status."""
    for header, product in _TELLTALE_HEADERS:
        if header in answer.headers:
            return product
    services = {c.parameters.get("service", "") for c in parse_challenges([answer.headers.get("WWW-Authenticate", "")])}
    for service, product in _TELLTALE_SERVICES:
        if service in services:
            return product
    server = answer.headers.get("Server", "")
    return next((product for prefix, product in _TELLTALE_SERVERS if server.startswith(prefix)), UNSPECIFIC)


def _version(answer: Answer) -> str:
    """Its version, where a header tells."""
    headers = answer.headers
    told = headers.get("X-JFrog-Version") or headers.get("GitLab-Container-Registry-Version") or ""
    return printable(told.removeprefix("Artifactory/").partition(" ")[0], 40)


def connect(
    endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
) -> GenericApi:
    """The generic API, which has no options."""
    del options
    return GenericApi(endpoint, session, timing)


GENERIC = RegistryType(
    key="oci",
    label="OCI registry",
    summary="Any registry: distribution, zot, GitLab, Nexus, Quay and whatever else container runtimes pull from.",
    connect=connect,
    features=frozenset({Feature.LINK}),
)
