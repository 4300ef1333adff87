"""What every rule says of the exposures it finds, whatever it looks at."""

import re
from dataclasses import dataclass

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.vulnerability import Severity

MAX_EVIDENCE = 200
"""Characters shown of what was found."""

MASK = "***"

_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s@\"']{1,256}@")


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule's words. `id` is stable: findings of two scans are compared by it."""

    id: str
    severity: Severity
    title: str
    description: str
    recommendation: str
    """What to change, with the line to write where there is one."""
    cwe: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found."""

    path: str
    """Absolute; empty for the image's configuration."""
    location: str
    layer_digest: str = ""


def expose(category: ExposureCategory, rule: RuleText, place: Place, evidence: str) -> Exposure:
    """One finding of a rule."""
    return Exposure(
        category=category,
        rule_id=rule.id,
        severity=rule.severity,
        title=rule.title,
        description=rule.description,
        recommendation=rule.recommendation,
        path=place.path,
        location=place.location,
        evidence=shorten(mask_urls(evidence)),
        cwe=rule.cwe,
        layer_digest=place.layer_digest,
    )


def mask_urls(text: str) -> str:
    """The text without the user and password of its URLs."""
    return _URL_CREDENTIALS.sub(f"{MASK}@", text)


def shorten(text: str) -> str:
    """One printable line of at most MAX_EVIDENCE characters."""
    line = "".join(character if character.isprintable() else " " for character in text[: MAX_EVIDENCE + 1])
    return line if len(line) <= MAX_EVIDENCE else line[: MAX_EVIDENCE - 1] + "…"
