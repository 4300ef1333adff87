"""Every rule is held to the samples in its own file."""

import pytest

from deadlight.threats.engine import Engine, load_builtin
from deadlight.threats.rule import Rule, Sample

SAMPLES = [
    pytest.param(rule, sample, id=f"{rule.id}: {sample.says}") for rule in load_builtin() for sample in rule.samples
]


@pytest.mark.parametrize(("rule", "sample"), SAMPLES)
def test_a_rule_matches_the_samples_that_it_must_and_no_others(rule: Rule, sample: Sample) -> None:
    assert bool(Engine([rule]).match(sample.activity)) is sample.matches
