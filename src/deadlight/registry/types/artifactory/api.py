"""Asking Artifactory who pushed an image, which build made it, what it is a copy of and where it went."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import aiohttp

from deadlight.model.image import ImageReference
from deadlight.registry import foreign
from deadlight.registry.endpoint import Endpoint, TlsTrust, parse_base_url
from deadlight.registry.errors import (
    InvalidEndpointError,
    MalformedAnswerError,
    NotFoundError,
    UnavailableError,
    WithheldError,
)
from deadlight.registry.limits import Timing
from deadlight.registry.rest import Inquiry, RestApi, part
from deadlight.registry.types.artifactory.documents import (
    BuildDocument,
    FileInfo,
    FileProperties,
    FoundItems,
    Item,
    RepositoryConfiguration,
    Version,
    item_of,
    item_of_file,
)
from deadlight.registry.types.artifactory.places import CACHE_SUFFIX, MANIFEST_NAMES, TRASH_CAN, Layout, Place
from deadlight.registry.types.artifactory.versions import (
    MINIMUM_VERSION,
    MINIMUM_XRAY_VERSION,
    XrayVersion,
    is_older,
)
from deadlight.registry.types.artifactory.xray.api import Artifact, XrayApi
from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.registry_type import (
    ArtifactFacts,
    BuildRecord,
    Feature,
    Option,
    Product,
    RegistryType,
)

MAX_ITEMS_FOUND = 50
"""Copies of one manifest that are looked at: promotion through a dozen stages and a handful of tags each."""

MAX_ROWS_FOUND = 1_000
"""AQL may count every property of a file against its limit."""

_SEARCH_RIGHT = "searching needs a user of its own; the image is only found under its present tag"
_READ_RIGHT = "give the account the permission Read on this repository"
_BUILD_RIGHT = "give the account the permission Read on builds"
_TRASH_RIGHT = "the trash can is shown to accounts with the permission Manage"


class ArtifactoryApi:
    """One Artifactory. See `RegistryApi`."""

    def __init__(self, artifactory: RestApi, platform: RestApi, layout: Layout) -> None:
        """Ask `artifactory` about images, and `platform` about the products beside it."""
        self._api = artifactory
        self._platform = platform
        self._layout = layout
        self.scanner = XrayApi(platform, self._find_artifact)

    async def describe_product(self) -> Product:
        """Artifactory and its version; a too old one, a too old Xray and what our account may not do are problems."""
        inquiry = Inquiry(self._api)
        try:
            version = foreign.name((await self._api.fetch("api/system/version", Version)).value.version)
        except NotFoundError as error:
            reason = f"no Artifactory answers at {self._api.base}: set the address of its REST API"
            raise MalformedAnswerError(self._api.name, reason) from error
        except WithheldError as error:
            return Product("Artifactory", problems=(f"{error}: enter a user of its own for the service",))
        await self._search(inquiry, {"name": "manifest.json"}, limit=1)
        old = (
            *_too_old("Artifactory", version, MINIMUM_VERSION),
            *_too_old("Xray", await self._find_xray_version(), MINIMUM_XRAY_VERSION),
        )
        return Product("Artifactory", version, (*old, *inquiry.problems))

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """What it knows of an image; who pushed it is only said of a local repository, not of a cache."""
        place = self._layout.locate(reference)
        algorithm, _, hexadecimal = digest.partition(":")
        if place is None or algorithm != "sha256":
            return ArtifactFacts()
        inquiry = Inquiry(self._api)
        found = await self._search(inquiry, {"sha256": hexadecimal})
        copies = [item for item in found if item.repo != TRASH_CAN]
        folders = place.folders(reference.tag, digest)
        here = await self._find_here(inquiry, place, folders, hexadecimal, copies)
        return ArtifactFacts(
            pushed_by=here.pushed_by if here and not _is_cached(here) else "",
            pushed_at=here.pushed_at if here and not _is_cached(here) else None,
            build=await self._find_build(inquiry, (here, *copies)),
            origin=await self._find_origin(inquiry, here, place, reference.tag, digest),
            restorable_from="" if here else await self._find_in_trash(inquiry, place, folders, hexadecimal, copies),
            link=str(self._layout.platform.joinpath("ui/repos/tree/General", here.repo, here.folder)) if here else "",
            properties=here.properties if here else {},
            problems=inquiry.problems,
        )

    async def _find_artifact(self, reference: ImageReference, digest: str) -> Artifact | None:
        """The file of a manifest, one of an index too, in the repository that has it."""
        place = self._layout.locate(reference)
        algorithm, _, hexadecimal = digest.partition(":")
        if place is None or algorithm != "sha256":
            return None
        inquiry = Inquiry(self._api)
        found = await self._search(inquiry, {"sha256": hexadecimal})
        copies = [item for item in found if item.repo != TRASH_CAN]
        folders = place.folders(reference.tag, digest)
        here = await self._find_here(inquiry, place, (*folders, *_folders_beside(place, copies)), hexadecimal, copies)
        if here is None:
            return None
        path = f"api/repositories/{part(here.repo.removesuffix(CACHE_SUFFIX))}"
        settings = await inquiry.find(path, RepositoryConfiguration, needs=_READ_RIGHT) or RepositoryConfiguration()
        return Artifact(here.repo, f"{here.folder}/{here.name}", foreign.name(settings.kind), settings.indexed)

    async def _search(
        self, inquiry: Inquiry, wanted: Mapping[str, str], *, needs: str = _SEARCH_RIGHT, limit: int = MAX_ROWS_FOUND
    ) -> list[Item]:
        """Manifests by AQL; none where our account may not search or see them."""
        text = (
            f"items.find({json.dumps(wanted)})"
            '.include("repo","path","name","created","created_by","modified","modified_by","property")'
            f".limit({limit})"
        )
        found = await inquiry.find("api/search/aql", FoundItems, needs=needs, text=text)
        items = found.results[:MAX_ITEMS_FOUND] if found else ()
        return [item_of(item) for item in items if item.name in MANIFEST_NAMES]

    async def _find_here(
        self, inquiry: Inquiry, place: Place, folders: Sequence[str], hexadecimal: str, copies: Sequence[Item]
    ) -> Item | None:
        """The manifest under the very name that runs: as searched, or as a virtual repository resolves it."""
        named = {place.repository, place.repository + CACHE_SUFFIX}
        for copy in copies:
            if copy.repo in named and copy.folder in folders:
                return copy
        found = {(copy.folder, copy.name) for copy in copies}
        for folder, name in product(folders, MANIFEST_NAMES):
            if found and (folder, name) not in found:
                continue
            path = _storage_path(place.repository, folder, name)
            file = await inquiry.find(path, FileInfo, needs=_READ_RIGHT)
            if file is not None and file.checksums.sha256 == hexadecimal:
                return await self._complete(inquiry, file, copies)
        return None

    async def _complete(self, inquiry: Inquiry, file: FileInfo, copies: Iterable[Item]) -> Item:
        """A file with its properties, which the search already found if there was one."""
        item = item_of_file(file, None)
        for copy in copies:
            if (copy.repo, copy.folder, copy.name) == (item.repo, item.folder, item.name):
                return copy
        path = _storage_path(item.repo, item.folder, item.name)
        found = await inquiry.find(path, FileProperties, needs=_READ_RIGHT, query={"properties": ""})
        return item_of_file(file, found)

    async def _find_build(self, inquiry: Inquiry, copies: Iterable[Item | None]) -> BuildRecord | None:
        """The build that a copy of this very content is marked with; without its record, its name alone."""
        for copy in copies:
            properties = copy.properties if copy else {}
            name, number = properties.get("build.name", ""), properties.get("build.number", "")
            if name and number:
                path = f"api/build/{part(name)}/{part(number)}"
                found = await inquiry.find(path, BuildDocument, needs=_BUILD_RIGHT)
                return found.record() if found else BuildRecord(name, number)
        return None

    async def _find_origin(
        self, inquiry: Inquiry, here: Item | None, place: Place, tag: str, digest: str
    ) -> ImageReference | None:
        """What the image is at the registry that its remote repository caches."""
        if here is None or not _is_cached(here):
            return None
        key = here.repo.removesuffix(CACHE_SUFFIX)
        remote = await inquiry.find(f"api/repositories/{part(key)}", RepositoryConfiguration, needs=_READ_RIGHT)
        return origin_of(remote.url, place.path, tag, digest) if remote else None

    async def _find_in_trash(
        self, inquiry: Inquiry, place: Place, folders: Sequence[str], hexadecimal: str, copies: Iterable[Item]
    ) -> str:
        """A folder of the trash can that had this name; else one that still has the same content."""
        wanted = {"repo": TRASH_CAN, "sha256": hexadecimal}
        trashed = await self._search(inquiry, wanted, needs=_TRASH_RIGHT)
        former = [item.folder for item in trashed if item.folder.partition("/")[2] in folders]
        best = min(former, key=lambda folder: not folder.startswith(f"{place.repository}/"), default="")
        return f"{TRASH_CAN}/{best}" if best else next((f"{copy.repo}/{copy.folder}" for copy in copies), "")

    async def _find_xray_version(self) -> str:
        """Xray's version; empty where there is none, or none that our account may see."""
        try:
            found = await self._platform.fetch("xray/api/v1/system/version", XrayVersion)
        except (NotFoundError, WithheldError, UnavailableError):
            return ""
        return foreign.name(found.value.xray_version)


def _folders_beside(place: Place, copies: Iterable[Item]) -> tuple[str, ...]:
    """Folders of this image's own path in which the content is, whatever they are called."""
    return tuple(dict.fromkeys(item.folder for item in copies if item.folder.rpartition("/")[0] == place.path))


def _is_cached(item: Item) -> bool:
    return item.repo.endswith(CACHE_SUFFIX)


def _storage_path(repository: str, folder: str, name: str) -> str:
    return "/".join(["api/storage", *map(part, (repository, *folder.split("/"), name))])


def _too_old(name: str, version: str, minimum: str) -> tuple[str, ...]:
    """The problem with a version below the minimum; none with one that cannot be told."""
    problem = f"{name} {version} is older than {minimum}: upgrade it, some facts may be missing"
    return (problem,) if is_older(version, minimum) else ()


API_URL = Option(
    "api_url",
    "Address of Artifactory",
    "Where Artifactory's REST API is, such as https://art.example.com/artifactory. Needed where images are pulled from"
    " a host of their own (subdomain or port method); otherwise it is found below the registry's own address.",
)
REPOSITORY = Option(
    "repository",
    "Repository key",
    "The Docker repository behind this host, such as docker-prod, where its name is not the first part of an image's"
    " path: with the subdomain and port methods.",
)
ACCESS_TOKEN = Option(
    "access_token",
    "Access token",
    "Asks the REST API with this token in place of the user name and password. Create it under Administration > User"
    " Management > Access Tokens, scoped to a group that may only read.",
    secret=True,
)
_TOKEN = re.compile(r"[!-~]{1,16384}")


def connect(
    endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
) -> ArtifactoryApi:
    """An Artifactory's API; raises InvalidEndpointError for options that cannot work."""
    given = options.get(API_URL.name, "")
    layout = Layout.of(endpoint, parse_base_url(given) if given else None, options.get(REPOSITORY.name, ""))
    token = options.get(ACCESS_TOKEN.name, "")
    if token and not _TOKEN.fullmatch(token):
        raise InvalidEndpointError(f"registry {endpoint.host}: the access token has characters that no token has")
    authorization = f"Bearer {token}" if token else endpoint.basic_authorization
    trust = TlsTrust.of(endpoint)
    artifactory, platform = (
        RestApi(base, session, trust=trust, authorization=authorization, timing=timing)
        for base in (layout.api, layout.platform)
    )
    return ArtifactoryApi(artifactory, platform, layout)


ARTIFACTORY = RegistryType(
    key="artifactory",
    label="Artifactory",
    summary="Tells who pushed an image, its build, its properties, what a cache copied and what the trash can holds.",
    connect=connect,
    features=frozenset(Feature) - {Feature.TAG_POLICY},
    scanner=XrayApi.name,
    hosts=("*.jfrog.io",),
    options=(API_URL, REPOSITORY, ACCESS_TOKEN),
    expected_digest_label="Artifactory Digest (Expected)",
)
"""No tag policy: whether a tag can be overwritten is no setting of a repository, but a right (Delete/Overwrite) that
each account has or has not (JFrog's reference, "Permission Details")."""
