"""One registry of every type, set up so that a test can make happen there what the type is said to know of."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from tests.support import artifactory, harbor
from tests.support.accounts import Account, find_account
from tests.support.registries import Handler, ServedRegistry, serve_registry

from deadlight.demo.images import BuiltImage, BuiltIndex, PushedDigests
from deadlight.demo.registry import DemoRegistry
from deadlight.model.image import ImageReference
from deadlight.registry.types.registry_type import BuildRecord

TAG = "1.0.0"


@dataclass
class Stage:
    """A registry with two accounts, and what can be done there."""

    served: ServedRegistry
    product: str
    """What it says it is."""
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
        return ImageReference(self.served.host, repository or self.repository, tag)

    async def push(self, image: BuiltImage | BuiltIndex, tag: str = TAG, repository: str = "") -> PushedDigests:
        """Push as whoever pushes here."""
        return await self.served.push(image, tag, repository or self.repository)


@asynccontextmanager
async def generic_stage() -> AsyncIterator[Stage]:
    """The demonstration's registry, which lets one account in."""
    reader = Account("auditor", "correct horse")
    async with serve_registry(_Locked(reader)) as served:
        yield Stage(served, "OCI registry", reader)


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
            artifactory.READER,
            artifactory.STRANGER,
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
            harbor.READER,
            harbor.STRANGER,
            pushed_by=f"{harbor.PUSHER.name} (robot account)",
            repository="shop/front/web",
            cache="hub/library/nginx",
            last_push_at=last_push_at,
            protect=double.projects["shop"].immutable_tags.append,
        )


STAGES: Mapping[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "oci": generic_stage,
    "artifactory": artifactory_stage,
    "harbor": harbor_stage,
}
"""By the key of the type."""
