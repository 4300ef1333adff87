"""Regular expressions of rules: what they can say, and that none of them takes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.threats.expressions import MAX_EXPRESSION_LENGTH, MAX_GROUPS, MAX_TEXT_LENGTH, compile_expression


@pytest.mark.parametrize(
    ("expression", "text", "matches"),
    [
        ("abc", "abc", True),
        ("abc", "xabc", False),
        ("abc", "abcd", False),
        ("ABC", "abc", True),
        (".*", "a\nb", True),
        ("a|b", "b", True),
        ("(/usr)?/bin/(ba|z)?sh", "/usr/bin/bash", True),
        (r"/proc/\d{1,10}/mem", "/proc/17/mem", True),
        (r"/proc/\d{1,10}/mem", "/proc/self/mem", False),
        ("[a-c]{2}", "ab", True),
        ("[^/]+", "a/b", False),
        (r"[\]\-x]+", "]-x", True),
        (r"a\.b", "axb", False),
        ("", "", True),
    ],
)
def test_expressions_match_the_whole_text(expression: str, text: str, *, matches: bool) -> None:
    assert compile_expression(expression)(text) is matches


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+b", "(a|aa)+", "(a*)*", "(ab){2,}", "a**", "a+?", "a++", ".*.*.*", "a{0,999}b{0,999}c{0,999}", "a{3,1}",
        r"(a)\1", "(?=a)", "(?<=a)b", "(?P<n>a)", "(?i)a", "^a", "a$", r"\1", r"\Z", r"\b", "(", ")", "a)", "[", "[]",
        "*a", "a|*", "{2}",
        "(" * (MAX_GROUPS + 1) + "a" + ")" * (MAX_GROUPS + 1), "a" * (MAX_EXPRESSION_LENGTH + 1), "(a?){50}", "[z-a]",
    ],
)  # fmt: skip
def test_what_could_take_long_or_is_not_understood_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_expression(expression)


def test_the_worst_that_is_possible_is_over_soon() -> None:
    slow = compile_expression(".*a.*b")
    begun = time.process_time()
    assert not slow("a" * 100_000)
    assert time.process_time() - begun < 1


def test_more_than_a_certain_length_is_not_looked_at() -> None:
    assert compile_expression("a*")("a" * MAX_TEXT_LENGTH + "b")


@settings(max_examples=300, deadline=1000)
@given(st.text("ab(|)?*+{1,}[]^-\\.dw", max_size=24), st.text("ab1-", max_size=60))
def test_any_expression_is_refused_or_answers_as_the_standard_library_does(expression: str, text: str) -> None:
    try:
        matches = compile_expression(expression)
    except ValueError:
        return
    assert matches(text) is bool(re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL))
