"""What is stored of one source file: which rules matched in which lines, and never its text."""

from dataclasses import dataclass

import msgspec

from deadlight.scanner.exposures.rule import RuleText

MAX_HITS = 200
"""Kept of one file."""


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """One match of a rule."""

    rule: str
    """The rule's id."""
    line: int
    evidence: str
    """Put together from what the rule looks at: `requests.get(verify=False)`; strings of the file never are."""


class KeptHits(msgspec.Struct, frozen=True):
    """What is stored of one file."""

    hits: tuple[Hit, ...] = ()
    facts: tuple[tuple[str, int], ...] = ()
    """What rules about the image as a whole go by, each with its line: `express`, `helmet`."""


@dataclass(frozen=True, slots=True)
class Match:
    """A hit before its rule's id is all that is left of the rule."""

    rule: RuleText
    line: int
    evidence: str

    def kept(self) -> Hit:
        """As it is stored."""
        return Hit(self.rule.id, self.line, self.evidence)
