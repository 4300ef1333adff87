"""What SARIF 2.1.0 requires of a log, by hand: no package carries the schema, and tests have no network.

Sections 3.13 (log), 3.14 (run), 3.19 (tool component), 3.20 (invocation), 3.27 (result), 3.28 to 3.30 (places), 3.49
(rule) and 3.58 (notification) of the standard.
"""

import re
from typing import Any

LEVELS = {"none", "note", "warning", "error"}
_URI_REFERENCE = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")


def assert_sarif(log: dict[str, Any]) -> None:
    """Fail where a log lacks what is required, or has what cannot be."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        rules = driver["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            _assert_rule(rule)
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            for notice in invocation["toolExecutionNotifications"]:
                assert notice["level"] in LEVELS
                assert notice["message"]["text"]
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        for result in run["results"]:
            _assert_result(result, rules)


def _assert_rule(rule: dict[str, Any]) -> None:
    assert rule["id"]
    assert rule["shortDescription"]["text"]
    assert rule["fullDescription"]["text"]
    assert rule["help"]["text"]
    assert rule["defaultConfiguration"]["level"] in LEVELS
    assert 0 <= float(rule["properties"]["security-severity"]) <= 10
    assert rule.get("helpUri", "https://").startswith("https://")


def _assert_result(result: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["message"]["text"]
    assert result["locations"]
    for location in result["locations"]:
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert uri
        assert _URI_REFERENCE.fullmatch(uri)
        assert place["region"]["startLine"] >= 1
        assert all(part["fullyQualifiedName"] and part["kind"] for part in location["logicalLocations"])
    assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
