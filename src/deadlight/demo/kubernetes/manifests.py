"""Kubernetes objects as JSON, and what an API server adds to them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

import msgspec

from deadlight.demo.kubernetes.resources import PODS, Resource

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON writes it."""


class Part(Enum):
    """Which part of an object a write concerns: over HTTP, the status is a subresource of its own."""

    WHOLE = "whole"
    MAIN = "main"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of an object; `body` is its JSON."""

    namespace: str
    name: str
    uid: str
    version: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    """What field selectors may ask for."""
    body: bytes

    @property
    def key(self) -> str:
        """Where it is stored; lists are in this order."""
        return f"{self.namespace}/{self.name}"

    def manifest(self) -> Manifest:
        """A copy to work on."""
        return parse_manifest(self.body)


def parse_manifest(body: bytes) -> Manifest:
    """Read a JSON object; raises ValueError."""
    return msgspec.json.decode(body, type=Manifest)


def stored(manifest: Manifest) -> Stored:
    """The manifest as it is kept; its metadata must be complete."""
    metadata = manifest["metadata"]
    fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    if manifest["kind"] == PODS.kind:
        fields["spec.nodeName"] = (manifest.get("spec") or {}).get("nodeName", "")
        fields["status.phase"] = (manifest.get("status") or {}).get("phase", "")
    return Stored(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        labels=metadata.get("labels") or {},
        fields=fields,
        body=msgspec.json.encode(manifest),
    )


def created(manifest: Manifest, part: Part, *, uid: str, name: str, now: datetime) -> Manifest:
    """A new object with its identity; a status that came with it counts only in a whole write."""
    ours = {"name": name, "uid": uid, "creationTimestamp": timestamp(now), "generation": 1}
    given = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    result = {**manifest, "metadata": given | ours}
    if part is not Part.WHOLE:
        result["status"] = {"phase": "Pending"} if manifest["kind"] == PODS.kind else {}
    return result


def replaced(before: Manifest, manifest: Manifest, part: Part) -> Manifest:
    """`before` with the part of it that `manifest` writes; identity and history stay."""
    if part is Part.STATUS:
        return {**before, "status": manifest.get("status", {})}
    kept = ("uid", "creationTimestamp", "generation", "managedFields", "resourceVersion")
    metadata = {**manifest["metadata"], **{key: before["metadata"][key] for key in kept if key in before["metadata"]}}
    result = {**manifest, "metadata": metadata}
    if part is Part.MAIN and "status" in before:
        result["status"] = before["status"]
    if result.get("spec") != before.get("spec"):
        metadata["generation"] += 1
    return result


def written_by(manifest: Manifest, manager: str, part: Part, now: datetime) -> Manifest:
    """The manifest with `manager` as the last writer of the part."""
    subresource = {"subresource": "status"} if part is Part.STATUS else {}
    entry = {"manager": manager, "operation": "Update", "apiVersion": manifest["apiVersion"]}
    entry |= {"time": timestamp(now), "fieldsType": "FieldsV1", "fieldsV1": {}} | subresource
    others = [
        other
        for other in manifest["metadata"].get("managedFields", ())
        if (other["manager"], other.get("subresource")) != (manager, entry.get("subresource"))
    ]
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": [*others, entry]}}


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def bookmark(resource: Resource, version: int, *, initial_end: bool) -> Manifest:
    """What a bookmark carries: no object, but shaped like one, null list included."""
    metadata: Manifest = {"resourceVersion": str(version)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    shape: Manifest = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return {**shape, "spec": {"containers": None}, "status": {}} if resource is PODS else shape


def timestamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as Kubernetes writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
