"""What npm's and yarn's lock files name: packages with the version that was chosen."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

import msgspec

from deadlight.ecosystems.json_document import parse_json

Locked = tuple[str, str]
"""Name and version, both as the file has them."""

_ALIAS = "npm:"
_YARN_ENTRY = re.compile(r'^"?((?:@[^@/\s",]+/)?[^@/\s",]+)@(?:[^\n]*):[ ]*$', re.MULTILINE)
_YARN_FIELD = re.compile(r'^ {2}(version|resolution|resolved):? "?([^"\s]+)"?', re.MULTILINE)
_YARN_RESOLUTION = re.compile(r"((?:@[^@/]+/)?[^@/]+)@npm:")
_YARN_DOWNLOAD = re.compile(r"/((?:@[^/]+/)?[^/]+)/-/")


class _LockedPackage(msgspec.Struct):
    version: str = ""
    name: str = ""
    """Only where it differs from the folder's, as for an alias."""
    dev: bool = False
    link: bool = False


class _NpmLock(msgspec.Struct):
    packages: dict[str, _LockedPackage] = {}
    """By folder, since npm 7; the application itself is the empty one."""
    dependencies: "dict[str, _OldLockedPackage]" = {}
    """By name and nested, up to npm 6 and for its sake afterwards."""


class _OldLockedPackage(msgspec.Struct):
    version: str = ""
    dev: bool = False
    dependencies: "dict[str, _OldLockedPackage]" = {}


def parse_npm_lock(content: bytes) -> Iterator[Locked]:
    """The packages of a package-lock.json or npm-shrinkwrap.json that are not for development only.

    Raises:
        UnreadableDocumentError: not JSON of this shape.
    """
    lock = parse_json(content, _NpmLock)
    return _by_folder(lock.packages) if lock.packages else _by_name(lock.dependencies)


def _by_folder(packages: Mapping[str, _LockedPackage]) -> Iterator[Locked]:
    for folder, package in packages.items():
        _, inside, name = folder.rpartition("node_modules/")
        if inside and not package.dev and not package.link:
            yield package.name or name, package.version


def _by_name(dependencies: Mapping[str, _OldLockedPackage]) -> Iterator[Locked]:
    pending = [dependencies]
    while pending:
        for name, package in pending.pop().items():
            if package.dev:
                continue
            pending.append(package.dependencies)
            if package.version.startswith(_ALIAS):
                real_name, _, version = package.version.removeprefix(_ALIAS).rpartition("@")
                yield real_name, version
            else:
                yield name, package.version


def parse_yarn_lock(content: bytes) -> Iterator[Locked]:
    """The packages of a yarn.lock, of yarn 1 and later ones; which are for development only it does not say."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    heads = list(_YARN_ENTRY.finditer(text))
    for head, following in zip_longest(heads, heads[1:]):
        fields = dict(_YARN_FIELD.findall(text, head.end(), following.start() if following else len(text)))
        if "version" not in fields:
            continue
        if "resolution" in fields:
            match = _YARN_RESOLUTION.match(fields["resolution"])
        else:
            match = _YARN_DOWNLOAD.search(fields.get("resolved", "")) or head
        if match:
            yield match[1], fields["version"]


LOCK_PARSERS: Mapping[str, Callable[[bytes], Iterator[Locked]]] = {
    "package-lock.json": parse_npm_lock,
    "npm-shrinkwrap.json": parse_npm_lock,
    "yarn.lock": parse_yarn_lock,
}
"""By name of the lock file."""
