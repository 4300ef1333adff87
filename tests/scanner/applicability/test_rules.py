import re

import pytest

from deadlight.ecosystems import find_ecosystem
from deadlight.model.package import Package
from deadlight.model.vulnerability import Applicability
from deadlight.scanner import (
    FirstPartyCode,
    InvalidRuleError,
    RuleSet,
    judge_applicability,
    load_rules,
    parse_rule,
)
from deadlight.scanner.applicability.python_source import analyse_source

RULES = load_rules()
each_rule = pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)

MINIMAL = """\
id = "a"
vulnerabilities = ["CVE-2020-1"]
ecosystem = "PyPI"
package = "b"
calls = ["b.c"]
why = "..."
references = ["https://example.org"]
[fixtures]
applicable = ""
not_applicable = ""
"""


def package(rule) -> Package:
    return Package(rule.ecosystem, rule.package, "1", "", rule.package, "1")


def status_of(rule, source: str) -> Applicability:
    code = FirstPartyCode({"/app/main.py": analyse_source(source.encode())})
    return judge_applicability(RuleSet.of([rule]), code, rule.vulnerabilities[:1], package(rule)).status


def test_there_are_rules():
    assert len(RULES.rules) >= 10
    assert len({rule.id for rule in RULES.rules}) == len(RULES.rules)


@pytest.mark.req("A9")
@each_rule
def test_a_rule_calls_its_own_examples_as_it_should(rule):
    assert status_of(rule, rule.fixtures.applicable) is Applicability.APPLICABLE
    assert status_of(rule, rule.fixtures.not_applicable) is Applicability.NOT_APPLICABLE


@each_rule
def test_each_listed_call_alone_is_found(rule):
    for call in rule.calls:
        module, _, name = call.rpartition(".")
        assert status_of(rule, f"from {module} import {name}\n{name}()\n") is Applicability.APPLICABLE


@each_rule
def test_a_rule_names_real_things(rule):
    ecosystem = find_ecosystem(rule.ecosystem)
    assert ecosystem is not None
    assert ecosystem.normalise_name(rule.package) == rule.package
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,}", vulnerability) for vulnerability in rule.vulnerabilities)
    assert all(
        any(vulnerability in reference for reference in rule.references) for vulnerability in rule.vulnerabilities
    )
    assert len(rule.why) > 60


def test_rules_are_found_by_vulnerability_and_package():
    yaml = Package("PyPI", "pyyaml", "5.3", "", "pyyaml", "5.3")
    found = RULES.list_matching(["PYSEC-2021-142", "CVE-2020-14343"], yaml)
    assert [rule.id for rule in found] == ["pyyaml-full-loader"]
    assert RULES.list_matching(["CVE-2020-14343"], Package("PyPI", "other", "1", "", "other", "1")) == ()
    assert RULES.list_matching(["CVE-2020-14343"], Package("Debian:12", "pyyaml", "1", "", "pyyaml", "1")) == ()


def test_the_state_of_a_set_follows_what_its_rules_say():
    rule = parse_rule("a.toml", MINIMAL)
    assert RuleSet.of([rule]).state == RuleSet.of([parse_rule("b.toml", MINIMAL)]).state
    assert RuleSet.of([rule]).state != RuleSet.of([parse_rule("a.toml", MINIMAL.replace("b.c", "b.d"))]).state


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("id =", "id"), "Expected"),
        (('package = "b"', ""), "package"),
        (('"b.c"', "1"), "calls"),
        (('["b.c"]', "[]"), "may not be empty"),
        (("why =", "wherefore ="), "wherefore"),
        (("[fixtures]", "[fixture]"), "fixture"),
    ],
)
def test_a_malformed_rule_is_refused_by_file_and_field(change, said):
    with pytest.raises(InvalidRuleError, match=f"rule broken.toml: .*{said}"):
        parse_rule("broken.toml", MINIMAL.replace(*change))
