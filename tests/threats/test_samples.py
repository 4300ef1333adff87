"""Every rule is held to the samples in its own file."""

from collections.abc import Iterator

import pytest

from deadlight.threats.condition import AllOf, AnyOf, Comparison, Condition, Not
from deadlight.threats.engine import RULES, Engine, iter_builtin_files
from deadlight.threats.rule import Rule, RuleFile
from deadlight.threats.samples import Sample

FILES = list(iter_builtin_files())
SAMPLES = [
    pytest.param(file.rule, sample, id=f"{file.rule.id}: {sample.says}") for file in FILES for sample in file.samples
]


@pytest.mark.parametrize(("rule", "sample"), SAMPLES)
def test_a_rule_matches_the_samples_that_it_must_and_no_others(rule: Rule, sample: Sample) -> None:
    assert bool(Engine([rule]).match(sample.activity)) is sample.matches


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.rule.id)
def test_every_rule_has_two_samples_of_each_kind_and_says_what_to_do(file: RuleFile) -> None:
    matching = [sample.matches for sample in file.samples]
    assert (matching.count(True) >= 2, matching.count(False) >= 2) == (True, True)
    rule = file.rule
    assert all((rule.description, rule.tactic, rule.techniques, rule.recommendation, rule.false_positives))


def test_there_are_many_rules_and_no_two_share_an_id() -> None:
    assert len({file.rule.id for file in FILES}) == len(FILES) >= 25


def excepted(condition: Condition, *, negated: bool = False) -> Iterator[str]:
    """The fields by which a condition makes exceptions."""
    match condition:
        case Comparison():
            yield from [condition.field] * negated
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from excepted(part, negated=negated)
        case Not():
            yield from excepted(condition.part, negated=not negated)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.rule.id)
def test_no_rule_makes_an_exception_by_the_name_that_a_program_gives_itself(file: RuleFile) -> None:
    assert {"process.programs", "process.name"}.isdisjoint(excepted(file.rule.condition))


def test_files_are_called_as_their_rules() -> None:
    assert [path.stem for path in sorted(RULES.glob("*.toml"))] == [file.rule.id for file in FILES]
