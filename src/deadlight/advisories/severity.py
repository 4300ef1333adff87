"""Severity from what a record offers: CVSS vectors first, then its own words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from cvss import CVSS2, CVSS3, CVSS4, CVSSError

from deadlight.model.vulnerability import Severity

MAX_VECTOR_LENGTH = 512
"""All metrics of CVSS 4.0 together take less than 250 characters."""

MAX_VECTORS = 64
"""Distinct ones of a record that count; each takes up to 0.1 ms."""

_CALCULATORS = (("CVSS:4.0/", CVSS4), ("CVSS:3.1/", CVSS3), ("CVSS:3.0/", CVSS3), ("AV:", CVSS2))
"""By how a vector begins, the newest version of the standard first."""

_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.LOW,
    "unimportant": Severity.LOW,
}
"""Ratings of GitHub, Red Hat and its rebuilds, Ubuntu (priority) and Debian (urgency)."""

_ERRATUM_RATING = re.compile(r"(Critical|Important|Moderate|Low): ")


@dataclass(frozen=True, slots=True)
class Rating:
    """A severity and the CVSS base score (0 to 10) and vector it comes from, where it comes from one."""

    severity: Severity = Severity.UNKNOWN
    cvss_score: float | None = None
    cvss_vector: str = ""


def rate(vectors: Iterable[object], words: Iterable[object]) -> Rating:
    """The rating of a record.

    The newest CVSS version decides, and within it the highest base score; without a readable vector the worst of the
    `words`. Whatever cannot be read counts for nothing.
    """
    distinct = dict.fromkeys(vector for vector in vectors if isinstance(vector, str))
    scored = [rating for vector in islice(distinct, MAX_VECTORS) for rating in _scored(vector)]
    if scored:
        return max(scored, key=lambda item: item[:2])[2]
    named = (_WORDS.get(word.strip(" *").lower()) for word in words if isinstance(word, str))
    return Rating(max((severity for severity in named if severity), key=_rank, default=Severity.UNKNOWN))


def erratum_rating(summary: str) -> str:
    """The rating with which Red Hat and its rebuilds begin an erratum's title ("Important: kernel update"), or ""."""
    found = _ERRATUM_RATING.match(summary)
    return found[1] if found else ""


def _scored(vector: str) -> Iterator[tuple[int, float, Rating]]:
    """The vector's age (higher is newer), base score and rating, if it is a CVSS vector."""
    text = vector.strip("() ")
    for age, (prefix, calculate) in enumerate(reversed(_CALCULATORS)):
        if text.startswith(prefix) and len(text) <= MAX_VECTOR_LENGTH:
            try:
                score = float(calculate(text).base_score)
            except CVSSError:
                return
            yield age, score, Rating(Severity.from_score(score), score, text)
            return


def _rank(severity: Severity) -> int:
    return severity.rank
