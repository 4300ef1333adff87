"""Bodies of the endpoint that matches packages of images nobody has stored."""

from pydantic import BaseModel, Field

from deadlight.model.vulnerability import Severity, VulnerableImport
from deadlight.server.advisories.exploitation import Urgency
from deadlight.server.db.zero_bytes import PlainText

MAX_PACKAGES = 20_000
"""Of one question; a large image has 5,000."""


class PackageIn(BaseModel):
    """A package as cataloguers name it. `source_name` and `source_version` default to its own."""

    ecosystem: PlainText = Field(max_length=256, description="OSV's name with its release: Debian:12, PyPI")
    name: PlainText = Field(min_length=1, max_length=512)
    version: PlainText = Field(max_length=512)
    purl: PlainText = Field(default="", max_length=4096)
    source_name: PlainText = Field(default="", max_length=512)
    source_version: PlainText = Field(default="", max_length=512)


class MatchIn(BaseModel):
    """Packages to match."""

    packages: list[PackageIn] = Field(max_length=MAX_PACKAGES)


class MatchedVulnerability(Urgency):
    """A vulnerability that one of the packages has."""

    vulnerability: str
    aliases: list[str]
    severity: Severity
    cvss_score: float | None
    cvss_vector: str
    summary: str
    malicious: bool


class PackageMatch(BaseModel):
    """That a package has a vulnerability."""

    package: int
    """Its place in the question, from 0."""
    vulnerability: str
    fix_version: str
    advisories: list[str]
    imports: dict[str, list[VulnerableImport]]
    """By advisory of Go's vulnerability database: the packages and functions of the module that hold the flaw."""


class MatchOut(BaseModel):
    """What is known of the packages. Each vulnerability is described once, whatever number of packages has it."""

    vulnerabilities: list[MatchedVulnerability]
    matches: list[PackageMatch]
    unknown_ecosystems: list[str]
    """Of the packages: those that no advisory is about, so that nothing can be said of them."""
