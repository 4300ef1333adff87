"""What an AdvisoriesChanged says, for those who bring findings in line with it."""

from collections.abc import Sequence
from dataclasses import replace

from deadlight.server.events.outbox import Event


def merge_advisory_changes(events: Sequence[Event]) -> Event:
    """Changes of advisories in a row as one, so that an image which many of them concern is worked out once.

    A large import comes in many. Where in one of them advisories are gone, or another release told less, that holds
    for all: then everything there is of the images has to be computed.
    """
    said = [event.data for event in events]
    merged = {
        "buckets": sorted({(ecosystem, name) for data in said for ecosystem, name in data["buckets"]}),
        "advisory_ids": sorted({id_ for data in said for id_ in data.get("advisory_ids", ())}),
        "vulnerability_ids": sorted({id_ for data in said for id_ in data.get("vulnerability_ids", ())}),
        "are_gone": any(data.get("are_gone") or "advisory_ids" not in data for data in said),
    }
    return replace(events[-1], data=merged)
