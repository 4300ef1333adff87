"""Documents of Artifactory's REST API, as JFrog's public reference describes them; only the fields that are used.

Names of its pages: "Get File Info", "Artifactory Query Language", "Get Repository Configuration", "Build Info",
"Version and Add-ons Information", and "Get Version" of Xray.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from deadlight.registry import foreign
from deadlight.registry.times import parse_time
from deadlight.registry.types.registry_type import BuildRecord

MAX_PROPERTIES = 64


class Version(msgspec.Struct):
    """Of Artifactory."""

    version: str


class Checksums(msgspec.Struct):
    """Of a file, in hexadecimal."""

    sha256: str = ""


class FileInfo(msgspec.Struct, rename="camel"):
    """A file as the storage API shows it; `repo` is the repository that has it, also when a virtual one was asked."""

    repo: str
    path: str
    created: str = ""
    created_by: str = ""
    last_modified: str = ""
    modified_by: str = ""
    checksums: Checksums = msgspec.field(default_factory=Checksums)


class FileProperties(msgspec.Struct):
    """The properties of a file."""

    properties: dict[str, list[str]] = {}


class FoundProperty(msgspec.Struct):
    """A property as AQL shows it."""

    key: str
    value: str = ""


class FoundItem(msgspec.Struct):
    """A file as AQL shows it."""

    repo: str
    path: str
    name: str
    created: str = ""
    created_by: str = ""
    modified: str = ""
    modified_by: str = ""
    properties: list[FoundProperty] = []


class FoundItems(msgspec.Struct):
    """What an AQL query found."""

    results: list[FoundItem]


class RepositoryConfiguration(msgspec.Struct):
    """A repository's settings; accounts without administration rights get a part of them."""

    url: str = ""
    """Of what a remote one caches."""
    kind: str = msgspec.field(name="rclass", default="")
    indexed: bool | None = msgspec.field(name="xrayIndex", default=None)
    """Whether Xray indexes it."""


class _Vcs(msgspec.Struct):
    url: str | None = None
    revision: str | None = None
    branch: str | None = None
    message: str | None = None


class _BuildInfo(msgspec.Struct, rename="camel"):
    name: str
    number: str = ""
    started: str = ""
    url: str | None = None
    principal: str | None = None
    artifactory_principal: str | None = None
    vcs: list[_Vcs] | None = None
    vcs_url: str | None = None
    vcs_revision: str | None = None


class BuildDocument(msgspec.Struct, rename="camel"):
    """The answer about a build."""

    build_info: _BuildInfo

    def record(self) -> BuildRecord:
        """The build as a value. Who started it comes before the account that it published with."""
        info = self.build_info
        vcs = next(iter(info.vcs or ()), _Vcs(info.vcs_url, info.vcs_revision))
        return BuildRecord(
            name=foreign.name(info.name),
            number=foreign.name(info.number),
            owner=foreign.name(info.principal) or foreign.name(info.artifactory_principal),
            url=foreign.web_link(info.url),
            vcs_url=foreign.vcs_address(vcs.url),
            vcs_revision=foreign.name(vcs.revision),
            vcs_branch=foreign.name(vcs.branch),
            vcs_message=foreign.prose(vcs.message),
            started_at=parse_time(info.started),
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A manifest's file, whichever question found it."""

    repo: str
    folder: str
    name: str
    pushed_by: str
    pushed_at: datetime | None
    properties: Mapping[str, str]


def item_of(found: FoundItem) -> Item:
    """An item that AQL found."""
    who, when = _last_push(found.created_by, found.created, found.modified_by, found.modified)
    properties = {p.key: [p.value] for p in reversed(found.properties)}
    return Item(found.repo, found.path, found.name, who, when, _clean(properties))


def item_of_file(file: FileInfo, properties: FileProperties | None) -> Item:
    """An item that the storage API showed."""
    folder, _, name = file.path.strip("/").rpartition("/")
    who, when = _last_push(file.created_by, file.created, file.modified_by, file.last_modified)
    return Item(file.repo, folder, name, who, when, _clean(properties.properties if properties else {}))


_NEVER = datetime.min.replace(tzinfo=UTC)


def _last_push(created_by: str, created: str, modified_by: str, modified: str) -> tuple[str, datetime | None]:
    """Who put the content there, and when.

    A file that is overwritten keeps its creator and gets a modifier; one that is copied is created later than its
    content was modified. Either way the later of the two is when this path got this content.
    """
    created_at, modified_at = parse_time(created), parse_time(modified)
    if modified_by and (modified_at or _NEVER) > (created_at or _NEVER):
        return foreign.name(modified_by), modified_at
    return foreign.name(created_by), created_at


def _clean(properties: Mapping[str, list[str]]) -> dict[str, str]:
    """The first value of each property, at most `MAX_PROPERTIES` of them in order of their names."""
    names = sorted(properties)[:MAX_PROPERTIES]
    return {foreign.name(key): foreign.prose(next(iter(properties[key]), "")) for key in names}
