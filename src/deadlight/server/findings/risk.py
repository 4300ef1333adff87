"""How far each vulnerability of an image gets in the funnel, packed for the index that answers people's questions.

The truth stays normalised in its tables; this is what can be computed from them, and is computed again whenever one of
them changes: for all vulnerabilities of an image, or for those alone that a change concerns. Each image has one packed
set of `vulnerability id << 3 | stage`, and beside it what its counts are made of (docs/adr/0007-risk-index.md). Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deadlight.model.vulnerability import Applicability, Severity, Stage, furthest_stage

Ids = NDArray[np.uint32]

STAGE_BITS = 3

RISK_STATE = "3"
"""Another one with everything more that is said of an image."""

APPLICABILITY_BITS = {
    Applicability.APPLICABLE: 1,
    Applicability.NOT_APPLICABLE: 2,
    Applicability.UNDETERMINED: 4,
    Applicability.NOT_COVERED: 8,
    Applicability.RESCAN_REQUIRED: 16,
    Applicability.UPGRADE_REQUIRED: 32,
    Applicability.NOT_SCANNED: 64,
}
"""As `image_risk.applicabilities` has them, and the lowest seven bits of a mark."""

APPLICABILITY_MASK = 0x7F
RANK_SHIFT = 7
RANK_MASK = 7 << RANK_SHIFT
VALIDATED_MARK = 1 << 10
MALICIOUS_MARK = 1 << 11
"""A mark is what one vulnerability adds to an image's counts: applicabilities, the severity's rank and these two."""

CRITICAL_APPLICABLE = Severity.CRITICAL.rank << RANK_SHIFT | APPLICABILITY_BITS[Applicability.APPLICABLE]


class Finding(NamedTuple):
    """A vulnerability of a package on an image. There are millions: a tuple is made in a third of the time."""

    image_id: int
    package_id: int
    vulnerability_id: int
    severity: Severity
    malicious: bool
    fixable: bool
    applicability: Applicability
    validated: bool

    @property
    def stage(self) -> Stage:
        """How far it gets in the funnel."""
        return furthest_stage(self.severity, self.applicability, fixable=self.fixable, validated=self.validated)


@dataclass(frozen=True, slots=True)
class ImageRisk:
    """What there is to say of an image: everything else follows from these three."""

    packed: bytes = b""
    """Sorted little-endian uint32 values `vulnerability id << 3 | stage`: the furthest stage of each vulnerability."""
    marks: bytes = b""
    """Beside each of them a little-endian uint16: its mark."""
    malicious: int = 0
    """Distinct packages that are malicious."""

    @property
    def values(self) -> NDArray[np.uint32]:
        """The packed set as an array."""
        return np.frombuffer(self.packed, "<u4")

    @property
    def marked(self) -> NDArray[np.uint16]:
        """The marks as an array."""
        return np.frombuffer(self.marks, "<u2")

    @property
    def stages(self) -> dict[int, Stage]:
        """The furthest stage of each vulnerability."""
        return unpack(self.packed)

    @property
    def malicious_ids(self) -> list[int]:
        """The vulnerabilities that are malicious packages."""
        found: list[int] = (self.values[(self.marked & MALICIOUS_MARK) != 0] >> STAGE_BITS).tolist()
        return found

    @property
    def critical_applicable(self) -> int:
        """How many are critical and applicable."""
        both = RANK_MASK | APPLICABILITY_BITS[Applicability.APPLICABLE]
        return int(np.count_nonzero((self.marked & both) == CRITICAL_APPLICABLE))

    def count(self) -> "RiskCounts":
        """The counts that the marks add up to."""
        marks = self.marked
        ranks = np.bincount((marks & RANK_MASK) >> RANK_SHIFT, minlength=len(Severity)).tolist()
        return RiskCounts(
            {severity: ranks[severity.rank] for severity in Severity},
            self.critical_applicable,
            int(np.count_nonzero(marks & VALIDATED_MARK)),
            self.malicious,
            int(np.bitwise_or.reduce(marks)) & APPLICABILITY_MASK if len(marks) else 0,
        )


@dataclass(frozen=True, slots=True)
class RiskCounts:
    """What an image's row says in numbers: counts of distinct vulnerabilities, and of malicious packages."""

    severities: Mapping[Severity, int]
    critical_applicable: int
    validated: int
    malicious: int
    applicabilities: int
    """What contextual analysis found of any of them, as `APPLICABILITY_BITS`."""


NOTHING = ImageRisk()
NO_IDS: Ids = np.array([], np.uint32)


def summarise(findings: Iterable[Finding], before: ImageRisk = NOTHING, concerned: Ids = NO_IDS) -> ImageRisk:
    """The risk of one image from its findings, which is the definition of it.

    With `concerned`, a sorted array of vulnerability ids, the findings are those of these alone, and the others are as
    they were `before`: the same comes out as of all findings. All that were malicious before have to be among them,
    because packages are what is counted of those (`widen`).
    """
    stages: dict[int, Stage] = {}
    marks: dict[int, int] = {}
    malicious: set[int] = set()
    for finding in findings:
        id_ = finding.vulnerability_id
        stages[id_] = max(stages.get(id_, Stage.ALL), finding.stage)
        marks[id_] = marks.get(id_, 0) & ~RANK_MASK | mark_of(finding)
        if finding.malicious:
            malicious.add(finding.package_id)
    gone = _find_places(before.values >> np.uint32(STAGE_BITS), concerned)
    if not stages and not len(gone):
        return before
    values = np.concatenate([np.delete(before.values, gone), np.frombuffer(pack(stages), "<u4")])
    marked = np.concatenate([np.delete(before.marked, gone), np.array([marks[id_] for id_ in sorted(stages)], "<u2")])
    order = np.argsort(values, kind="stable")
    return ImageRisk(values[order].tobytes(), marked[order].tobytes(), len(malicious))


def _find_places(values: Ids, wanted: Ids) -> NDArray[np.intp]:
    """Where those of the wanted that are among these values stand; both are sorted."""
    places = np.searchsorted(values, wanted)
    inside = places < len(values)
    places = places[inside]
    found: NDArray[np.intp] = places[values[places] == wanted[inside]]
    return found


def widen(vulnerability_ids: Iterable[int], risks: Iterable[ImageRisk]) -> Ids:
    """A sorted array of these with every one that is malicious, as `summarise` wants it."""
    malicious = (id_ for risk in risks for id_ in risk.malicious_ids)
    return np.array(sorted({*vulnerability_ids, *malicious}), np.uint32)


def mark_of(finding: Finding) -> int:
    """What a finding adds to its vulnerability's mark."""
    return (
        APPLICABILITY_BITS[finding.applicability]
        | finding.severity.rank << RANK_SHIFT
        | VALIDATED_MARK * finding.validated
        | MALICIOUS_MARK * finding.malicious
    )


def pack(stages: Mapping[int, Stage]) -> bytes:
    """Sorted little-endian uint32 values `vulnerability id << 3 | stage`."""
    values = np.fromiter((id_ << STAGE_BITS | stage for id_, stage in stages.items()), "<u4", len(stages))
    values.sort()
    return values.tobytes()


def unpack(packed: bytes) -> dict[int, Stage]:
    """What `pack` was given."""
    return {int(value) >> STAGE_BITS: Stage(int(value) & 7) for value in np.frombuffer(packed, "<u4")}


@dataclass(frozen=True, slots=True)
class RiskChange:
    """What became of an image's vulnerabilities."""

    image_id: int
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    advanced: tuple[int, ...] = ()
    """Those that got further in the funnel."""
    badges_changed: bool = False
    """Whether the image got or lost a risk, which may be without any of these: a severity or a judgement changed."""

    @property
    def is_news(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.advanced or self.badges_changed)


def compare(image_id: int, before: ImageRisk, after: ImageRisk) -> RiskChange:
    """What changed from one to the other."""
    changed = np.setxor1d(before.values, after.values, assume_unique=True)
    old, new = (unpack(risk.values[_find_places(risk.values, changed)].tobytes()) for risk in (before, after))
    return RiskChange(
        image_id,
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(old.keys() - new.keys())),
        tuple(sorted(id_ for id_, stage in new.items() if id_ in old and stage > old[id_])),
        _badges(before) != _badges(after),
    )


def _badges(risk: ImageRisk) -> tuple[bool, bool]:
    """Whether it is a risk by critical applicable vulnerabilities, and by malicious packages."""
    return bool(risk.critical_applicable), bool(risk.malicious)
