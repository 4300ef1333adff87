"""What follows what: THE map from an event to its handlers, which touch only the database.

A handler that has to talk to the world, or that takes long, enqueues a job; `schedule` has the table of those.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from deadlight.model.event import EventType
from deadlight.server.attestations.handlers import (
    check_registry_attestations,
    check_scanned_attestations,
    expect_attestations,
)
from deadlight.server.events.relay import Handler
from deadlight.server.findings.handlers import advance_used_packages, assess_scanned_image, rematch_changed_advisories
from deadlight.server.integrity.handlers import check_new_image, check_registry, follow_workload
from deadlight.server.registries.facts import ask_for_facts, ask_registry_again
from deadlight.server.runtime.handlers import resolve_scanned_image
from deadlight.server.scans.handlers import scan_new_image, scan_registry
from deadlight.server.settings import Settings
from deadlight.server.workers.service import dispatch


def subscriptions(settings: Settings) -> Mapping[EventType, Sequence[Handler]]:
    """The handlers of every event, in the order they run; all of an event's in one transaction."""
    alert: Handler = partial(dispatch, settings.public_url)
    return {
        EventType.IMAGE_OBSERVED: (check_new_image, scan_new_image, expect_attestations, ask_for_facts),
        EventType.WORKLOAD_CHANGED: (follow_workload, alert),
        EventType.REGISTRY_CHANGED: (check_registry, scan_registry, check_registry_attestations, ask_registry_again),
        EventType.IMAGE_SCANNED: (assess_scanned_image, resolve_scanned_image, check_scanned_attestations),
        EventType.PACKAGES_USED: (advance_used_packages,),
        EventType.ADVISORIES_CHANGED: (rematch_changed_advisories,),
        EventType.INTEGRITY_VIOLATION_DETECTED: (alert,),
        EventType.INTEGRITY_VIOLATION_CLOSED: (alert,),
        EventType.UNTRUSTED_REGISTRY_DETECTED: (alert,),
        EventType.VULNERABILITIES_CHANGED: (alert,),
    }
