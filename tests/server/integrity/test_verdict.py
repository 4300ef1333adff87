"""What a comparison means, for every kind of answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import digest

from deadlight.model.integrity import IntegrityStatus, MutabilitySource, ViolationType
from deadlight.model.vulnerability import Severity
from deadlight.server.integrity.mutability import Mutability
from deadlight.server.integrity.verdict import UNTRUSTED, Missing, Present, Unavailable, Verdict, judge

MUTABLE = Mutability(True, MutabilitySource.DOCUMENTED_NAME, "'latest' moves")
IMMUTABLE = Mutability(False, MutabilitySource.SHAPE, "'1.0.0' is a full version")
RUNNING, OTHER = digest("running"), digest("other")

digests = st.integers().map(digest)
mutabilities = st.sampled_from([MUTABLE, IMMUTABLE])
answers = st.one_of(
    st.just(Missing()),
    st.sets(digests, min_size=1).map(lambda held: Present(min(held), frozenset(held))),
)


def judged(answer: Missing | Present, mutability: Mutability = IMMUTABLE) -> Verdict:
    verdict = judge(RUNNING, answer, mutability)
    assert verdict is not None
    return verdict


@pytest.mark.req("I27", "R14")
@given(st.sets(digests, min_size=1), st.data(), mutabilities)
def test_any_digest_of_the_source_is_no_issue(held: set[str], data: st.DataObject, mutability: Mutability) -> None:
    running = data.draw(st.sampled_from(sorted(held)))
    verdict = judge(running, Present(data.draw(st.sampled_from(sorted(held))), held), mutability)
    assert verdict is not None
    assert verdict.status == "No Issues"
    assert verdict.violation is None
    assert not verdict.status.is_violation


@pytest.mark.req("I28")
def test_an_untrusted_registry_is_a_risk_and_no_violation() -> None:
    assert UNTRUSTED.status == "Untrusted Registry"
    assert UNTRUSTED.violation is None
    assert not UNTRUSTED.status.is_violation


@pytest.mark.req("I29")
@pytest.mark.parametrize("mutability", [MUTABLE, IMMUTABLE])
def test_what_the_registry_does_not_have_is_a_missing_source(mutability: Mutability) -> None:
    verdict = judged(Missing(), mutability)
    assert verdict.status == "Invalid Image Source"
    assert verdict.status.is_violation
    assert verdict.violation == "Missing Source"
    assert verdict.violation.severity is Severity.HIGH
    assert verdict.expected_digest == ""


@pytest.mark.req("I30", "I31", "I33")
def test_another_image_under_an_immutable_tag_is_a_critical_mismatch() -> None:
    verdict = judged(Present(OTHER, {OTHER}), IMMUTABLE)
    assert verdict.status == "Invalid Image Integrity"
    assert verdict.violation == "Digest Mismatch"
    assert verdict.violation.severity is Severity.CRITICAL
    assert verdict.expected_digest == OTHER


@pytest.mark.req("I30", "I31", "I32")
def test_another_image_under_a_mutable_tag_is_a_medium_update() -> None:
    verdict = judged(Present(OTHER, {OTHER}), MUTABLE)
    assert verdict.status == "Invalid Image Integrity"
    assert verdict.violation == "Post-Deployment Tag Update"
    assert verdict.violation.severity is Severity.MEDIUM
    assert "'latest' moves" in verdict.reason


@given(answers, mutabilities, st.text(min_size=1), st.text(min_size=1))
def test_a_registry_that_cannot_be_asked_never_changes_a_status(
    before: Missing | Present, mutability: Mutability, first: str, second: str
) -> None:
    previous = judged(before, mutability)
    for reason in (first, second):
        stale = judge(RUNNING, Unavailable(reason), mutability, previous=previous)
        assert stale is not None
        assert (stale.status, stale.violation, stale.expected_digest) == (
            previous.status,
            previous.violation,
            previous.expected_digest,
        )
        assert stale.stale_reason == reason
        previous = stale


def test_a_registry_that_could_never_be_asked_gives_no_verdict() -> None:
    assert judge(RUNNING, Unavailable("refused"), IMMUTABLE) is None


@given(answers, answers, mutabilities)
def test_an_answer_counts_whatever_was_there_before(
    before: Missing | Present, answer: Missing | Present, mutability: Mutability
) -> None:
    stale = judge(RUNNING, Unavailable("away"), mutability, previous=judged(before, mutability))
    assert judge(RUNNING, answer, mutability, previous=stale) == judged(answer, mutability)


def test_every_violation_has_a_status_of_its_own_severity() -> None:
    assert {kind.value: kind.severity.value for kind in ViolationType} == {
        "Missing Source": "High",
        "Digest Mismatch": "Critical",
        "Post-Deployment Tag Update": "Medium",
    }
    assert {status.value for status in IntegrityStatus} == {
        "No Issues",
        "Untrusted Registry",
        "Invalid Image Source",
        "Invalid Image Integrity",
    }
