"""Installed gems: the specifications RubyGems writes, `specifications/NAME-VERSION.gemspec`."""

import posixpath
import re
from collections.abc import Iterator, Mapping

from deadlight.ecosystems.ecosystem import Catalogue, Cataloguer, Distribution, Document, is_plausible_version
from deadlight.ecosystems.json_document import problem
from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import InstalledPackage, Package

_SPECIFICATION = re.compile(
    r"(?P<root>(?:.*/)?)specifications/(?P<default>default/)?(?P<full_name>[^/]+)\.gemspec", re.DOTALL
)
_EXTENSION = re.compile(r"(?P<root>(?:.*/)?)extensions/[^/]+/[^/]+/(?P<full_name>[^/]+)/gem\.build_complete", re.DOTALL)
_LIBRARIES = re.compile(r"(?P<lib>.*/)gems/(?P<abi>[^/]+/)", re.DOTALL)

_STUB = re.compile(r"^# stub: (\S+) (\S+) ", re.MULTILINE)
_NAME_FIELD = re.compile(r"^[ \t]*\w+\.name[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_VERSION_FIELD = re.compile(
    r"^[ \t]*\w+\.version[ \t]*=[ \t]*(?:Gem::Version\.new[ \t]*\(?[ \t]*)?[\"']([^\"'\n]+)[\"']", re.MULTILINE
)
_FILES = re.compile(r"^[ \t]*\w+\.files[ \t]*=[ \t]*\[([^\[\]]*)\]", re.MULTILINE)
_LIBRARY_FILE = re.compile(r"\"lib/([^\"\n]+)\"")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,256}")


def _wants(path: str) -> bool:
    if path.endswith(".gemspec"):
        return _SPECIFICATION.fullmatch(path) is not None
    return path.endswith("/gem.build_complete") and _EXTENSION.fullmatch(path) is not None


def _catalogue(documents: Mapping[str, Document], _distribution: Distribution) -> Catalogue:
    extensions = {
        (match["root"], match["full_name"]): posixpath.dirname(path)
        for path in documents
        if (match := _EXTENSION.fullmatch(path))
    }
    return Catalogue.merge(
        _catalogue_specification(match, document, extensions)
        for path, document in documents.items()
        if (match := _SPECIFICATION.fullmatch(path))
    )


def _catalogue_specification(
    place: re.Match[str], document: Document, extensions: Mapping[tuple[str, str], str]
) -> Catalogue:
    text = document.content.decode("utf-8", "replace")
    name, version = _name_and_version(text)
    if not (is_plausible_version(version) and _NAME.fullmatch(name)):
        return problem(place[0], document, "no valid name and version, not catalogued")
    package = Package(
        "RubyGems", name, version, language_purl("gem", name, version), source_name=name, source_version=version
    )
    files = _library_files(place[0], text) if place["default"] else _folders(place, extensions)
    return Catalogue((InstalledPackage(package, place[0], document.layer_digest, tuple(files)),))


def _name_and_version(text: str) -> tuple[str, str]:
    """From the line RubyGems itself reads first, or from the assignments; the Ruby around them is never run."""
    if stub := _STUB.search(text):
        return stub[1], stub[2]
    name, version = _NAME_FIELD.search(text), _VERSION_FIELD.search(text)
    return name[1] if name else "", version[1] if version else ""


def _folders(place: re.Match[str], extensions: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Where a gem was unpacked, and where its compiled parts were put; the root is that of `gem env`."""
    root, full_name = place["root"], place["full_name"]
    yield f"/{root}gems/{full_name}/"
    if (root, full_name) in extensions:
        yield f"/{extensions[root, full_name]}/"


def _library_files(location: str, text: str) -> Iterator[str]:
    """Gems that come with Ruby are part of its library: lib/ruby/gems/3.3.0/specifications of lib/ruby/3.3.0."""
    libraries, listed = _LIBRARIES.match(location), _FILES.search(text)
    if libraries and listed:
        for path in _LIBRARY_FILE.findall(listed[1]):
            yield f"/{libraries['lib']}{libraries['abi']}{path}"


GEMS = Cataloguer(name="gem", version=1, wants=_wants, catalogue=_catalogue, operating_system=False)
