"""Every rule against its own examples."""

import re

import pytest
from tests.scanner.exposures.secrets.planting import plant

from deadlight.scanner import InvalidRuleError
from deadlight.scanner.exposures.secrets.checks import CHECKS
from deadlight.scanner.exposures.secrets.engine import Engine, Span, find_broken_rules
from deadlight.scanner.exposures.secrets.rules import SecretRule, load_rules, parse_rules

RULES = load_rules()
ENGINE = Engine(RULES)
EXAMPLES = [(rule, template) for rule in RULES for template in rule.matches]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)

MINIMAL = """\
[[rules]]
id = "a"
title = "A"
severity = "High"
description = "..."
revoke = "..."
keywords = ["a"]
pattern = "a"
"""


def found_by(rule: SecretRule, text: str, engine: Engine = ENGINE) -> list[Span]:
    return [span for span in engine.find(text.encode(), rule.examples_path).secrets if span.rule.id == rule.id]


@each_rule
def test_a_rule_finds_its_own_examples(rule):
    assert rule.matches
    for template in rule.matches:
        for seed in range(5):
            text = plant(template, seed).text
            assert len(found_by(rule, text)) == 1, text


@each_rule
def test_a_rule_passes_over_what_only_looks_alike(rule):
    assert rule.passes
    for template in rule.passes:
        for seed in range(5):
            text = plant(template, seed).text
            assert found_by(rule, text, Engine([rule])) == [], text


def test_examples_are_found_in_the_middle_of_a_file_and_their_random_part_is_the_secret():
    for rule, template in EXAMPLES:
        planted = plant(template, 7)
        text = "x = 1\n" * 500 + planted.text + "\n" + "y = 2\n" * 500
        (span,) = found_by(rule, text)
        secret = text.encode()[span.secret_start : span.secret_end].decode()
        assert secret == secret.rstrip(" \n\"',;`")
        assert any(part in secret or secret in part for part in planted.secrets), rule.id


def test_every_rule_says_what_people_need():
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
        assert len(rule.description) > 20, rule.id
        assert rule.description.endswith("."), rule.id
        assert rule.revoke.endswith("."), rule.id
        assert re.fullmatch(r"CWE-\d+", rule.cwe), rule.id
        assert rule.check in ("", *CHECKS), rule.id


def test_there_are_many_rules_each_once_and_all_compile():
    assert len(RULES) >= 100
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert find_broken_rules(RULES) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("id =", "id"), "Expected"),
        (('severity = "High"', 'severity = "Great"'), "severity"),
        (('title = "A"', ""), "title"),
        (("pattern =", "patern ="), "patern"),
        (('pattern = "a"', ""), "a: needs either pattern"),
        (('keywords = ["a"]', ""), "a: needs keywords"),
        (('["a"]', '["A"]'), "lower case"),
    ],
)
def test_a_malformed_rule_is_refused_by_file_and_field(change, said):
    assert parse_rules("whole.toml", MINIMAL)
    with pytest.raises(InvalidRuleError, match=rf"secret rules broken\.toml: .*{said}"):
        parse_rules("broken.toml", MINIMAL.replace(*change))
