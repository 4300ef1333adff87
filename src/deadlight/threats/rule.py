"""Threat rules: what a file of rules says, checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deadlight.model.detection import NO_FILES
from deadlight.model.toml import parse_toml
from deadlight.model.vulnerability import Severity
from deadlight.threats.activity import ActivityKind
from deadlight.threats.condition import Condition, parse_condition
from deadlight.threats.errors import RuleError
from deadlight.threats.fields import FIELDS
from deadlight.threats.samples import Sample, read_sample
from deadlight.threats.tables import Table

MAX_SOURCE_BYTES = 64 * 1024
"""Of a rule's file."""

MAX_SAMPLES = 50
MAX_TECHNIQUES = 16
MAX_TEXT = 2_000
"""Characters of a description."""

MAX_AGAIN_AFTER = 7 * 24 * 3600
"""Seconds."""

RULE_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_ID = 100
"""Characters."""

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_SEVERITIES = [severity for severity in Severity if severity is not Severity.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attack or a misuse looks like, and what to do about it."""

    id: str
    title: str
    description: str
    severity: Severity
    tactic: str
    """Of MITRE ATT&CK, such as `Execution`."""
    techniques: tuple[str, ...]
    """Of MITRE ATT&CK, such as `T1059.004`."""
    kinds: frozenset[ActivityKind]
    condition: Condition
    recommendation: str
    """What who is told should do next."""
    false_positives: str
    """What is harmless and looks the same."""
    again_after: int
    """Seconds for which the same is only counted."""
    again_for: tuple[str, ...]
    """Fields whose values make it not the same."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule with its samples, which nobody but its author needs to keep in memory."""

    rule: Rule
    samples: tuple[Sample, ...]


def parse_rule(source: str) -> Rule:
    """Read the text of a rule file; its samples are checked as well, but not run.

    Raises:
        RuleError: it is too large, no TOML, lacks something, or names what there is not.
    """
    return parse_rule_file(source, load_lists()).rule


def parse_rule_file(source: str, lists: Mapping[str, tuple[str, ...]]) -> RuleFile:
    """Read the text of a rule file, with `lists` for the names that its conditions use (`load_lists`).

    Raises:
        RuleError: it is too large, no TOML, lacks something, or names what there is not.
    """
    return _read(Table(_read_toml(source), ""), lists)


def _read(table: Table, lists: Mapping[str, tuple[str, ...]]) -> RuleFile:
    rule = Rule(
        id=_id(table),
        title=table.take_text("title", most=200),
        description=table.take_text("description", most=MAX_TEXT),
        severity=table.take_one_of("severity", Severity, _SEVERITIES),
        tactic=table.take_text("tactic", most=100, default=""),
        techniques=table.take_texts("techniques", most=MAX_TECHNIQUES, pattern=_TECHNIQUE),
        kinds=frozenset(table.take_several_of("kinds", ActivityKind)),
        condition=parse_condition(table.take("condition"), lists),
        recommendation=table.take_text("recommendation", most=MAX_TEXT, default=""),
        false_positives=table.take_text("false_positives", most=MAX_TEXT, default=""),
        again_after=table.take_number("again_after", least=0, most=MAX_AGAIN_AFTER, default=3600),
        again_for=_again_for(table),
    )
    samples = _samples(table, rule.kinds)
    table.refuse_others()
    return RuleFile(rule, samples)


def _read_toml(source: str) -> dict[str, Any]:
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise RuleError(f"a rule has at most {MAX_SOURCE_BYTES} bytes")
    try:
        return parse_toml(source)
    except ValueError as error:
        raise RuleError(f"not TOML: {error}") from error


def _id(table: Table) -> str:
    found = table.take_matching("id", RULE_ID, "lower-case words with dashes, such as shell-in-container")
    if found in NO_FILES:
        raise RuleError(f"id: {found!r} is a rule of Deadlight's own that is in no file: choose another one")
    return found


def _again_for(table: Table) -> tuple[str, ...]:
    names = table.take_texts("again_for", most=4, default=("process.path",))
    for name in names:
        if name not in FIELDS:
            raise RuleError(f"again_for: no field is called {name!r}; there are {', '.join(FIELDS)}")
    return names


def _samples(table: Table, kinds: frozenset[ActivityKind]) -> tuple[Sample, ...]:
    usual = next(iter(kinds)) if len(kinds) == 1 else None
    return tuple(read_sample(each, usual) for each in table.take_tables("sample", most=MAX_SAMPLES))


@cache
def load_lists() -> Mapping[str, tuple[str, ...]]:
    """The lists that conditions name as `$shells`, from `lists.toml`."""
    text = (Path(__file__).parent / "lists.toml").read_text("utf-8")
    return {name: tuple(values) for name, values in tomllib.loads(text).items()}
