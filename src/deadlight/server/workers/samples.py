"""Sample events, for trying a worker before anything has happened. Marked as a test wherever they arrive."""

from typing import Any

from deadlight.model.event import EventType
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.server.workers.threats import sample_detection

_DIGEST = "sha256:" + "1f" * 32
_EXPECTED = "sha256:" + "2e" * 32


def sample_data(event_type: EventType) -> dict[str, Any]:
    """The `data` of a CloudEvent about a workload that does not exist."""
    violated = event_type in {EventType.INTEGRITY_VIOLATION_DETECTED, EventType.INTEGRITY_VIOLATION_CLOSED}
    untrusted = event_type is EventType.UNTRUSTED_REGISTRY_DETECTED
    status = IntegrityStatus.NO_ISSUES
    if violated:
        status = IntegrityStatus.INVALID_IMAGE_INTEGRITY
    if untrusted:
        status = IntegrityStatus.UNTRUSTED_REGISTRY
    risks = [Risk.INTEGRITY_VIOLATION.value] * violated + [Risk.UNTRUSTED_REGISTRY.value] * untrusted
    data: dict[str, Any] = {
        "test": True,
        "workload": {
            "name": "sample",
            "namespace": "default",
            "cluster": "sample-cluster",
            "kind": "Deployment",
            "status": "running",
            "nodes": ["node-1"],
            "risks": risks,
            "vulnerabilities_count": 1,
            "deployed_by": {"value": "someone@example.com", "source": "sample", "link": ""},
        },
        "images": [_image(status, risks, violated=violated)],
        "owner": {
            "team": "sample team",
            "person": "Owner",
            "email": "owner@example.com",
            "slack": "#sample",
            "on_call": "",
            "source": "sample",
        },
        "demonstration": False,
        "links": {"image": ""},
    }
    if event_type is EventType.WORKLOAD_CHANGED:
        data["change"] = {"status": True, "image_list": True, "removed": False, "first_sync": False}
    if violated:
        violation = ViolationType.DIGEST_MISMATCH
        data["violation"] = {"type": violation.value, "severity": violation.severity.value, "evidence": {}}
    if event_type is EventType.THREAT_DETECTED:
        data["detection"] = sample_detection()
    return data


def _image(status: IntegrityStatus, risks: list[str], *, violated: bool) -> dict[str, Any]:
    return {
        "name": "registry.example.com/team/sample:1.2.3",
        "registry": "registry.example.com",
        "repository_path": "team/sample",
        "tag": "1.2.3",
        "digest": _DIGEST,
        "platform": "linux/amd64",
        "integrity_status": status.value,
        "violation_type": ViolationType.DIGEST_MISMATCH.value if violated else "",
        "expected_digest": _EXPECTED if violated else _DIGEST,
        "risks": risks,
        "vulnerabilities_count": 1,
        "severities": {"Critical": 1, "High": 0, "Medium": 0, "Low": 0, "Unknown": 0},
        "vulnerabilities": [
            {"cve_id": "CVE-2021-44228", "severity": "Critical", "fix_version": "2.15.0", "known_exploited": True}
        ],
        "build_owner": {"value": "builder@example.com", "source": "sample", "link": ""},
    }
