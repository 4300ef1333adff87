"""Checkov's JSON, recorded from version 3.3.30 over four small files."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.vulnerability import Severity
from deadlight.scanner.errors import SideProcessError
from deadlight.scanner.exposures.exposure_scanner import MAX_EXPOSURES, KeptFile
from deadlight.scanner.exposures.iac.report import parse_report
from deadlight.scanner.exposures.iac.severities import severity_of

RECORDED = (Path(__file__).parent / "checkov-3.3.30.json").read_bytes()
FILES = {
    path: KeptFile(f"/srv/deploy{path}", b"", "sha256:1")
    for path in ("/f1/main.tf", "/f1/broken.tf", "/f2/pod.yaml", "/f2/Dockerfile", "/f2/stack.json")
}


def test_every_failed_check_is_an_exposure_at_its_line() -> None:
    judgement = parse_report(RECORDED, FILES)
    assert sorted(
        (one.rule_id, one.severity.value, one.path, one.location, one.cwe) for one in judgement.exposures
    ) == [
        ("EXP-IAC-CKV2_AWS_6", "High", "/srv/deploy/f1/main.tf", "line 1", "CWE-284"),
        ("EXP-IAC-CKV_AWS_20", "High", "/srv/deploy/f1/main.tf", "line 1", "CWE-284"),
        ("EXP-IAC-CKV_AWS_20", "High", "/srv/deploy/f2/stack.json", "line 2", "CWE-284"),
        ("EXP-IAC-CKV_AWS_24", "High", "/srv/deploy/f1/main.tf", "line 6", "CWE-284"),
        ("EXP-IAC-CKV_DOCKER_1", "High", "/srv/deploy/f2/Dockerfile", "line 2", "CWE-284"),
        ("EXP-IAC-CKV_K8S_12", "Low", "/srv/deploy/f2/pod.yaml", "line 1", "CWE-770"),
        ("EXP-IAC-CKV_K8S_16", "High", "/srv/deploy/f2/pod.yaml", "line 1", "CWE-250"),
    ]
    assert all(one.title and one.description and one.recommendation and one.evidence for one in judgement.exposures)


def test_what_it_could_not_parse_is_told() -> None:
    assert parse_report(RECORDED, FILES).problems == ("/srv/deploy/f1/broken.tf: checkov could not parse it",)


def test_files_of_other_images_are_left_to_them() -> None:
    only = {"/f2/Dockerfile": FILES["/f2/Dockerfile"]}
    judgement = parse_report(RECORDED, only)
    assert [one.rule_id for one in judgement.exposures] == ["EXP-IAC-CKV_DOCKER_1"]
    assert judgement.problems == ()


def test_nothing_to_judge_gives_one_summary() -> None:
    assert parse_report(b'{"passed": 0, "failed": 0, "checkov_version": "3.3.30"}', FILES).exposures == ()


def test_no_more_is_told_than_anybody_reads() -> None:
    check = {"check_id": "A", "check_name": "b", "file_path": "/f1/main.tf"}
    checks = [check | {"file_line_range": [line, line]} for line in range(MAX_EXPOSURES + 3)]
    judgement = parse_report(json.dumps({"results": {"failed_checks": checks}}).encode(), FILES)
    assert len(judgement.exposures) == MAX_EXPOSURES
    assert judgement.problems == ("1003 exposures were found, of which the 1000 gravest are told",)


@given(content=st.binary(max_size=100) | st.just(b"[" * 100_000) | st.just(b'{"results": {"failed_checks": [{}]}}'))
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(SideProcessError):
        parse_report(content + b"?", FILES)


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("Do not admit privileged containers", Severity.HIGH),
        ("Ensure no security groups allow ingress from 0.0.0.0:0 to port 22", Severity.HIGH),
        ("Ensure no hard coded AWS access key and secret key exists in provider", Severity.HIGH),
        ("Ensure that S3 buckets are encrypted with KMS by default", Severity.MEDIUM),
        ("Minimize the admission of root containers", Severity.MEDIUM),
        ("Ensure the S3 bucket has access logging enabled", Severity.LOW),
        ("CPU limits should be set", Severity.LOW),
        ("Ensure something else", Severity.LOW),
    ],
)
def test_a_check_is_as_severe_as_what_it_is_about(name: str, severity: Severity) -> None:
    assert severity_of(name)[0] is severity
