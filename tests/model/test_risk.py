"""Risks in the spelling of every surface."""

import pytest

from deadlight.model.risk import Risk


@pytest.mark.parametrize(
    ("spelling", "risk"),
    [
        ("malicious", Risk.MALICIOUS),
        ("untrusted_registry", Risk.UNTRUSTED_REGISTRY),
        ("untrusted_registry_images", Risk.UNTRUSTED_REGISTRY),
        ("integrity_violation", Risk.INTEGRITY_VIOLATION),
        ("critical_applicable", Risk.CRITICAL_APPLICABLE_CVES),
        ("critical_applicable_cve", Risk.CRITICAL_APPLICABLE_CVES),
        ("critical_applicable_cves", Risk.CRITICAL_APPLICABLE_CVES),
        ("critical_and_applicable_cves", Risk.CRITICAL_APPLICABLE_CVES),
    ],
)
def test_every_documented_spelling_is_accepted(spelling: str, risk: Risk) -> None:
    assert Risk.parse(spelling) is risk


def test_another_spelling_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="integrity_violation"):
        Risk.parse("nonsense")


def test_every_risk_has_its_badge() -> None:
    assert [risk.label for risk in Risk] == [
        "Malicious Packages",
        "Integrity Violation",
        "Applicable + Critical CVEs",
        "Untrusted Registry",
    ]
