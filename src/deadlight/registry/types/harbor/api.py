"""Asking Harbor who pushed an image, whether its tag may move and what it is a copy of."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import aiohttp
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry import foreign
from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import MalformedAnswerError, NotFoundError, UnavailableError
from deadlight.registry.limits import Timing
from deadlight.registry.rest import Inquiry, RestApi, part
from deadlight.registry.times import parse_time
from deadlight.registry.types.harbor.documents import (
    Artifact,
    AuditLog,
    GeneralInfo,
    ImmutableRule,
    Project,
    ProjectSummary,
    Tag,
    find_pusher,
    policy_of,
)
from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, Product, RegistryType, TagPolicy

LOG_ENTRIES = 20
"""Pushes of one tag that are looked through for that of one digest, the newest first."""

MAX_TAGS_LOOKED_UP = 3
"""Of an image that a workload names by digest alone."""

_PROJECT_RIGHT = "give the robot account Project: Read"
_ARTIFACT_RIGHT = "give the robot account Artifact: Read"
_LOG_RIGHT = "give the robot account Log: List"
_RULES_RIGHT = "give the robot account Immutable Tag: List"


class HarborApi:
    """One Harbor. See `RegistryApi`."""

    def __init__(self, api: RestApi, site: URL) -> None:
        """Ask `api`, and show people pages of `site`."""
        self._api = api
        self._site = site

    async def describe_product(self) -> Product:
        """Harbor and its version, which it only tells accounts that it knows."""
        try:
            info = (await self._api.fetch("systeminfo", GeneralInfo)).value
        except NotFoundError as error:
            raise MalformedAnswerError(self._api.name, f"no Harbor answers at {self._api.base}") from error
        if info.auth_mode is None:
            raise MalformedAnswerError(self._api.name, f"what answers at {self._api.base} is no Harbor")
        if info.harbor_version is None and not self._api.is_anonymous:
            raise UnavailableError(self._api.name, "it does not know our user name and password")
        problems = ("without an account little is told: enter a robot account",) if self._api.is_anonymous else ()
        return Product("Harbor", foreign.name(info.harbor_version), problems)

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """What it knows of an image; Harbor keeps nothing of what was deleted."""
        project_name, _, repository = reference.repository.partition("/")
        if not repository:
            return ArtifactFacts()
        asked = _Asked(Inquiry(self._api), project_name, repository)
        tagged = await asked.find_artifact(reference.tag) if reference.tag else None
        tag = tagged.find_tag(reference.tag) if tagged else None
        held = tagged if tagged and tagged.holds(digest) else await asked.find_artifact(digest)
        project = await asked.find_project()
        if project is None:
            return ArtifactFacts(problems=asked.inquiry.problems)
        link = self._link(project, repository, held.digest) if held else ""
        if project.registry_id:
            origin = await asked.find_origin(reference.tag, digest)
            return ArtifactFacts(origin=origin, link=link, problems=asked.inquiry.problems)
        set_tag = tag if held is tagged else None
        return ArtifactFacts(
            pushed_by=await asked.find_pusher(reference.tag, held.digest if held else digest, held),
            pushed_at=_pushed_at(reference, held, set_tag),
            tag_policy=await asked.find_policy(tag) if tag else None,
            link=link,
            problems=asked.inquiry.problems,
        )

    def _link(self, project: Project, repository: str, digest: str) -> str:
        pages = (
            f"harbor/projects/{project.project_id}/repositories/{quote(repository, safe='')}/artifacts-tab/artifacts"
        )
        return str(self._site.joinpath(f"{pages}/{digest}", encoded=True))


class _Asked:
    """The questions about one repository."""

    def __init__(self, inquiry: Inquiry, project: str, repository: str) -> None:
        self.inquiry = inquiry
        self._project = project
        self._repository = repository
        self._path = f"projects/{part(project)}"

    async def find_artifact(self, reference: str) -> Artifact | None:
        """The artifact of a tag or digest. A slash in a repository's name is encoded twice."""
        repository = quote(quote(self._repository, safe=""), safe="")
        path = f"{self._path}/repositories/{repository}/artifacts/{part(reference)}"
        query = {"with_tag": "true", "with_immutable_status": "true"}
        return await self.inquiry.find(path, Artifact, needs=_ARTIFACT_RIGHT, query=query)

    async def find_project(self) -> Project | None:
        return await self.inquiry.find(self._path, Project, needs=_PROJECT_RIGHT)

    async def find_pusher(self, tag: str, digest: str, held: Artifact | None) -> str:
        """Who pushed it under a tag or, for a name without one, under any that it has."""
        name = f"{self._project}/{self._repository}"
        if tag:
            return await self._find_in_log(f"{name}:{tag}", digest, held.find_tag(tag) if held else None)
        for other in (held.tags or ())[:MAX_TAGS_LOOKED_UP] if held else ():
            if pusher := await self._find_in_log(f"{name}:{other.name}", digest, other):
                return pusher
        return await self._find_in_log(f"{name}@{digest}", digest, None)

    async def _find_in_log(self, resource: str, digest: str, tag: Tag | None) -> str:
        """By the log of Harbor 2.13 and later, or else by the one before."""
        query = {
            "q": f"operation=create,resource_type=artifact,resource={resource}",
            "sort": "-op_time",
            "page_size": str(LOG_ENTRIES),
        }
        for log in ("auditlog-exts", "logs"):
            entries = await self.inquiry.find(f"{self._path}/{log}", list[AuditLog], needs=_LOG_RIGHT, query=query)
            if pusher := find_pusher(entries or (), resource, digest, tag):
                return pusher
        return ""

    async def find_policy(self, tag: Tag) -> TagPolicy | None:
        rules = None
        if tag.immutable:
            path, query = f"{self._path}/immutabletagrules", {"page_size": "100"}
            rules = await self.inquiry.find(path, list[ImmutableRule], needs=_RULES_RIGHT, query=query)
        return policy_of(tag, self._project, rules)

    async def find_origin(self, tag: str, digest: str) -> ImageReference | None:
        summary = await self.inquiry.find(f"{self._path}/summary", ProjectSummary, needs=_PROJECT_RIGHT)
        upstream = summary.registry if summary else None
        return origin_of(upstream.url, self._repository, tag, digest) if upstream else None


def _pushed_at(reference: ImageReference, held: Artifact | None, set_tag: Tag | None) -> datetime | None:
    """When the tag got its content; for a name without tag, when the content came. A moved tag's is not known."""
    if reference.tag:
        return parse_time(set_tag.push_time) if set_tag else None
    return parse_time(held.push_time) if held else None


def connect(
    endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
) -> HarborApi:
    """A Harbor's API, which has no options."""
    del options
    api = RestApi(
        endpoint.base_url / "api/v2.0",
        session,
        trust=TlsTrust.of(endpoint),
        authorization=endpoint.basic_authorization,
        timing=timing,
    )
    return HarborApi(api, endpoint.base_url)


HARBOR = RegistryType(
    key="harbor",
    label="Harbor",
    summary="Tells who pushed an image, whether an immutability rule covers its tag and what a proxy cache copied.",
    connect=connect,
    features=frozenset({Feature.PUSHED_BY, Feature.PUSHED_AT, Feature.TAG_POLICY, Feature.ORIGIN, Feature.LINK}),
)
