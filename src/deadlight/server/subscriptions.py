"""What follows what: THE map from an event to its handlers, which touch only the database.

A handler that has to talk to the world, or that takes long, enqueues a job; `schedule` has the table of those.
"""

from functools import partial

from deadlight.model.event import EventType
from deadlight.server.advisories.changes import merge_advisory_changes
from deadlight.server.attestations.handlers import (
    check_registry_attestations,
    check_scanned_attestations,
    expect_attestations,
)
from deadlight.server.detections.handlers import count_open
from deadlight.server.detections.mismatches import detect_mismatch
from deadlight.server.events.relay import Following, Handler, Subscriptions
from deadlight.server.findings.handlers import (
    advance_used_packages,
    assess_scanned_image,
    judge_configured_cluster,
    judge_moved_images,
    refresh_programs,
    rematch_changed_advisories,
)
from deadlight.server.integrity.handlers import check_new_image, check_registry, follow_workload
from deadlight.server.inventory.changes import merge_changes
from deadlight.server.ledger.handlers import follow_detection, follow_exposure, follow_scanned_image
from deadlight.server.registries.facts import ask_for_facts, ask_registry_again
from deadlight.server.runtime.handlers import resolve_scanned_image
from deadlight.server.scans.handlers import (
    scan_configured_cluster,
    scan_deployed_images,
    scan_new_image,
    scan_registry,
)
from deadlight.server.settings import Settings
from deadlight.server.workers.service import dispatch


def subscriptions(settings: Settings) -> Subscriptions:
    """The handlers of every event, in the order they run; all of an event's in one transaction."""
    alert: Handler = partial(dispatch, settings.public_url)
    exposure = Following(follow_exposure)
    return {
        EventType.IMAGE_OBSERVED: (check_new_image, scan_new_image, expect_attestations, ask_for_facts),
        EventType.WORKLOAD_CHANGED: (
            Following(scan_deployed_images, merge_changes),
            Following(judge_moved_images, merge_changes),
            Following(follow_workload, merge_changes),  # locks the workload: what needs no lock comes before
            exposure,
            alert,
        ),
        EventType.REGISTRY_CHANGED: (check_registry, scan_registry, check_registry_attestations, ask_registry_again),
        EventType.CLUSTER_CONFIGURED: (scan_configured_cluster, judge_configured_cluster),
        EventType.IMAGE_SCANNED: (
            assess_scanned_image,
            resolve_scanned_image,
            check_scanned_attestations,
            follow_scanned_image,
        ),
        EventType.PACKAGES_USED: (advance_used_packages,),
        EventType.PROGRAMS_USED_PACKAGES: (refresh_programs,),
        EventType.ADVISORIES_CHANGED: (Following(rematch_changed_advisories, merge_advisory_changes),),
        EventType.INTEGRITY_VIOLATION_DETECTED: (exposure, alert),
        EventType.INTEGRITY_VIOLATION_CLOSED: (exposure, alert),
        EventType.UNTRUSTED_REGISTRY_DETECTED: (exposure, alert),
        EventType.UNTRUSTED_REGISTRY_CLOSED: (exposure,),
        EventType.VULNERABILITIES_CHANGED: (exposure, alert),
        EventType.BINARY_MISMATCH_OBSERVED: (detect_mismatch,),
        EventType.THREAT_DETECTED: (alert,),
        EventType.DETECTION_CHANGED: (Following(count_open), Following(follow_detection)),
    }
