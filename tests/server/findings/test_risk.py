"""The risk of an image is computed from its findings, and packed without loss."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.server.findings.strategies import findings

from deadlight.model.vulnerability import Applicability, Severity, Stage
from deadlight.server.findings.risk import STAGE_BITS, Finding, RiskChange, pack, summarise, unpack

HIGH = Finding(
    image_id=1,
    package_id=1,
    vulnerability_id=1,
    severity=Severity.HIGH,
    malicious=False,
    fixable=True,
    applicability=Applicability.APPLICABLE,
    validated=True,
)


@given(st.dictionaries(st.integers(0, 2 ** (32 - STAGE_BITS) - 1), st.sampled_from(Stage), max_size=50))
def test_packing_loses_nothing_and_sorts(stages: dict[int, Stage]) -> None:
    packed = pack(stages)
    assert unpack(packed) == stages
    values = np.frombuffer(packed, "<u4")
    assert list(values) == sorted(values)


@given(st.lists(findings, max_size=20))
def test_the_order_of_findings_does_not_matter_but_for_a_severity_they_contradict_each_other_in(
    items: list[Finding],
) -> None:
    severities = {item.vulnerability_id: item.severity for item in items}
    consistent = [item._replace(severity=severities[item.vulnerability_id]) for item in items]
    assert summarise(consistent) == summarise(consistent[::-1])
    risk = summarise(consistent)
    assert sum(risk.count().severities.values()) == len(risk.stages) == len(severities)


def test_a_vulnerability_in_two_packages_counts_once_with_its_furthest_stage() -> None:
    risk = summarise([HIGH, HIGH._replace(package_id=2, validated=False)])
    assert risk.stages == {1: Stage.VALIDATED_IN_RUNTIME}
    assert (risk.count().severities[Severity.HIGH], risk.count().validated) == (1, 1)


def test_each_stage_needs_those_before() -> None:
    assert summarise([HIGH._replace(severity=Severity.MEDIUM)]).stages == {1: Stage.ALL}
    assert summarise([HIGH._replace(applicability=Applicability.NOT_COVERED)]).stages == {1: Stage.CRITICAL_AND_HIGH}
    assert summarise([HIGH._replace(fixable=False)]).stages == {1: Stage.APPLICABLE}
    assert summarise([HIGH._replace(validated=False)]).stages == {1: Stage.WITH_FIX_VERSION}


def test_malicious_packages_are_counted_by_package() -> None:
    bad = HIGH._replace(malicious=True)
    assert summarise([bad, bad._replace(vulnerability_id=2), bad._replace(package_id=2)]).malicious == 2


def test_critical_and_applicable_needs_both_in_one_finding() -> None:
    critical = HIGH._replace(severity=Severity.CRITICAL)
    assert summarise([critical]).count().critical_applicable == 1
    undetermined = critical._replace(applicability=Applicability.UNDETERMINED)
    assert summarise([undetermined, HIGH]).count().critical_applicable == 0


def test_a_change_without_content_is_no_news() -> None:
    assert not RiskChange(1).is_news
    assert RiskChange(1, advanced=(7,)).is_news
