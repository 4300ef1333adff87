"""Criteria decide which events become alerts, and a mistake in one never silences anything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.workers.criteria import (
    MAX_LENGTH,
    InvalidCriteriaError,
    Outcome,
    check_criteria,
    evaluate_criteria,
)
from deadlight.server.workers.samples import sample_data


def event(event_type: EventType = EventType.INTEGRITY_VIOLATION_DETECTED) -> dict[str, Any]:
    return {"type": event_type.value, "time": "2026-11-01T12:00:00+00:00", "data": sample_data(event_type)}


@pytest.mark.req("F12", "F13", "F14")
@pytest.mark.parametrize(
    ("criteria", "event_type", "met"),
    [
        ("", EventType.WORKLOAD_CHANGED, True),
        ("  \n ", EventType.WORKLOAD_CHANGED, True),
        ("event.data.change.status", EventType.WORKLOAD_CHANGED, True),
        ("event.data.change.removed", EventType.WORKLOAD_CHANGED, False),
        ('event.data.violation.type == "Digest Mismatch"', EventType.INTEGRITY_VIOLATION_DETECTED, True),
        ('event.data.violation.type == "Missing Source"', EventType.INTEGRITY_VIOLATION_DETECTED, False),
        ('"untrusted_registry" in event.data.workload.risks', EventType.UNTRUSTED_REGISTRY_DETECTED, True),
        ('"untrusted_registry" in event.data.workload.risks', EventType.WORKLOAD_CHANGED, False),
        ('event.data.workload.namespace.startsWith("def")', EventType.WORKLOAD_CHANGED, True),
        ('event.data.workload.cluster.matches("^prod")', EventType.WORKLOAD_CHANGED, False),
        (
            "event.data.images.exists(image, image.vulnerabilities.exists(v, v.severity == 'Critical'))",
            EventType.VULNERABILITIES_CHANGED,
            True,
        ),
        ("event.data.workload.vulnerabilities_count > 100", EventType.VULNERABILITIES_CHANGED, False),
        ('event.type == "WorkloadChanged"', EventType.WORKLOAD_CHANGED, True),
    ],
)
def test_criteria_say_which_events_matter(criteria: str, event_type: EventType, *, met: bool) -> None:
    check_criteria(criteria)
    assert evaluate_criteria(criteria, event(event_type)) == Outcome(met=met)


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ("event.data.", "do not compile"),
        ("1 +", "do not compile"),
        ("evnet.data.x", "undeclared reference to 'evnet.data.x'"),
        ("undefined(event)", "undeclared reference to 'undefined'"),
        ("1 + 1", "must say true or false, this is of type INT"),
        ("'yes'", "must say true or false, this is of type STRING"),
        ("(" * 2000, "do not compile"),
        ("a" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH} characters"),
    ],
)
def test_criteria_that_cannot_work_are_refused_with_the_reason(criteria: str, message: str) -> None:
    with pytest.raises(InvalidCriteriaError) as refusal:
        check_criteria(criteria)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    ("criteria", "error"),
    [
        ("event.data.no.such.field", "Key not found in map"),
        ("event.data.workload", "not true or false"),
        ("event.data.workload.name > 5", "No matching overloads"),
        ("event.data.images[7].tag == ''", "Index error"),
        ("event.data.workload.name.matches('(')", "invalid regular expression"),
    ],
)
def test_criteria_that_fail_on_an_event_count_as_met_and_say_why(criteria: str, error: str) -> None:
    check_criteria(criteria)
    outcome = evaluate_criteria(criteria, event())
    assert outcome.met
    assert error in outcome.error


def test_criteria_made_to_take_for_ever_end() -> None:
    numbers = "[0,1,2,3,4,5,6,7,8,9]"
    nested = "true"
    for name in "abcdefgh":
        nested = f"{numbers}.all({name}, {nested})"
    outcome = evaluate_criteria(nested, event())
    assert outcome.met
    assert outcome.error


@given(st.text(max_size=60) | st.text("event.data()[]{}<>=!&|+-*/'\"19?: ", max_size=60))
def test_any_text_is_criteria_or_refused_and_then_says_yes_or_no(text: str) -> None:
    try:
        check_criteria(text)
    except InvalidCriteriaError:
        return
    assert evaluate_criteria(text, event()).met in {True, False}


@pytest.mark.parametrize("event_type", ALERTABLE)
def test_every_event_can_be_asked_the_questions_of_the_documentation(event_type: EventType) -> None:
    for criteria in (
        'event.data.workload.cluster == "production" && event.data.workload.namespace.startsWith("shop")',
        'event.data.images.exists(image, image.integrity_status == "Invalid Image Integrity")',
        '"untrusted_registry" in event.data.workload.risks',
    ):
        check_criteria(criteria)
        assert not evaluate_criteria(criteria, event(event_type)).error
