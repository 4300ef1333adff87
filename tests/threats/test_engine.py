"""The engine: operators, missing fields, and that nothing a container does can stop it."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.condition import Not
from deadlight.threats.engine import MAX_FACT_LENGTH, MAX_FACTS, Engine, load_builtin
from deadlight.threats.fields import FIELDS, FieldType
from deadlight.threats.operators import OPERATORS
from deadlight.threats.rule import Rule, parse_rule

BUILTIN = Engine(load_builtin())
UNINDEXED = [Engine([dataclasses.replace(one, condition=Not(Not(one.condition)))]) for one in BUILTIN.rules]
"""The same in a form of which the index by names understands nothing."""


HEAD = 'id = "own"\ntitle = "Own"\ndescription = "Ours."\nseverity = "Low"\n'


def rule(condition: str, *, kinds: str = '["executed", "connected", "opened"]') -> Rule:
    return parse_rule(f"{HEAD}kinds = {kinds}\ncondition = {condition}\n")


def holds(condition: str, **facts: Any) -> bool:
    activity = dataclasses.replace(
        Activity(ActivityKind.EXECUTED, 0, "c", ProcessFacts("sh", "/bin/busybox", ("sh", "-c", "id"), 7, 33)), **facts
    )
    return bool(Engine([rule(condition)]).match(activity))


@pytest.mark.parametrize(
    ("condition", "path", "expected"),
    [
        ('is = "/etc/x"', "/etc/x", True),
        ('in = ["/a", "/b"]', "/b", True),
        ('starts_with = ["/et"]', "/etc/x", True),
        ('ends_with = ["/x", "/y"]', "/etc/x", True),
        ('contains = "tc"', "/etc/x", True),
        ('contains = "TC"', "/etc/x", False),
        ('under = "/etc"', "/etc/x", True),
        ('under = "/etc/"', "/etc", True),
        ('under = "/etc"', "/etcetera", False),
        ('under = "/"', "/x", True),
        ('matches = "/ETC/."', "/etc/x", True),
    ],
)
def test_texts_and_paths_are_compared(condition: str, path: str, *, expected: bool) -> None:
    assert holds(f'{{ field = "file.path", {condition} }}', file_path=path) is expected


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        ('"10.0.0.0/8"', "10.255.0.1", True),
        ('"10.0.0.0/8"', "11.0.0.1", False),
        ('"10.0.0.0/8"', "::ffff:10.0.0.1", True),
        ('["fc00::/7", "1.2.3.4"]', "1.2.3.4", True),
        ('["fc00::/7", "1.2.3.4"]', "fd00::1", True),
        ('"0.0.0.0/0"', "::1", False),
        ('"::/0"', "no address", False),
        ('"0.0.0.0/0"', "/run/docker.sock", False),
    ],
)
def test_addresses_are_looked_for_in_networks(networks: str, address: str, *, expected: bool) -> None:
    condition = f'{{ field = "network.address", within = {networks} }}'
    assert holds(condition, kind=ActivityKind.CONNECTED, address=address) is expected


def test_numbers_are_compared() -> None:
    ports = [0, 1, 80, 81]
    found = [[holds(f'{{ field = "network.port", {word} = 80 }}', port=port) for port in ports] for word in NUMBERS]
    assert found == [[False, False, True, False], [False, False, True, True], [False, True, True, False]]


NUMBERS = ("is", "at_least", "at_most")


def test_conditions_are_joined() -> None:
    true, false = '{ field = "process.user", is = 33 }', '{ field = "process.user", is = 0 }'
    assert holds(f"{{ all = [{true}, {true}] }}")
    assert not holds(f"{{ all = [{true}, {false}] }}")
    assert holds(f"{{ any = [{false}, {true}] }}")
    assert not holds(f"{{ any = [{false}, {false}] }}")
    assert holds(f"{{ not = {false} }}")
    assert not holds(f"{{ not = {true} }}")


ANYTHING = {
    FieldType.TEXT: ['matches = ".*"', 'starts_with = "/"', 'contains = "a"'],
    FieldType.PATH: ['matches = ".*"', 'under = "/"', 'ends_with = "a"', 'is = "a"'],
    FieldType.NUMBER: ["at_least = -1", "at_most = 4294967296", "is = 0"],
    FieldType.ADDRESS: ['within = ["0.0.0.0/0", "::/0"]', 'matches = ".*"'],
    FieldType.BOOLEAN: ["is = true"],
}
ALWAYS_THERE = {"activity.kind", "process.argument_count", "ancestors.count"}


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - ALWAYS_THERE))
def test_a_missing_field_matches_nothing(name: str) -> None:
    nothing = Activity(ActivityKind.EXECUTED, 0, "c", ProcessFacts())
    for comparison in ANYTHING[FIELDS[name].type]:
        assert not Engine([rule(f'{{ field = "{name}", {comparison} }}')]).match(nothing)


def test_rules_are_found_by_any_name_of_the_program_and_told_once() -> None:
    wants = rule(
        '{ any = [{ field = "process.programs", is = "sh" }, { field = "process.programs", in = ["busybox"] }] }'
    )
    activity = Activity(ActivityKind.EXECUTED, 0, "c", ProcessFacts("sh", "/bin/busybox", ("sh",)))
    (match,) = Engine([wants]).match(activity)
    assert (match.rule, match.facts, match.key) == (wants, {"process.programs": "busybox, sh"}, ("/bin/busybox",))


def test_rules_about_other_kinds_are_not_asked() -> None:
    opened = Activity(ActivityKind.OPENED, 0, "c", ProcessFacts("sh"))
    assert Engine([rule('{ field = "process.name", is = "sh" }', kinds='["executed"]')]).match(opened) == ()


def test_what_a_match_tells_is_bounded() -> None:
    fields = [name for name, field in FIELDS.items() if field.type is FieldType.TEXT and not name.startswith("mount")]
    wants = rule("{ any = [" + ", ".join(f'{{ field = "{name}", ends_with = "x" }}' for name in fields * 3) + "] }")
    process = ProcessFacts("x" * 5000, "x" * 5000, ("x" * 5000,) * 64)
    (match,) = Engine([wants]).match(Activity(ActivityKind.EXECUTED, 0, "c", process, (process,) * 8))
    assert len(match.facts) <= MAX_FACTS
    assert max(map(len, match.facts.values())) == MAX_FACT_LENGTH


texts = st.text(max_size=40) | st.sampled_from(
    ["sh", "/bin/sh", "busybox", "/proc/1/mem", "/etc/shadow", "\ud800", "$shells"]
)
numbers = st.integers(-1, 2**64)
processes = st.builds(
    ProcessFacts, texts, texts, st.lists(texts, max_size=6).map(tuple), numbers, st.none() | st.integers(0, 2**32)
)
activities = st.builds(
    Activity,
    kind=st.sampled_from(ActivityKind),
    at=numbers,
    container_id=texts,
    process=processes,
    ancestors=st.lists(processes, max_size=4).map(tuple),
    file_path=texts,
    changed=st.booleans(),
    upper=st.booleans(),
    memfd=st.booleans(),
    unlinked=st.booleans(),
    tmpfs=st.booleans(),
    first_program=st.booleans(),
    address=texts | st.ip_addresses().map(str),
    port=st.integers(0, 65_535),
    arguments=st.lists(texts, max_size=3).map(tuple),
    detail=st.tuples(numbers, numbers),
)


@settings(max_examples=150, deadline=None)
@given(activities)
def test_whatever_a_container_does_is_answered_and_always_alike(activity: Activity) -> None:
    found = BUILTIN.match(activity)
    assert found == BUILTIN.match(activity)
    assert len({match.rule.id for match in found}) == len(found) <= len(BUILTIN.rules)
    assert all(len(text) <= MAX_FACT_LENGTH for match in found for text in match.facts.values())


@settings(max_examples=150, deadline=None)
@given(activities, st.data())
def test_rules_found_by_name_are_those_that_hold(activity: Activity, data: st.DataObject) -> None:
    """One rule by itself answers as it does among all others."""
    one = data.draw(st.sampled_from(UNINDEXED))
    assert bool(one.match(activity)) == any(match.rule.id == one.rules[0].id for match in BUILTIN.match(activity))


def test_every_operator_is_for_some_type() -> None:
    assert all(operator.types for operator in OPERATORS.values())
