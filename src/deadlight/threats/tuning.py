"""The rules that count for somebody: the built-in ones as users changed them, and their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from deadlight.model.vulnerability import Severity
from deadlight.threats.errors import RuleError
from deadlight.threats.rule import Rule, parse_rule


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules to look for, by id, and what is wrong with those that cannot be used."""

    rules: tuple[Rule, ...]
    problems: Mapping[str, str]
    """By the id of a user's rule. A rule that cannot be used leaves a built-in one of its id in force."""


def compose(
    builtin: Iterable[Rule],
    *,
    custom: Mapping[str, str] | None = None,
    disabled: Collection[str] = (),
    severities: Mapping[str, Severity] | None = None,
) -> RuleSet:
    """Apply what users decided to the built-in rules.

    `custom` maps ids to the texts of rule files; one with the id of a built-in rule stands in its place. Ids that no
    rule has are of no consequence: a policy outlives the rules of a version.
    """
    rules = {rule.id: rule for rule in builtin}
    problems: dict[str, str] = {}
    for rule_id, source in (custom or {}).items():
        try:
            rules[rule_id] = _read(rule_id, source)
        except RuleError as error:
            problems[rule_id] = str(error)
    kept = (rules[rule_id] for rule_id in sorted(rules) if rule_id not in disabled)
    changed = severities or {}
    return RuleSet(tuple(replace(rule, severity=changed.get(rule.id, rule.severity)) for rule in kept), problems)


def _read(rule_id: str, source: str) -> Rule:
    rule = parse_rule(source)
    if rule.id != rule_id:
        raise RuleError(f"id: the rule calls itself {rule.id!r} and is stored as {rule_id!r}")
    return rule
