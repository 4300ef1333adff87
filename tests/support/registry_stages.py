"""One registry of every type, set up so that a test can make happen there what the type is said to know of."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp import web
from tests.support import amazon, artifactory, azure, docker_hub, github, google, harbor
from tests.support.accounts import Account, find_account
from tests.support.registries import Handler, ServedRegistry, serve_registry
from tests.support.vendors import serve_vendor

from deadlight.demo.images import BuiltImage, BuiltIndex, PushedDigests
from deadlight.demo.registry import DemoRegistry
from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint
from deadlight.registry.types.registry_type import BuildRecord

TAG = "1.0.0"


@dataclass
class Stage:
    """A registry with two accounts, and what can be done there."""

    served: ServedRegistry
    product: str
    """What it says it is."""
    host: str = ""
    """As references name it; where that is a vendor's own name, the one thing that a client is told."""
    http: aiohttp.ClientSession | None = None
    """In a network where that name leads to `served`."""
    pages: str = ""
    """What its pages' addresses begin with, where they are elsewhere."""
    has_version: bool = True
    """Whether it tells its version."""
    any_user: str = "somebody"
    """A user name that is not refused before anything is asked."""
    reader: Account | None = None
    """May see everything; None where it lets everybody in."""
    stranger: Account | None = None
    """May see nothing."""
    pushed_by: str = ""
    """Who pushes here, as facts should say."""
    repository: str = "shop/web"
    """Where images are pushed to."""
    cache: str = ""
    """Where copies of another registry's images are."""
    options: Mapping[str, str] = field(default_factory=dict)
    last_push_at: Callable[[str], datetime | None] = lambda _digest: None
    """When a digest was pushed under its name."""
    mark_build: Callable[[str], BuildRecord | None] = lambda _digest: None
    """Have the registry know which build made a digest; returns what should be told of it."""
    protect: Callable[[str], None] = lambda _tag: None
    """Have a tag stay where it is from now on."""

    def name(self, tag: str = TAG, repository: str = "") -> ImageReference:
        """An image here as a workload names it."""
        return ImageReference(self.host or self.served.host, repository or self.repository, tag)

    def endpoint(self, name: str, password: str) -> Endpoint:
        """How to reach it as an account."""
        url = "" if self.host else self.served.url
        return Endpoint(self.host or self.served.host, url=url, username=name, password=password)

    async def push(self, image: BuiltImage | BuiltIndex, tag: str = TAG, repository: str = "") -> PushedDigests:
        """Push as whoever pushes here."""
        return await self.served.push(image, tag, repository or self.repository)


@asynccontextmanager
async def generic_stage() -> AsyncIterator[Stage]:
    """The demonstration's registry, which lets one account in."""
    reader = Account("auditor", "correct horse")
    async with serve_registry(_Locked(reader)) as served:
        yield Stage(served, "OCI registry", reader=reader)


class _Locked:
    """A registry that lets tests push and one account read."""

    def __init__(self, reader: Account) -> None:
        self._reader = reader

    def application(self) -> web.Application:
        """The registry behind a lock."""
        application = DemoRegistry().application()
        application.middlewares.append(self._identify)
        return application

    @web.middleware
    async def _identify(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if find_account(request, [self._reader], self._reader) == self._reader:
            return await handler(request)
        refusal = web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}, status=401)
        refusal.headers["WWW-Authenticate"] = 'Basic realm="registry"'
        return refusal


@asynccontextmanager
async def artifactory_stage() -> AsyncIterator[Stage]:
    """Artifactory with a virtual repository over a local one and a cache of Docker Hub."""
    double = artifactory.Artifactory()

    def last_push_at(digest: str) -> datetime | None:
        times = [file.modified for file in double.files.values() if f"sha256:{file.sha256}" == digest]
        return max(times, default=None)

    def mark_build(digest: str) -> BuildRecord:
        double.builds["shop/web", "42"] = artifactory.build_info("shop/web", "42")
        double.mark_build(digest, "shop/web", "42")
        return BuildRecord(
            "shop/web",
            "42",
            owner="ada",
            url="https://ci.example.com/job/42",
            vcs_url="https://git.example.com/shop/web.git",
            vcs_revision="9f2c1e0b",
            vcs_branch="main",
            vcs_message="Sell tea",
            started_at=datetime.fromisoformat("2026-03-01T06:58:12.345+00:00"),
        )

    async with serve_registry(double) as served:
        yield Stage(
            served,
            "Artifactory",
            reader=artifactory.READER,
            stranger=artifactory.STRANGER,
            pushed_by=artifactory.PUSHER.name,
            repository="docker-local/shop/web",
            cache="dockerhub-cache/library/nginx",
            last_push_at=last_push_at,
            mark_build=mark_build,
        )


@asynccontextmanager
async def harbor_stage() -> AsyncIterator[Stage]:
    """Harbor with a project and a cache of Docker Hub."""
    double = harbor.Harbor()

    def last_push_at(digest: str) -> datetime | None:
        return max((tag.pushed_at for tag in double.tags.values() if tag.digest == digest), default=None)

    async with serve_registry(double) as served:
        yield Stage(
            served,
            "Harbor",
            reader=harbor.READER,
            stranger=harbor.STRANGER,
            pushed_by=f"{harbor.PUSHER.name} (robot account)",
            repository="shop/front/web",
            cache="hub/library/nginx",
            last_push_at=last_push_at,
            protect=double.projects["shop"].immutable_tags.append,
        )


@asynccontextmanager
async def amazon_stage() -> AsyncIterator[Stage]:
    """An account's private registry with a pull-through cache of Docker Hub."""
    double = amazon.Amazon()
    async with serve_vendor(double) as (served, http):
        yield Stage(
            served,
            "Amazon ECR",
            amazon.HOST,
            http,
            f"https://{amazon.REGION}.console.aws.amazon.com/ecr/repositories/private/{amazon.ACCOUNT}/shop/web/",
            has_version=False,
            reader=amazon.READER,
            stranger=amazon.STRANGER,
            cache="hub/library/nginx",
            last_push_at=double.pushes.last_push_at,
            protect=double.protect,
        )


@asynccontextmanager
async def google_stage() -> AsyncIterator[Stage]:
    """A project with a repository of its own and a remote one for Docker Hub."""
    double = google.Google()
    async with serve_vendor(double) as (served, http):
        yield Stage(
            served,
            "Google Artifact Registry",
            google.HOST,
            http,
            "https://console.cloud.google.com/artifacts/docker/acme/europe/images/shop%2Fweb/",
            has_version=False,
            any_user="oauth2accesstoken",
            reader=google.service_account("reader"),
            stranger=google.service_account("stranger"),
            repository="acme/images/shop/web",
            cache="acme/hub/library/nginx",
            last_push_at=double.pushes.last_push_at,
            protect=double.protect,
        )


@asynccontextmanager
async def azure_stage() -> AsyncIterator[Stage]:
    """A registry with tokens of its own."""
    double = azure.Azure()
    resource = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.ContainerRegistry/registries/acme"
    async with serve_vendor(double) as (served, http):
        yield Stage(
            served,
            "Azure Container Registry",
            azure.HOST,
            http,
            f"https://portal.azure.com/#resource{resource}",
            has_version=False,
            reader=azure.READER,
            stranger=azure.STRANGER,
            options={"resource_id": resource},
            last_push_at=double.pushes.last_push_at,
            protect=double.protect,
        )


@asynccontextmanager
async def github_stage() -> AsyncIterator[Stage]:
    """An organisation's packages."""
    double = github.GitHub()
    async with serve_vendor(double) as (served, http):
        yield Stage(
            served,
            "GitHub Packages",
            github.HOST,
            http,
            "https://github.com/orgs/shop/packages/container/web/",
            has_version=False,
            reader=github.READER,
            stranger=github.STRANGER,
            last_push_at=double.pushes.last_push_at,
        )


@asynccontextmanager
async def docker_hub_stage() -> AsyncIterator[Stage]:
    """A namespace of Docker Hub."""
    double = docker_hub.DockerHub()
    async with serve_vendor(double) as (served, http):
        yield Stage(
            served,
            "Docker Hub",
            docker_hub.HOST,
            http,
            f"https://{docker_hub.API}/r/shop/web/",
            has_version=False,
            reader=docker_hub.READER,
            stranger=docker_hub.STRANGER,
            pushed_by=docker_hub.PUSHER,
            last_push_at=double.pushes.last_push_at,
            protect=double.protect,
        )


STAGES: Mapping[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "oci": generic_stage,
    "artifactory": artifactory_stage,
    "harbor": harbor_stage,
    "ecr": amazon_stage,
    "gar": google_stage,
    "acr": azure_stage,
    "ghcr": github_stage,
    "docker-hub": docker_hub_stage,
}
"""By the key of the type."""
