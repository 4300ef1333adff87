"""What an API server sends: admission.k8s.io/v1 reviews and audit.k8s.io/v1 events, with the real one's fields."""

from typing import Any
from uuid import uuid4

import msgspec

GRACE = {"username": "grace@example.com", "groups": ["developers", "system:authenticated"]}
RECEIVED = "2026-11-01T12:00:00.123456Z"


def deployment(image: str = "web:1", *, uid: str = "web-uid", kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    """A workload with one container; `more` goes into its specification."""
    pods: dict[str, Any] = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    spec: dict[str, Any] = {"replicas": 1, "template": pods, **more}
    if kind == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": {"template": pods}}}
    if kind == "Pod":
        spec = pods["spec"]
    metadata = {"name": "web", "namespace": "shop", "uid": uid, "managedFields": [{"fieldsV1": {"f:spec": {}}}]}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec, "status": {}}


def review(
    wanted: Any, before: Any = None, *, user: dict[str, Any] | None = None, uid: str = "", **more: Any
) -> dict[str, Any]:
    """A review of a creation, or with `before` of an update."""
    request = {
        "uid": uid or str(uuid4()),
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "name": "web",
        "namespace": "shop",
        "operation": "UPDATE" if before else "CREATE",
        "userInfo": user or GRACE,
        "object": wanted,
        "oldObject": before,
        "dryRun": False,
        "options": {"kind": "UpdateOptions"},
        **more,
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def event(answer: Any, **more: Any) -> dict[str, Any]:
    """An event about a request that was fulfilled."""
    return {
        "level": "RequestResponse",
        "auditID": str(uuid4()),
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl",
        "verb": "patch",
        "user": GRACE,
        "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestObject": {"spec": {}},
        "responseObject": answer,
        "requestReceivedTimestamp": RECEIVED,
        "stageTimestamp": RECEIVED,
        **more,
    }


def events(*items: Any) -> bytes:
    """A batch as the audit backend sends it."""
    return encoded({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": list(items)})


def encoded(value: Any) -> bytes:
    """As bytes."""
    return msgspec.json.encode(value)
