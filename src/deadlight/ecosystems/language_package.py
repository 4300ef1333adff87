"""Packages of languages: advisories name them as they are installed."""

from collections.abc import Iterable

from deadlight.ecosystems.ecosystem import Catalogue, Document
from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import InstalledPackage, Package


def language_package(ecosystem: str, purl_type: str, name: str, version: str) -> Package:
    """A package by its normalised name."""
    purl = language_purl(purl_type, name, version)
    return Package(ecosystem, name, version, purl, source_name=name, source_version=version)


def catalogue_inside(
    location: str, document: Document, packages: Iterable[Package], problems: Iterable[str] = ()
) -> Catalogue:
    """The packages linked or packed into a file, which is what proves each of them and the one file each has."""
    layer = document.layer_digest
    return Catalogue(
        tuple(InstalledPackage(package, location, layer, (f"/{location}",)) for package in packages),
        tuple(f"{location} in layer {layer}: {problem}" for problem in problems),
    )
