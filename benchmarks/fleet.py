"""A fleet as large as people have, made up: who runs what, what is in it and what is wrong with it, as columns.

Everything follows from a seed, so that two runs measure the same. Popularity is skewed as in life: a few sidecars run
everywhere, most images run in one or two workloads, images share base layers and so their packages, and a few package
versions are in most images. `fleet_store` puts it into a PostgreSQL.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deadlight.model.vulnerability import Applicability, Stage
from deadlight.server.assessment.live_vectors import distinct
from deadlight.server.findings.risk import APPLICABILITY_BITS, RANK_SHIFT, STAGE_BITS, VALIDATED_MARK

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SEVERITY_SHARES = (0.05, 0.25, 0.45, 0.2, 0.05)
"""Of ranks 0 (Unknown) to 4 (Critical)."""

STATUSES = (
    Applicability.NOT_COVERED,
    Applicability.APPLICABLE,
    Applicability.NOT_APPLICABLE,
    Applicability.UNDETERMINED,
)
"""What contextual analysis says, by its number in `Findings.status`."""

BASES = 40
STACKS = 400
SIDECARS = 20
NAMESPACES = 60


@dataclass(frozen=True, slots=True)
class FleetSize:
    """How much of everything; the defaults are the fleet that every bar is stated for."""

    clusters: int = 200
    nodes: int = 2_000
    repositories: int = 4_000
    image_tags: int = 10_000
    workloads: int = 20_000
    pods: int = 48_000
    containers: int = 60_000
    gone_pods: int = 24_000
    """That ran within the last ten days."""
    packages_per_image: int = 300
    packages: int = 45_000
    vulnerabilities: int = 25_000
    files_seen_per_container: int = 12
    """By sensors, which half of the clusters have."""


@dataclass(frozen=True)
class Fleet:
    """Indices everywhere: a container names its pod, a pod its workload, and so on, all counted from 0."""

    size: FleetSize
    seed: int = 7

    def _random(self, what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, what])

    @cached_property
    def repository_of_tag(self) -> Ints:
        """Every repository has a tag; the others gather where there are many already."""
        size, random = self.size, self._random(1)
        first = np.arange(size.repositories)
        return np.sort(np.concatenate([first, skewed(random, size.repositories, size.image_tags - len(first))]))

    @cached_property
    def cluster_of_workload(self) -> Ints:
        """Spread evenly."""
        return np.arange(self.size.workloads) % self.size.clusters

    @cached_property
    def namespace_of_workload(self) -> Ints:
        """Namespaces have the same names in many clusters."""
        return skewed(self._random(2), NAMESPACES, self.size.workloads)

    @cached_property
    def workload_of_pod(self) -> Ints:
        """Every workload has a pod, some have many."""
        size, random = self.size, self._random(3)
        return np.concatenate([np.arange(size.workloads), skewed(random, size.workloads, size.pods - size.workloads)])

    @cached_property
    def node_of_pod(self) -> Ints:
        """A node of its cluster."""
        size = self.size
        per_cluster = size.nodes // size.clusters
        cluster = self.cluster_of_workload[self.workload_of_pod]
        return cluster * per_cluster + self._random(4).integers(0, per_cluster, size.pods)

    @cached_property
    def pod_of_container(self) -> Ints:
        """Every pod has a container of its workload's image; the others are sidecars."""
        size = self.size
        return np.concatenate([np.arange(size.pods), np.arange(size.containers - size.pods) * 3 % size.pods])

    @cached_property
    def tag_of_container(self) -> Ints:
        """Every image tag runs somewhere; the pods of a workload run the same."""
        size, random = self.size, self._random(5)
        others = skewed(random, size.image_tags, size.workloads - size.image_tags)
        of_workload = random.permutation(np.concatenate([np.arange(size.image_tags), others]))
        sidecars = random.integers(0, SIDECARS, size.containers - size.pods) * (size.image_tags // SIDECARS)
        return np.concatenate([of_workload[self.workload_of_pod], sidecars])

    @cached_property
    def packages_of_image(self) -> tuple[Ints, Ints]:
        """Pairs of image and package, ordered: a base's, a stack's and its own."""
        size, random = self.size, self._random(6)
        part = size.packages_per_image // 5
        bases = random.integers(0, BASES * part, (BASES, 2 * part))
        stacks = size.packages // 10 + skewed(random, size.packages * 4 // 10, STACKS * 2 * part).reshape(STACKS, -1)
        own = size.packages // 2 + skewed(random, size.packages // 2, size.image_tags * part).reshape(-1, part)
        of_base, of_stack = skewed(random, BASES, size.image_tags), skewed(random, STACKS, size.image_tags)
        packages = np.concatenate([bases[of_base] % (size.packages // 10), stacks[of_stack], own], axis=1)
        return distinct_pairs(np.repeat(np.arange(size.image_tags), packages.shape[1]), packages.ravel())

    @cached_property
    def severity_of_vulnerability(self) -> Ints:
        """Ranks."""
        return self._random(7).choice(5, self.size.vulnerabilities, p=SEVERITY_SHARES)

    @cached_property
    def matches(self) -> tuple[Ints, Ints]:
        """Pairs of package and vulnerability, ordered by package."""
        size, random = self.size, self._random(8)
        vulnerabilities = np.concatenate([np.arange(size.vulnerabilities)] * 3)
        return distinct_pairs(random.integers(0, size.packages, len(vulnerabilities)), vulnerabilities)

    @cached_property
    def fixable(self) -> Flags:
        """Matches that a newer version ends: two thirds."""
        return self._random(9).random(len(self.matches[0])) < 0.67

    @cached_property
    def malicious_packages(self) -> Ints:
        """Three of those that only single images have."""
        return self.size.packages - 1 - np.arange(3)

    @cached_property
    def used(self) -> Flags:
        """Pairs of image and package whose package a sensor saw in use: one of ten, in half of the images."""
        images, packages = self.packages_of_image
        used: Flags = (images % 2 == 0) & ((images * 31 + packages * 17) % 10 == 0)
        return used

    @cached_property
    def findings(self) -> "Findings":
        """What the packages of images bring."""
        return self.find(self.matches, self.fixable)

    def find(self, matches: tuple[Ints, Ints], fixable: Flags) -> "Findings":
        """What the packages of images bring by other matches than its own."""
        images, packages = self.packages_of_image
        of_package, vulnerabilities = matches
        starts = np.searchsorted(of_package, packages, "left")
        counts = np.searchsorted(of_package, packages, "right") - starts
        pair = np.repeat(np.arange(len(images)), counts)
        match = np.repeat(starts - np.concatenate([[0], counts.cumsum()[:-1]]), counts) + np.arange(len(pair))
        found = vulnerabilities[match]
        status = np.where(found % 12 != 0, 0, 1 + (found // 12 + images[pair] // 7) % 3)
        return Findings(images[pair], packages[pair], found, status, fixable[match], self.used[pair])

    @cached_property
    def violated(self) -> Flags:
        """Image tags with a violation."""
        return self._random(10).random(self.size.image_tags) < 0.03

    @cached_property
    def untrusted(self) -> Flags:
        """Image tags of a registry that nobody added: those of every 25th repository."""
        untrusted: Flags = (self.repository_of_tag % 25 == 0) & ~self.violated
        return untrusted


@dataclass(frozen=True, slots=True)
class Findings:
    """Vulnerabilities of packages of images, as columns of one length."""

    images: Ints
    packages: Ints
    vulnerabilities: Ints
    status: Ints
    """What contextual analysis says: places in `STATUSES`."""
    fixable: Flags
    validated: Flags

    def stages(self, severity: Ints) -> Ints:
        """How far each gets in the funnel."""
        conditions = (severity[self.vulnerabilities] >= 3, self.status == 1, self.fixable, self.validated)
        stage = np.full(len(self.images), int(Stage.ALL), np.int64)
        still = np.ones(len(self.images), dtype=bool)
        for condition in conditions:
            still = still & condition
            stage += still
        return stage


@dataclass(frozen=True, slots=True)
class Risks:
    """One entry for each image."""

    packed: list[bytes]
    marks: list[bytes]
    by_severity: Ints
    """Shape (images, 5): distinct vulnerabilities by rank."""
    critical_applicable: Ints
    validated: Ints
    malicious: Ints
    applicabilities: Ints


def summarise_all(fleet: Fleet, findings: Findings, severity: Ints) -> Risks:
    """What `findings.risk` says of every image, for the whole fleet at once, by the rank of each vulnerability."""
    images = fleet.size.image_tags
    packed = findings.images << 40 | (findings.vulnerabilities + 1) << STAGE_BITS | findings.stages(severity)
    order = np.argsort(packed, kind="stable")
    packed = packed[order]
    last = np.append(packed[1:] >> STAGE_BITS != packed[:-1] >> STAGE_BITS, values=True)
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    marks = np.bitwise_or.reduceat(_marks(findings, severity)[order], starts).astype("<u2")
    packed = packed[last]
    image = packed >> 40
    rank = severity[(packed >> STAGE_BITS & (1 << 37) - 1) - 1]
    cuts = np.searchsorted(image, np.arange(images + 1))
    values = (packed & (1 << 40) - 1).astype("<u4")
    critical = (severity[findings.vulnerabilities] == 4) & (findings.status == 1)
    image_of, package_of = fleet.packages_of_image
    return Risks(
        [values[start:end].tobytes() for start, end in pairwise(cuts)],
        [marks[start:end].tobytes() for start, end in pairwise(cuts)],
        np.bincount(image * 5 + rank, minlength=images * 5).reshape(images, 5),
        _count_vulnerabilities(findings, critical, images),
        _count_vulnerabilities(findings, findings.validated, images),
        np.bincount(image_of[np.isin(package_of, fleet.malicious_packages)], minlength=images),
        _combine(findings, images),
    )


def _marks(findings: Findings, severity: Ints) -> Ints:
    """Of each finding, as `findings.risk.mark_of`; none of these vulnerabilities is a malicious package."""
    bits = np.array([APPLICABILITY_BITS[applicability] for applicability in STATUSES])
    marks: Ints = bits[findings.status] | severity[findings.vulnerabilities] << RANK_SHIFT
    return marks | VALIDATED_MARK * findings.validated


def _combine(findings: Findings, images: int) -> Ints:
    """Bits of what was found of the vulnerabilities of each image."""
    found = np.zeros(images, np.int64)
    for status, applicability in enumerate(STATUSES):
        found[findings.images[findings.status == status]] |= APPLICABILITY_BITS[applicability]
    return found


def _count_vulnerabilities(findings: Findings, which: Flags, images: int) -> Ints:
    of_image, _ = distinct_pairs(findings.images[which], findings.vulnerabilities[which])
    return np.bincount(of_image, minlength=images)


def distinct_pairs(first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """The pairs without repetition, in order."""
    both = distinct(first << 32 | second)
    return both >> 32, both & (1 << 32) - 1


def skewed(random: np.random.Generator, below: int, count: int) -> Ints:
    """Numbers from 0 to `below`, the small ones much more often: the first tenth has half of them."""
    numbers: Ints = (below * random.random(count) ** 3.3).astype(np.int64)
    return numbers
