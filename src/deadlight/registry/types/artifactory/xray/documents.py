"""Documents of Xray's REST API, as JFrog's public reference and clients describe them; only the fields that are used.

Pages of the reference: "Artifact Scan Status" (its statuses as jfrog-client-go lists them), "Scan Now", "Artifact
Summary" (v2), "Get Artifact Dependency Graph", "Get Contextual Analysis per Vulnerability V2". Whether a package is
malicious is told by the field that Xray's violations have for it.
"""

from enum import StrEnum

import msgspec


class ScanStatus(StrEnum):
    """How a scan of one kind stands."""

    NOT_SUPPORTED = "NOT_SUPPORTED"
    NOT_SCANNED = "NOT_SCANNED"
    PENDING = "PENDING"
    SCANNING = "SCANNING"
    DONE = "DONE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"


class Standing(msgspec.Struct):
    """A status and since when."""

    status: str = ""
    time: str = ""


class _Details(msgspec.Struct):
    sca: Standing = msgspec.field(default_factory=Standing)
    contextual_analysis: Standing = msgspec.field(default_factory=Standing)


class ArtifactStatus(msgspec.Struct):
    """How the scans of an artifact stand."""

    overall: Standing = msgspec.field(default_factory=Standing)
    details: _Details = msgspec.field(default_factory=_Details)

    @property
    def packages(self) -> Standing:
        """Of the scan for packages, which is all where no details are given."""
        return self.details.sca if self.details.sca.status else self.overall


class Requested(msgspec.Struct):
    """An answer of which nothing is used but that it came."""


class Cve(msgspec.Struct):
    """A CVE with its ratings; one of several may have ratings alone. `cvss_v3` is `7.5/CVSS:3.1/AV:N/...`."""

    cve: str | None = None
    cvss_v3: str | None = None
    cvss_v2: str | None = None


class IssueComponent(msgspec.Struct):
    """A component that an issue concerns."""

    component_id: str = ""
    version: str = ""
    pkg_type: str = ""
    fixed_versions: list[str] | None = None


class IssueDocument(msgspec.Struct):
    """An issue of an artifact."""

    issue_id: str = ""
    issue_type: str = ""
    severity: str = ""
    summary: str | None = None
    cves: list[Cve] | None = None
    components: list[IssueComponent] | None = None
    malicious_package: bool = False


class General(msgspec.Struct):
    """What an artifact is."""

    component_id: str = ""
    sha256: str = ""


class SummarisedArtifact(msgspec.Struct):
    """An artifact with its issues."""

    general: General = msgspec.field(default_factory=General)
    issues: list[IssueDocument] | None = None


class SummaryError(msgspec.Struct):
    """Why there is no summary."""

    error: str = ""


class Summary(msgspec.Struct):
    """The answer about artifacts."""

    artifacts: list[SummarisedArtifact] | None = None
    errors: list[SummaryError] | None = None


class GraphNode(msgspec.Struct):
    """A component with those inside of it."""

    component_id: str = ""
    package_type: str = ""
    version: str = ""
    components: list["GraphNode"] | None = None


class Graph(msgspec.Struct):
    """What is inside of an artifact."""

    components: list[GraphNode] | None = None


class ApplicabilityDocument(msgspec.Struct):
    """Whether an issue is applicable, over all components of the artifact that it concerns."""

    result: str = ""
