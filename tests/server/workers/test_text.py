"""An alert in words."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.workers.samples import sample_data
from deadlight.server.workers.text import MAX_NAMES, describe, title


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        (EventType.WORKLOAD_CHANGED, "[test] Workload changed: default/sample on sample-cluster"),
        (
            EventType.INTEGRITY_VIOLATION_DETECTED,
            "[test] Digest Mismatch (Critical): default/sample on sample-cluster",
        ),
        (EventType.INTEGRITY_VIOLATION_CLOSED, "[test] Integrity violation closed: default/sample on sample-cluster"),
        (
            EventType.UNTRUSTED_REGISTRY_DETECTED,
            "[test] Image from an untrusted registry: default/sample on sample-cluster",
        ),
        (EventType.VULNERABILITIES_CHANGED, "[test] Vulnerabilities changed: default/sample on sample-cluster"),
    ],
)
def test_a_title_says_what_happened_where(event_type: EventType, expected: str) -> None:
    assert title(event_type.value, sample_data(event_type)) == expected


def test_a_title_says_when_it_is_about_the_demonstration() -> None:
    data = sample_data(EventType.WORKLOAD_CHANGED) | {"demonstration": True, "test": False}
    assert title("WorkloadChanged", data).startswith("[demonstration] Workload changed")


@given(st.text(), st.text(), st.text())
def test_a_title_is_one_line_whatever_the_names(name: str, namespace: str, cluster: str) -> None:
    data = {"workload": {"name": name, "namespace": namespace, "cluster": cluster}}
    assert len(title("WorkloadChanged", data).splitlines()) == 1


def test_every_event_has_a_title_of_its_own() -> None:
    assert len({title(item.value, sample_data(item)) for item in ALERTABLE}) == len(ALERTABLE)


def fact(data: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in describe({"data": data}) if key == name]


@pytest.mark.req("F1", "F2", "F8")
def test_whom_to_ask_is_said_with_the_source_and_unknown_where_nobody_is() -> None:
    data = sample_data(EventType.WORKLOAD_CHANGED)
    assert fact(data, "Deployed By") == ["someone@example.com (sample)"]
    assert fact(data, "Build Owner") == ["builder@example.com (sample)"]
    data["workload"]["deployed_by"] = None
    data["images"][0]["build_owner"] = None
    assert (fact(data, "Deployed By"), fact(data, "Build Owner")) == (["unknown"], ["unknown"])


@pytest.mark.req("F20")
def test_what_is_many_is_named_in_part_and_counted_in_full() -> None:
    data = sample_data(EventType.VULNERABILITIES_CHANGED)
    names = [{"cve_id": f"CVE-2026-{number:04}", "severity": "High"} for number in range(50)]
    data["images"][0] |= {"vulnerabilities_count": 73, "vulnerabilities": names}
    data["images"] = data["images"] * 25
    data["workload"]["nodes"] = [f"node-{number}" for number in range(12)]
    vulnerabilities = fact(data, "Vulnerabilities")
    assert len(vulnerabilities) == MAX_NAMES
    assert vulnerabilities[0].startswith("73: CVE-2026-0000 (High), ")
    assert vulnerabilities[0].endswith("CVE-2026-0009 (High) and 63 more")
    assert fact(data, "Images") == ["15 more, not named here"]
    assert fact(data, "Nodes")[0].endswith("node-9 and 2 more")


@settings(max_examples=30)
@given(st.text(max_size=20), st.text(max_size=20))
@example("sh\nWhat was done: The kernel refused the program", "\x1b[2J\u202e")
def test_what_a_container_calls_its_program_is_one_line_and_nothing_a_terminal_obeys(word: str, path: str) -> None:
    data = sample_data(EventType.THREAT_DETECTED)
    data["detection"] |= {"process": {"path": path, "arguments": [word]}, "facts": {"file.path": path}}
    facts = [value for _, value in describe({"data": data})]
    assert [value for value in facts if len(value.splitlines()) > 1 or not value.isprintable()] == []


def test_evidence_is_told_in_plain_words_where_there_are_some() -> None:
    data = sample_data(EventType.THREAT_DETECTED)
    data["detection"]["facts"] = {"process.programs": "nc", "of.a.later.version": "1"}
    assert fact(data, "Evidence") == ["Program names: nc, of.a.later.version: 1"]


def test_what_is_not_known_is_not_made_up() -> None:
    data = sample_data(EventType.WORKLOAD_CHANGED)
    data["images"][0] |= {"vulnerabilities_count": None, "risks": [], "integrity_status": "", "expected_digest": ""}
    assert fact(data, "Vulnerabilities") == ["not scanned"]
    assert fact(data, "Risks") == ["none known"]
    assert fact(data, "Integrity status") == []
    assert fact(data, "Registry digest") == []
    data["images"][0] |= {"vulnerabilities_count": 0, "vulnerabilities": []}
    assert fact(data, "Vulnerabilities") == ["0"]
