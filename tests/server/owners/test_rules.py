"""The first rule that matches counts, and every comparison can be told."""

import string
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.server.owners.rules import Owner, Rule, Subject, conditions, find_rule, fits, matches, split_labels

TEXTS = st.text("ab-/", max_size=5)
PATTERNS = st.text("ab-/*?", max_size=5)
SUBJECTS = st.builds(
    Subject, TEXTS, TEXTS, st.lists(TEXTS, max_size=2).map(tuple), st.dictionaries(st.sampled_from("xy"), TEXTS)
)
LABELS = st.lists(st.tuples(st.sampled_from("xy"), PATTERNS), max_size=2).map(
    lambda pairs: ", ".join(f"{key}={pattern}" for key, pattern in pairs)
)
RULES = st.lists(
    st.builds(Rule, st.integers(), st.just(Owner("team")), PATTERNS, PATTERNS, PATTERNS, LABELS), max_size=6
)


@given(RULES, SUBJECTS)
def test_the_first_rule_that_matches_counts_and_no_other(rules: list[Rule], subject: Subject) -> None:
    hits = [rule for rule in rules if matches(rule, subject)]
    assert find_rule(rules, subject) is (hits[0] if hits else None)


@given(RULES, SUBJECTS, st.randoms())
def test_what_does_not_match_may_stand_anywhere(rules: list[Rule], subject: Subject, random: st.DataObject) -> None:
    found = find_rule(rules, subject)
    others = [rule for rule in rules if not matches(rule, subject)]
    random.shuffle(others)  # type: ignore[attr-defined]  # a random.Random
    assert find_rule([*others, *([found] if found else [])], subject) is found


@given(RULES, SUBJECTS)
def test_a_rule_matches_when_all_it_compares_does(rules: list[Rule], subject: Subject) -> None:
    for rule in rules:
        made = list(conditions(rule, subject))
        assert matches(rule, subject) == all(condition.holds for condition in made)
        wanted = [rule.cluster, rule.namespace, rule.repository, *(key for key, _ in split_labels(rule.label))]
        assert len(made) == len([text for text in wanted if text])
        assert all(("does not match" in condition.told) != condition.holds for condition in made)


@given(st.text(string.printable, max_size=20))
def test_a_text_without_wildcards_fits_itself_only_and_a_star_fits_everything(text: str) -> None:
    literal = text.replace("*", "").replace("?", "")
    assert fits(literal, literal)
    assert not fits(literal + "x", literal)
    assert fits(text, "*")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_mean_what_shells_mean(pattern: str, text: str) -> None:
    assert fits(text, pattern) == fnmatchcase(text, pattern)


def test_brackets_are_letters() -> None:
    assert fits("[ab]", "[ab]")
    assert not fits("a", "[ab]")


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (Rule(1, Owner()), True),
        (Rule(1, Owner(), cluster="prod-*", namespace="shop"), True),
        (Rule(1, Owner(), namespace="Shop"), False),
        (Rule(1, Owner(), repository="shop/*"), True),
        (Rule(1, Owner(), repository="ghcr.io/shop/*"), True),
        (Rule(1, Owner(), repository="docker.io/*"), False),
        (Rule(1, Owner(), label="team=pay*, tier=?"), True),
        (Rule(1, Owner(), label="team=pay*, owner=*"), False),
    ],
)
def test_patterns_are_held_against_where_and_what_it_is(rule: Rule, holds: bool) -> None:
    labels = {"team": "payments", "tier": "1"}
    subject = Subject("prod-east", "shop", ("docker.elsewhere/proxy", "ghcr.io/shop/web"), labels)
    assert matches(rule, subject) is holds


@pytest.mark.parametrize("text", ["team", "=x", " =x", "team=a,b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key=value"):
        split_labels(text)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not fits("a" * 4096, "*a" * 256 + "b")
