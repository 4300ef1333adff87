"""Built-in rules, as users changed them."""

from deadlight.model.vulnerability import Severity
from deadlight.threats.engine import load_builtin
from deadlight.threats.tuning import compose

BUILTIN = load_builtin()
OWN = """
id = "own"
title = "Own"
description = "Ours."
severity = "Low"
kinds = ["executed"]
[condition]
field = "process.programs"
in = ["$shells"]
"""


def test_with_no_decisions_the_built_in_rules_count() -> None:
    composed = compose(BUILTIN)
    assert (composed.rules, composed.problems) == (BUILTIN, {})


def test_rules_are_left_out_rated_anew_and_added() -> None:
    composed = compose(
        BUILTIN,
        custom={"own": OWN},
        disabled=["compiler", "unknown"],
        severities={"own": Severity.CRITICAL, "mount": Severity.LOW, "unknown": Severity.LOW},
    )
    rules = {rule.id: rule for rule in composed.rules}
    assert rules.keys() == {rule.id for rule in BUILTIN} - {"compiler"} | {"own"}
    assert (rules["own"].severity, rules["mount"].severity) == (Severity.CRITICAL, Severity.LOW)
    assert list(rules) == sorted(rules)


def test_a_rule_of_ones_own_stands_in_the_place_of_a_built_in_one() -> None:
    (rule,) = (r for r in compose(BUILTIN, custom={"mount": OWN.replace('"own"', '"mount"')}).rules if r.id == "mount")
    assert rule.title == "Own"


def test_a_rule_that_cannot_be_used_is_told_and_takes_nothing_along() -> None:
    composed = compose(BUILTIN, custom={"mount": "id =", "own": OWN, "other": OWN})
    assert {rule.id for rule in composed.rules} == {rule.id for rule in BUILTIN} | {"own"}
    assert composed.problems.keys() == {"mount", "other"}
    assert "not TOML" in composed.problems["mount"]
    assert "calls itself 'own'" in composed.problems["other"]
