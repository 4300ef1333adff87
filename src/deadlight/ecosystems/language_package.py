"""Packages of languages: advisories name them as they are installed."""

from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import Package


def language_package(ecosystem: str, purl_type: str, name: str, version: str) -> Package:
    """A package by its normalised name."""
    purl = language_purl(purl_type, name, version)
    return Package(ecosystem, name, version, purl, source_name=name, source_version=version)
