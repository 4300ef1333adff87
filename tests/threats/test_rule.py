"""Reading rules: what is refused, and how it is told."""

import tomllib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.model.vulnerability import Severity
from deadlight.threats.condition import MAX_DEPTH, MAX_NODES
from deadlight.threats.engine import RULES
from deadlight.threats.errors import RuleError
from deadlight.threats.fields import FIELDS
from deadlight.threats.operators import MAX_VALUE_LENGTH, MAX_VALUES, OPERATORS
from deadlight.threats.rule import MAX_SAMPLES, MAX_SOURCE_BYTES, _read, load_lists, parse_rule
from deadlight.threats.tables import Table

HEAD = 'id = "own"\ntitle = "Own"\ndescription = "Ours."\nseverity = "Low"\nkinds = ["executed"]\n'
SOURCES = [file.read_text() for file in sorted(RULES.glob("*.toml"))]
DOCUMENTS = [tomllib.loads(source) for source in SOURCES]
LISTS = load_lists()


def rule_with(condition: str) -> str:
    return f"{HEAD}condition = {condition}\n"


def nested(depth: int) -> str:
    return "{ not = " * (depth - 1) + '{ field = "file.path", is = "/x" }' + " }" * (depth - 1)


def test_the_least_that_a_rule_says() -> None:
    rule = parse_rule(rule_with('{ field = "file.path", is = "/x" }'))
    assert (rule.id, rule.severity, rule.techniques) == ("own", Severity.LOW, ())
    assert (rule.again_after, rule.again_for) == (3600, ("process.path",))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('{ field = "file.name", is = "x" }', "condition: no field is called 'file.name'; there are activity.kind, "),
        ('{ field = "file.path", equals = "x" }', "condition: expected one of is, in, starts_with, "),
        ('{ field = "file.path", is = "x", in = ["y"] }', "found is, in"),
        ('{ field = "file.path" }', "found none"),
        ('{ field = "file.path", is = 1 }', "condition: file.path is a path; 1 is not"),
        ('{ field = "file.path", is = "" }', "a text has 1 to"),
        ('{ field = "file.path", is = ["/a", "/b"] }', "is takes one value"),
        ('{ field = "file.path", in = [] }', "in takes 1 to"),
        ('{ field = "file.path", under = "etc" }', "directories, which begin with a slash"),
        (
            '{ field = "process.name", under = "/etc" }',
            "process.name is a text, which under is not for; there are is, ",
        ),
        ('{ field = "network.port", is = "80" }', "network.port is a number"),
        ('{ field = "network.port", is = true }', "network.port is a number"),
        ('{ field = "file.upper", is = 1 }', "file.upper is a true or false"),
        ('{ field = "network.address", within = "10.0.0.0/33" }', "condition: '10.0.0.0/33' does not appear to be"),
        ('{ field = "process.name", in = ["$shels"] }', "no list is called $shels; there are $shells, "),
        ('{ all = [{ any = [{ field = "x", is = 1 }] }] }', "condition.all[0].any[0]: no field"),
        ("{ all = [] }", "condition.all: expected a list of at least one condition"),
        ("{ all = 1 }", "condition.all: expected a list"),
        ("{ none = [] }", "expected one of field, all, any, not; found none"),
        ("{ }", "found nothing"),
        ("3", "condition: expected a table such as"),
        ('{ field = "file.path", matches = "(a+)+" }', "repeats a group"),
    ],
)
def test_conditions_that_cannot_be_used_are_told_with_what_would_be_right(condition: str, said: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(rule_with(condition))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ('id = "own"', 'id = "Own Rule"', "id: expected lower-case words with dashes"),
        ('id = "own"\n', "", "id is missing"),
        ('"own"', '"binary-integrity"', "id: 'binary-integrity' is a rule of Deadlight's own"),
        ('"Low"', '"Unknown"', "severity: expected one of Critical, High, Medium, Low, not 'Unknown'"),
        ('["executed"]', '["run"]', "kinds: expected one of executed, opened"),
        ('["executed"]', "[]", "kinds: expected a list of executed"),
        ('title = "Own"', 'title = " "', "title: expected a text"),
        ('title = "Own"', 'title = "Own"\ntechniques = ["T1"]', "techniques: 'T1' cannot stand here"),
        ('title = "Own"', 'title = "Own"\nagain_after = -1', "again_after: expected a whole number from 0"),
        ('title = "Own"', 'title = "Own"\nagain_for = ["x"]', "again_for: no field is called 'x'"),
        ('title = "Own"', 'title = "Own"\nseverty = "x"', "severty: not known here; there are id, title"),
        ('title = "Own"', "title = ", "not TOML: Invalid value (at line 2, column 9)"),
    ],
)
def test_rules_that_cannot_be_used_are_told_with_what_would_be_right(changed: str, to: str, said: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(rule_with('{ field = "file.path", is = "/x" }').replace(changed, to))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("says = 'x'", "sample[0].matches is missing"),
        ("says = 'x'\nmatches = true\npath = '/x'", "sample[0].path: not known here; there are says, matches"),
        ("says = 'x'\nmatches = true\nprocess = { nam = 'x' }", "sample[0].process.nam: not known here"),
        ("says = 'x'\nmatches = true\nancestors = [1]", "sample[0].ancestors[0]: expected a table"),
        ("says = 'x'\nmatches = true\nkind = 'namespace_entered'\nnamespaces = ['x']", "expected some of time, mount"),
    ],
)
def test_samples_are_checked_as_well(sample: str, said: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(rule_with('{ field = "file.path", is = "/x" }') + f"[[sample]]\n{sample}\n")
    assert said in str(refused.value)


def test_every_limit_holds() -> None:
    test = '{ field = "file.path", is = "/x" }'
    parse_rule(rule_with(nested(MAX_DEPTH)))
    parse_rule(rule_with(f"{{ all = [{', '.join([test] * (MAX_NODES - 1))}] }}"))
    parse_rule(rule_with(f'{{ field = "file.path", matches = {[".*a.*"] * 8} }}'))
    too_much = {
        f"nested {MAX_DEPTH} deep": rule_with(nested(MAX_DEPTH + 1)),
        f"may have {MAX_NODES} conditions": rule_with(f"{{ all = [{', '.join([test] * MAX_NODES)}] }}"),
        f"1 to {MAX_VALUES} values": rule_with(f'{{ field = "network.port", in = {list(range(MAX_VALUES + 1))} }}'),
        f"1 to {MAX_VALUE_LENGTH} characters": rule_with(f'{{ field = "file.path", is = "{"x" * 513}" }}'),
        "expressions together": rule_with(f'{{ field = "file.path", matches = {[".*a.*"] * 9} }}'),
        f"at most {MAX_SAMPLES} tables": rule_with(test) + "[[sample]]\n" * (MAX_SAMPLES + 1),
        f"at most {MAX_SOURCE_BYTES} bytes": rule_with(test) + "#" * MAX_SOURCE_BYTES,
        "not TOML": rule_with("[" * 30_000),
    }
    for said, source in too_much.items():
        with pytest.raises(RuleError, match=said):
            parse_rule(source)


def test_a_value_that_only_begins_like_a_list_is_a_text() -> None:
    parse_rule(rule_with('{ field = "process.command", contains = ["$(curl", "$"] }'))


def test_every_list_holds_texts_and_is_used() -> None:
    lists = load_lists()
    assert all(isinstance(value, str) for values in lists.values() for value in values)
    assert [name for name in lists if f'"${name}"' not in "".join(SOURCES)] == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_texts_that_are_no_rules_are_refused_and_nothing_else_happens(source: str) -> None:
    with pytest.raises(RuleError):
        parse_rule(source)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(list(FIELDS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["field", "all", "any", "not", "x", *OPERATORS]), inner, max_size=3)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_rules_with_anything_in_any_place_are_read_or_refused(data: st.DataObject) -> None:
    document = dict(data.draw(st.sampled_from(DOCUMENTS)))
    document[data.draw(st.sampled_from(list(document)))] = data.draw(values)
    with suppress(RuleError):
        _read(Table(document, ""), LISTS)
