"""Docker Hub's rules of immutable tags: regular expressions of the repository's owner. Pure.

Its documentation does not say whether a rule is for the whole tag or for any part of it, so a rule counts only where
that makes no difference. And a foreign expression is only tried where no tag can make it take long.
"""

import re
from collections.abc import Sequence

from deadlight.registry.answers import printable
from deadlight.registry.types.registry_type import TagPolicy

MAX_RULES = 8
MAX_RULE_CHARACTERS = 256
_MAX_REPETITIONS = 3
_MAX_CHOICES = 2
"""A tag has 128 characters: 128 ** 3 / 6 * 2 ** 2 steps at the very worst."""

_REPETITION = re.compile(r"(?<!\\)[*+{]")
_CHOICE = re.compile(r"(?<!\\)[?|]")
_RISKY = re.compile(r"\(\?|\)\s*[*+?{]|\\[1-9]|\[\[|--|&&|~~|\|\|")
"""Look-arounds and flags, repeated groups, back references; and what Python may read as sets of sets one day."""


def tag_policy(rules: Sequence[str], tag: str) -> TagPolicy | None:
    """What a repository's rules say of a tag; None where one of them cannot be understood."""
    verdicts = [_matches(rule, tag) for rule in rules[:MAX_RULES]]
    for rule, matches in zip(rules, verdicts, strict=False):
        if matches:
            return TagPolicy(may_move=False, detail=f"immutable by the rule {printable(rule)}")
    if None in verdicts or len(rules) > MAX_RULES:
        return None
    return TagPolicy(may_move=True, detail="no rule of immutable tags matches")


def _matches(rule: str, tag: str) -> bool | None:
    if not _is_quick(rule):
        return None
    try:
        expression = re.compile(rule)
    except (re.error, RecursionError, OverflowError):
        return None
    whole, part = expression.fullmatch(tag) is not None, expression.search(tag) is not None
    return whole if whole == part else None


def _is_quick(rule: str) -> bool:
    """Whether no tag can take long. An expression that is not anchored is tried from every character on."""
    starts = 0 if rule.startswith("^") else 1
    return (
        len(rule) <= MAX_RULE_CHARACTERS
        and not _RISKY.search(rule)
        and starts + len(_REPETITION.findall(rule)) <= _MAX_REPETITIONS
        and len(_CHOICE.findall(rule)) <= _MAX_CHOICES
    )
