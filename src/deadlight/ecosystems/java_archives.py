"""Java archives (jar, war, ear) and the archives inside them: which Maven artifacts they hold.

An artifact says who it is in META-INF/maven/**/pom.properties; an archive into which others were merged has several.
One without says it in its manifest and its file name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Document,
    Excerpt,
    UnreadableFileError,
    each_by_itself,
)
from deadlight.ecosystems.java_names import Coordinates, is_named, name_archive, parse_manifest, parse_properties
from deadlight.ecosystems.json_document import UnreadableDocumentError, parse_json
from deadlight.ecosystems.language_package import catalogue_inside, language_package
from deadlight.ecosystems.zip_directory import ZipDirectory, ZippedFile, open_zip

_ARCHIVES = (".jar", ".war", ".ear")
_MANIFEST = "META-INF/MANIFEST.MF"
_PROPERTIES = "/pom.properties"
_MAX_DEPTH = 3
"""Archives inside of the one in the image: an ear's wars have jars, which may have jars to unpack at run time."""
_MAX_TEXT_BYTES = 64 * 1024
"""Read of a manifest or pom.properties. A signed jar's manifest goes on for megabytes, with what is of no interest."""
_MAX_NAMED = 5_000
"""Archives and artifacts in one file."""
_MAX_PROBLEMS = 20
_MAX_NESTED_BYTES = 64 * 1024 * 1024
"""An archive in the image's one; half of that for one in that, and so on, for all of them are in memory together."""
_FREE_BYTES = 256 * 1024
_MAX_EXPANSION = 8
"""What may be unpacked from one file: 256 KiB, and eight times its size. Archives in archives hardly shrink."""


class _Archive(msgspec.Struct, frozen=True):
    path: str
    """Inside of the file; empty for the file itself."""
    artifacts: list[Coordinates]
    manifest: dict[str, str]


class _Found(msgspec.Struct, frozen=True):
    archives: list[_Archive]
    problems: list[str]


@dataclass(slots=True)
class _Search:
    """What was found so far in one file, and how much more may be unpacked of it."""

    bytes_left: int
    names_left: int = _MAX_NAMED
    archives: list[_Archive] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def look_into(self, content: memoryview, path: str, depth: int) -> None:
        """Read one archive and those inside of it; what is wrong with those inside is kept as a problem.

        Raises:
            UnreadableFileError: this archive is damaged, or unpacks to more than is allowed.
        """
        directory = open_zip(content)
        artifacts: list[Coordinates] = []
        manifest: dict[str, str] = {}
        nested: list[ZippedFile] = []
        for file in directory:
            if file.name == _MANIFEST:
                manifest = parse_manifest(bytes(self._read(directory, file, _MAX_TEXT_BYTES)))
            elif file.name.startswith("META-INF/maven/") and file.name.endswith(_PROPERTIES):
                self._spend_name()
                artifacts += parse_properties(bytes(self._read(directory, file, _MAX_TEXT_BYTES)))
            elif file.name.lower().endswith(_ARCHIVES):
                nested.append(file)
        self._spend_name()
        self.archives.append(_Archive(path, artifacts, manifest))
        for file in nested:
            self._look_into_nested(directory, file, f"{path}!/{file.name[-512:]}", depth + 1)

    def _look_into_nested(self, directory: ZipDirectory, file: ZippedFile, path: str, depth: int) -> None:
        try:
            self.look_into(self._read_nested(directory, file, depth), path, depth)
        except UnreadableFileError as error:
            if len(self.problems) < _MAX_PROBLEMS:
                self.problems.append(f"{path} {error}")

    def _read_nested(self, directory: ZipDirectory, file: ZippedFile, depth: int) -> memoryview:
        if depth > _MAX_DEPTH:
            raise UnreadableFileError(f"lies more than {_MAX_DEPTH} archives deep")
        limit = _MAX_NESTED_BYTES >> (depth - 1)
        content = self._read(directory, file, limit + 1)
        if len(content) > limit:
            raise UnreadableFileError(f"has more than the {limit} bytes read of an archive in another")
        return content

    def _read(self, directory: ZipDirectory, file: ZippedFile, limit: int) -> memoryview:
        if self.bytes_left <= 0:
            raise UnreadableFileError("unpacks to far more than its size: a zip bomb")
        content = directory.read(file, min(limit, self.bytes_left))
        self.bytes_left -= len(content)
        return content

    def _spend_name(self) -> None:
        self.names_left -= 1
        if self.names_left < 0:
            raise UnreadableFileError(f"holds more than {_MAX_NAMED} archives and artifacts")


def _take(content: memoryview) -> bytes | None:
    """The names that an archive and those inside of it bear, as JSON."""
    search = _Search(bytes_left=_FREE_BYTES + _MAX_EXPANSION * len(content))
    search.look_into(content, "", 0)
    return msgspec.json.encode(_Found(search.archives, search.problems))


def _wants(path: str) -> bool:
    return path.lower().endswith(_ARCHIVES)


def _catalogue_file(location: str, document: Document) -> Catalogue:
    try:
        found = parse_json(document.content, _Found)
    except UnreadableDocumentError as error:
        return Catalogue.unread(location, document, error)
    names = dict.fromkeys(name for archive in found.archives for name in _iter_names(archive, location))
    packages = [language_package("Maven", "maven", *name) for name in names]
    return catalogue_inside(location, document, packages, map(str.strip, found.problems))


def _iter_names(archive: _Archive, location: str) -> Iterator[tuple[str, str]]:
    """Name and version of the artifacts in an archive; what has none of its own is no package."""
    path = archive.path or location
    for artifact in archive.artifacts or [name_archive(path, archive.manifest)]:
        if is_named(artifact):
            yield f"{artifact.group}:{artifact.artifact}" if artifact.group else artifact.artifact, artifact.version


JAVA = Cataloguer(
    name="java",
    version=1,
    wants=_wants,
    catalogue=each_by_itself(_catalogue_file),
    operating_system=False,
    excerpt=Excerpt(take=_take),
)
