"""What lists are narrowed by, in the vocabulary of the public Runtime API."""

from collections.abc import Sequence
from dataclasses import dataclass

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.live_list import TimePeriod
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity


@dataclass(frozen=True, slots=True)
class Component:
    """A package by name, and version where one is given."""

    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> "Component":
        """Read `name:version` or a name alone; a name may have colons of its own before the last."""
        name, colon, version = text.rpartition(":")
        return cls(name, version) if colon and name else cls(text)


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Every condition that is given has to hold; of several values one.

    Conditions on where an image runs (clusters, namespaces, workloads, nodes, processes, detections) have to hold
    together in one workload, conditions on packages in one package.
    """

    search: str = ""
    period: TimePeriod = TimePeriod.NOW
    name: str = ""
    """Registry and repository, exactly: the tags of one image."""
    clusters: Sequence[str] = ()
    """Names or ids."""
    namespaces: Sequence[str] = ()
    workloads: Sequence[str] = ()
    workload_types: Sequence[str] = ()
    nodes: Sequence[str] = ()
    detections: Sequence[Severity] = ()
    """With an open detection of one of these severities."""
    processes: Sequence[str] = ()
    """Commands that sensors saw executed."""
    paths: Sequence[str] = ()
    """Files that sensors saw executed."""
    hashes: Sequence[str] = ()
    """SHA-256 of files that sensors saw executed."""
    images: Sequence[str] = ()
    """Repositories, or their last parts."""
    repositories: Sequence[str] = ()
    """Registries, or registries with the beginning of a repository."""
    tags: Sequence[str] = ()
    digests: Sequence[str] = ()
    architectures: Sequence[str] = ()
    integrity_statuses: Sequence[IntegrityStatus] = ()
    violations: Sequence[ViolationType] = ()
    risks: Sequence[Risk] = ()
    severities: Sequence[Severity] = ()
    cves: Sequence[str] = ()
    applicabilities: Sequence[Applicability] = ()
    packages: Sequence[str] = ()
    package_versions: Sequence[str] = ()
    components: Sequence[Component] = ()

    @property
    def is_about_images(self) -> bool:
        """Whether anything is asked of the image itself rather than of where it runs."""
        asked = (self.search, self.cves, self.risks, self.severities, self.applicabilities, self.components)
        return any(asked)
