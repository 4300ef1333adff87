"""What is stored with a violation when it is detected, so that it can be shown after everything has changed. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deadlight.server.integrity.sources import NOBODY, Push
from deadlight.server.integrity.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was known about the image and its source at the time."""

    image_tag_id: int
    reference: str
    running_digest: str
    platform: str
    registry_type: str
    deployed_at: datetime | None
    """When the first of its running containers started, or where none runs any more, the first of those that did."""
    tag_seen_changed_at: datetime | None
    """When the registry was first seen to have another digest under the tag; the push itself was earlier."""
    tag_updated_at: datetime | None
    """When the tag came to be that digest: at the push, or when that was first seen; None where nobody saw it move."""
    last_seen_present_at: datetime | None
    """When the registry last had the tag, as far as it was asked."""
    is_exposed: bool
    """Whether a workload has the image, or had it and was gone before the first verdict. Else nothing is violated."""
    registry_link: str = ""
    """Where the registry's word can be read again: its own page of what is expected, or the manifest."""
    origin: str = ""
    """What the image is a cached copy of, where its repository is a cache."""
    pushed: Push = NOBODY
    """Of what the registry has under the tag."""
    running_pushed: Push = NOBODY
    """Of what runs."""
    deleted: Push = NOBODY
    """Who deleted the tag, and when, as a webhook said."""
    restorable_from: str = ""
    """Where what was deleted can be restored from."""


def build_evidence(verdict: Verdict, circumstances: Circumstances) -> dict[str, Any]:
    """JSON-able evidence of a violation."""
    mutability = verdict.mutability
    return {
        "reference": circumstances.reference,
        "platform": circumstances.platform,
        "registry_type": circumstances.registry_type,
        "running_digest": circumstances.running_digest,
        "registry_digest": verdict.expected_digest,
        "artifact_found": bool(verdict.expected_digest),
        "reason": verdict.reason,
        "tag_mutable": mutability.mutable if mutability else None,
        "mutability_source": mutability.source.value if mutability else None,
        "mutability_detail": mutability.detail if mutability else "",
        "deployed_at": _iso(circumstances.deployed_at),
        "tag_seen_changed_at": _iso(circumstances.tag_seen_changed_at),
        "tag_updated_at": _iso(circumstances.tag_updated_at),
        "last_seen_present_at": _iso(circumstances.last_seen_present_at),
        "registry_link": circumstances.registry_link,
        "origin": circumstances.origin,
        "pushed_by": circumstances.pushed.by,
        "pushed_at": _iso(circumstances.pushed.at),
        "running_pushed_by": circumstances.running_pushed.by,
        "running_pushed_at": _iso(circumstances.running_pushed.at),
        "deleted_by": circumstances.deleted.by,
        "deleted_at": _iso(circumstances.deleted.at),
        "restorable_from": circumstances.restorable_from,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
