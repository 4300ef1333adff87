"""What an issue says, in each of its formats."""

import csv
import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.assessment.details import AT, GRACE, image, somebody, verdict

from deadlight.model.integrity import ViolationType
from deadlight.server.assessment.issue import IssuePlace, build_issue, describe_elapsed
from deadlight.server.assessment.issue_formats import COLUMNS, PLACES_NAMED, as_csv, as_markdown
from deadlight.server.integrity.recommendations import recommended_steps
from deadlight.server.owners.attributions import AttributionOut


def place(workload: str = "web", deployed_by: AttributionOut | None = GRACE) -> IssuePlace:
    return IssuePlace(
        cluster="production",
        namespace="shop",
        kind="Deployment",
        workload=workload,
        nodes=["node-1"],
        first_detected_at=AT,
        deployed_by=deployed_by,
    )


@pytest.mark.req("F9")
def test_it_names_the_violation_both_digests_the_builder_each_deployer_and_what_to_do() -> None:
    issue = build_issue(image(), [place(), place("batch", None)], 2, "https://d/7")
    assert as_markdown(issue).split("\n")[:20] == [
        "## Digest Mismatch (Critical): registry.example/shop/web:1.0.0",
        "",
        "- Image: registry.example/shop/web:1.0.0 (linux/amd64)",
        "- Integrity status: Invalid Image Integrity",
        "- Violation: Digest Mismatch (Critical)",
        "- Reason: the registry has another image",
        "- Runtime Digest (Actual): sha256:aaaa",
        "- Artifactory Digest (Expected): sha256:bbbb",
        "- Artifact: https://registry.example/v2/shop/web/manifests/sha256:bbbb",
        "- First Detected: 2026-11-01T12:00:05+00:00",
        "- Risks: Integrity Violation",
        "- Vulnerabilities: 1 Critical, 3 Low",
        "- Build Owner: Ada <ada@example.com> (image label)",
        "- Deployed By: grace@example.com (annotation): Deployment shop/web on production, node node-1",
        "- Deployed By: Unknown: Deployment shop/batch on production, node node-1",
        "- Details: https://d/7",
        "",
        "Recommended steps:",
        "",
        f"- [ ] {recommended_steps(ViolationType.DIGEST_MISMATCH)[0]}",
    ]


@pytest.mark.req("F9", "I14", "I15", "I16")
def test_a_moved_tag_comes_with_its_timeline() -> None:
    moved = verdict(ViolationType.POST_DEPLOYMENT_TAG_UPDATE)
    issue = build_issue(image(verdict=moved), [place()], 1, "")
    for line in (
        "- Deployment Time: 2026-10-30T09:00:00+00:00",
        "- Tag Update Time: 2026-11-01T12:00:00+00:00",
        "- Elapsed: 2 d 3 h after the deployment",
    ):
        assert line in as_markdown(issue)


@pytest.mark.req("F9", "I12", "I13")
def test_a_missing_source_comes_with_the_path_where_it_was_expected() -> None:
    missing = verdict(ViolationType.MISSING_SOURCE, expected_digest="", expected_link="", evidence={})
    text = as_markdown(build_issue(image(verdict=missing), [place()], 1, ""))
    assert "- Artifact Not Found: registry.example/shop/web:1.0.0" in text
    assert "Tag Update Time" not in text


def test_it_says_what_is_not_known_instead_of_leaving_it_out() -> None:
    nothing = verdict(None, status=None, first_detected_at=None, evidence={})
    issue = build_issue(image(verdict=nothing, build_owner=None, severities=None, risks=[]), [], 0, "")
    text = as_markdown(issue)
    assert issue.title == "Image: registry.example/shop/web:1.0.0"
    for line in (
        "- Integrity status: Not compared yet",
        "- Runtime Digest (Actual): sha256:aaaa",
        "- Vulnerabilities: Not scanned",
        "- Build Owner: Unknown",
        "- Deployed By: Unknown: no workload has it now",
    ):
        assert line in text
    assert "- Violation" not in text
    assert "- Details" not in text
    (header, row) = csv.reader(io.StringIO(as_csv(issue)))
    assert dict(zip(header, row, strict=True))["deployed_by"] == "Unknown"


def test_places_that_are_not_named_are_counted() -> None:
    places = [place(f"web-{number}") for number in range(PLACES_NAMED + 5)]
    text = as_markdown(build_issue(image(), places, 3000, ""))
    assert text.count("- Deployed By:") == PLACES_NAMED
    assert f"- Workloads: {3000 - PLACES_NAMED} more, not named here" in text


@pytest.mark.req("F9")
def test_a_spreadsheet_has_a_line_for_each_place() -> None:
    issue = build_issue(image(), [place(), place("batch", None)], 2, "https://d/7")
    header, *rows = csv.reader(io.StringIO(as_csv(issue)))
    assert tuple(header) == COLUMNS
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(item["workload"], item["deployed_by"], item["build_owner"]) for item in found] == [
        ("web", "grace@example.com", "Ada <ada@example.com>"),
        ("batch", "Unknown", "Ada <ada@example.com>"),
    ]
    assert {(item["violation_type"], item["severity"], item["nodes"]) for item in found} == {
        ("Digest Mismatch", "Critical", "node-1")
    }


HOSTILE = st.sampled_from(["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\nb", '"', ","]) | st.text()


@given(HOSTILE)
def test_no_name_becomes_a_formula_another_cell_or_another_line(name: str) -> None:
    owner = somebody(name)
    issue = build_issue(image(build_owner=owner), [place(name)], 1, "")
    (header, row) = csv.reader(io.StringIO(as_csv(issue), newline=""))
    assert len(row) == len(header)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    lines = as_markdown(issue).split("\n")
    assert sum(line.startswith("- Build Owner:") for line in lines) == 1
    assert len(lines) == len(as_markdown(build_issue(image(), [place()], 1, "")).split("\n"))


@pytest.mark.parametrize("name", ["![x](http://evil.example/x.png)", "[a](javascript:b)", "<img src=x>", "`code`"])
def test_no_name_is_rendered(name: str) -> None:
    owner = somebody(name)
    text = as_markdown(build_issue(image(build_owner=owner), [], 0, ""))
    assert f": {name}" not in text
    assert name in text.replace("\\", "")


def test_a_tag_is_updated_when_the_evidence_says_so() -> None:
    pushed = {"deployed_at": "2026-10-30T09:00:00+00:00", "tag_seen_changed_at": AT.isoformat()}
    pushed["tag_updated_at"] = "2026-10-31T09:00:00+00:00"
    moved = verdict(violation_type=ViolationType.POST_DEPLOYMENT_TAG_UPDATE, evidence=pushed)
    violation = build_issue(image(verdict=moved), [], 0, "").violation
    assert violation
    assert violation.elapsed == "1 d after the deployment"


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [
        (timedelta(days=2, hours=3, minutes=9), "2 d 3 h after the deployment"),
        (timedelta(seconds=-90), "1 min 30 s before the deployment"),
        (timedelta(0), "under a second after the deployment"),
    ],
)
def test_elapsed_time_is_told_from_the_deployment(elapsed: timedelta, expected: str) -> None:
    assert describe_elapsed(elapsed) == expected
