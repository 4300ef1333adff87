"""What the service says of an image tag, with everything filled in that a test does not care about."""

from datetime import UTC, datetime
from typing import Any

from deadlight.model.attribution import Confidence, Party
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.schemas import ImageTagDetail, SourceOut, VerdictOut
from deadlight.server.integrity.recommendations import recommended_steps
from deadlight.server.owners.attributions import AttributionOut

AT = datetime(2026, 11, 1, 12, 0, 5, tzinfo=UTC)


def somebody(value: str, source: str = "image label") -> AttributionOut:
    """Who is named by a source that anybody could have written to."""
    claim: dict[str, Any] = {
        "confidence": Confidence.STATED,
        "party": Party.PERSON,
        "detail": "",
        "at": None,
        "others": [],
    }
    return AttributionOut.model_validate({"value": value, "source": source, "link": "", "revision": "", **claim})


ADA = somebody("Ada <ada@example.com>")
GRACE = somebody("grace@example.com", "annotation")
EVIDENCE = {"deployed_at": "2026-10-30T09:00:00+00:00", "tag_seen_changed_at": "2026-11-01T12:00:00+00:00"}


def verdict(violation: ViolationType | None = ViolationType.DIGEST_MISMATCH, **more: Any) -> VerdictOut:
    """A verdict, of a violation unless told otherwise."""
    values: dict[str, Any] = {
        "status": IntegrityStatus.INVALID_IMAGE_INTEGRITY if violation else IntegrityStatus.NO_ISSUES,
        "violation_type": violation,
        "violation_severity": violation and violation.severity,
        "expected_digest": "sha256:bbbb",
        "expected_link": "https://registry.example/v2/shop/web/manifests/sha256:bbbb",
        "reason": "the registry has another image",
        "judged_at": AT,
        "first_detected_at": AT,
        "first_ever_detected_at": AT,
        "occurrence": 1,
        "tag_mutable": False,
        "mutability_source": "shape of the tag",
        "mutability_detail": "'1.0.0' looks like a full version",
        "evidence": EVIDENCE,
        "recommended_steps": list(recommended_steps(violation)) if violation else [],
        "stale_reason": "",
        "stale_since": None,
        "problem": "",
    }
    return VerdictOut(**values | more)


def image(**more: Any) -> ImageTagDetail:
    """`registry.example/shop/web:1.0.0`, which is violated."""
    values: dict[str, Any] = {
        "id": 7,
        "registry": "registry.example",
        "repository": "shop/web",
        "tag": "1.0.0",
        "digest": "sha256:aaaa",
        "platform": "linux/amd64",
        "risks": [Risk.INTEGRITY_VIOLATION],
        "integrity_status": IntegrityStatus.INVALID_IMAGE_INTEGRITY,
        "violation_type": ViolationType.DIGEST_MISMATCH,
        "severities": {Severity.LOW: 3, Severity.CRITICAL: 1},
        "detections": dict.fromkeys(Severity, 0),
        "scan_status": "done",
        "workloads_count": 1,
        "clusters_count": 1,
        "demonstration": False,
        "pinned_digest": "",
        "first_seen_at": AT,
        "runtime_status": RuntimeStatus.RUNNING,
        "namespaces": ["shop"],
        "namespaces_count": 1,
        "providers": ["AWS"],
        "source": SourceOut(
            host="registry.example",
            type="artifactory",
            product="Artifactory",
            expected_digest_label="Artifactory Digest (Expected)",
            trusted=True,
            link="",
            origin="",
        ),
        "distribution": "Debian:12",
        "scan_error": "",
        "scanned_at": AT,
        "scan_problems": [],
        "scan_with": "deadlight",
        "scan_decision": "",
        "verdict": verdict(),
        "build_owner": ADA,
        "deployed_by": [GRACE],
        "findings_count": 4,
        "applicable_vulnerabilities": 1,
        "validated_vulnerabilities": 0,
        "critical_applicable": 1,
        "malicious_packages": 0,
        "packages_count": 5,
    }
    return ImageTagDetail(**values | more)
