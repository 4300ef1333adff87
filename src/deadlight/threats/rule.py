"""Threat rules: what a file of rules says, checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from deadlight.model.vulnerability import Severity
from deadlight.threats.activity import Activity, ActivityKind
from deadlight.threats.condition import Condition, parse_condition
from deadlight.threats.errors import RuleError
from deadlight.threats.fields import FIELDS
from deadlight.threats.samples import parse_activity
from deadlight.threats.tables import Table

MAX_SOURCE_BYTES = 64 * 1024
"""Of a rule's file."""

MAX_SAMPLES = 50
MAX_TECHNIQUES = 16
MAX_TEXT = 2_000
"""Characters of a description."""

MAX_AGAIN_AFTER = 7 * 24 * 3600
"""Seconds."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_SEVERITIES = [severity for severity in Severity if severity is not Severity.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Sample:
    """An activity that a rule must match, or must not."""

    says: str
    matches: bool
    activity: Activity


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
    samples: tuple[Sample, ...]


def parse_rule(source: str) -> Rule:
    """Read the text of a rule file.

    Raises:
        RuleError: it is too large, no TOML, lacks something, or names what there is not.
    """
    table = Table(_read_toml(source), "")
    rule = Rule(
        id=table.take_matching("id", _ID, "lower-case words with dashes, such as shell-in-container"),
        title=table.take_text("title", most=200),
        description=table.take_text("description", most=MAX_TEXT),
        severity=table.take_one_of("severity", Severity, _SEVERITIES),
        tactic=table.take_text("tactic", most=100, default=""),
        techniques=table.take_texts("techniques", most=MAX_TECHNIQUES, pattern=_TECHNIQUE),
        kinds=frozenset(table.take_several_of("kinds", ActivityKind)),
        condition=parse_condition(table.take("condition"), load_lists()),
        recommendation=table.take_text("recommendation", most=MAX_TEXT, default=""),
        false_positives=table.take_text("false_positives", most=MAX_TEXT, default=""),
        again_after=table.take_number("again_after", least=0, most=MAX_AGAIN_AFTER, default=3600),
        again_for=_again_for(table),
        samples=_samples(table),
    )
    table.refuse_others()
    return rule


def _read_toml(source: str) -> dict[str, Any]:
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise RuleError(f"a rule has at most {MAX_SOURCE_BYTES} bytes")
    try:
        return tomllib.loads(source)
    except (RecursionError, ValueError) as error:
        raise RuleError(f"not TOML: {str(error) or 'nested too deeply'}") from error


def _again_for(table: Table) -> tuple[str, ...]:
    names = table.take_texts("again_for", most=4, default=("process.path",))
    for name in names:
        if name not in FIELDS:
            raise RuleError(f"again_for: no field is called {name!r}; there are {', '.join(FIELDS)}")
    return names


def _samples(table: Table) -> tuple[Sample, ...]:
    return tuple(_sample(each) for each in table.take_tables("sample", most=MAX_SAMPLES))


def _sample(table: Table) -> Sample:
    return Sample(table.take_text("says", most=200), table.take_boolean("matches"), parse_activity(table))


def load_lists() -> Mapping[str, tuple[str, ...]]:
    """The lists that conditions name as `$shells`, from `lists.toml`."""
    text = (files("deadlight.threats") / "lists.toml").read_text("utf-8")
    return {name: tuple(values) for name, values in tomllib.loads(text).items()}
