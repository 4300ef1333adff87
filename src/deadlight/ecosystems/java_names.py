"""How a Java archive says which Maven artifact it is: pom.properties, its manifest, its file name."""

import re
from collections.abc import Mapping

import msgspec

from deadlight.ecosystems.ecosystem import is_plausible_version

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")
"""A groupId or artifactId."""

_MAX_VALUE = 512
_ATTRIBUTES = ("Implementation-Vendor-Id", "Implementation-Version", "Bundle-SymbolicName", "Bundle-Version")

_QUALIFIER = r"(?:alpha|beta|m|cr|rc|ga|final|release|sp|snapshot|jre|jdk|android|incubating)"
_VERSIONED = re.compile(rf"(.+?)-([0-9][\w.+]*(?:-(?:[0-9]|{_QUALIFIER})[\w.+]*)*)", re.IGNORECASE | re.ASCII)
"""`log4j-1.2-api-2.19.0`, `guava-31.1-jre`, `app-1.0-20240102.030405-1`: a version goes on with what versions have."""


class Coordinates(msgspec.Struct, frozen=True, array_like=True):
    """Group, artifact and version; what is not known is empty."""

    group: str
    artifact: str
    version: str


def parse_properties(content: bytes) -> list[Coordinates]:
    """The artifact of a pom.properties; nothing where it is incomplete, as a template not filled in is."""
    lines = content.decode("utf-8", "replace").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    group, artifact, version = (fields.get(key, "") for key in ("groupId", "artifactId", "version"))
    complete = _PART.fullmatch(group) and _PART.fullmatch(artifact) and _is_version(version)
    return [Coordinates(group, artifact, version)] if complete else []


def is_named(artifact: Coordinates) -> bool:
    """Whether artifact and version are there and can be ones. An application's own archive has often no version."""
    return bool(_PART.fullmatch(artifact.artifact)) and is_plausible_version(artifact.version)


def _is_version(text: str) -> bool:
    return is_plausible_version(text) and "${" not in text


def parse_manifest(content: bytes) -> dict[str, str]:
    """The attributes of interest from a manifest's main section, which ends at the first empty line.

    A line that begins with a space goes on with the value before it (JAR File Specification, "Line length").
    """
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    section = text.partition("\n\n")[0].replace("\n ", "")
    fields = (line.partition(":") for line in section.split("\n"))
    return {key: value.strip()[:_MAX_VALUE] for key, _, value in fields if key in _ATTRIBUTES}


def name_archive(path: str, manifest: Mapping[str, str]) -> Coordinates:
    """Who an archive without pom.properties is, by its manifest, then its file name.

    The group is only told where the manifest names it or a bundle that Maven's plugin named after group and artifact.
    """
    stem = path.rpartition("/")[2].rpartition(".")[0][-256:]
    implementation, bundled = manifest.get("Implementation-Version", ""), manifest.get("Bundle-Version", "")
    artifact, version = _split(stem, implementation)
    # A bundle's version has the form OSGi asks for, 31.1.0.jre for 31.1-jre: it counts only where nothing else does.
    version = next((text for text in (implementation, version, bundled) if _is_version(text)), "")
    if not (version and _PART.fullmatch(artifact)):
        return Coordinates("", "", "")
    vendor = manifest.get("Implementation-Vendor-Id", "")
    bundle = manifest.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    group = vendor if _PART.fullmatch(vendor) else _group_of_bundle(bundle, artifact)
    return Coordinates(group, artifact, version)


def _split(stem: str, stated: str) -> tuple[str, str]:
    """The artifact and the version in a file's name; the version is empty where the name has none."""
    if stated and stem.endswith(f"-{stated}"):
        return stem.removesuffix(f"-{stated}"), stated
    match = _VERSIONED.fullmatch(stem)
    return (match[1], match[2]) if match else (stem, "")


def _group_of_bundle(bundle: str, artifact: str) -> str:
    """The group from which, with this artifact, the Maven bundle plugin makes this symbolic name; empty if none."""
    parts = bundle.split(".")[:20]
    groups = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((group for group in groups if _PART.fullmatch(group) and _symbolic_name(group, artifact) == bundle), "")


def _symbolic_name(group: str, artifact: str) -> str:
    """How Apache Felix's maven-bundle-plugin names a bundle ("Default Behavior" in its documentation)."""
    last = group.rpartition(".")[2]
    if artifact == last:
        return group
    rest = artifact.removeprefix(last).lstrip(".-") if artifact.startswith((f"{last}.", f"{last}-")) else artifact
    return f"{group}.{rest}"
