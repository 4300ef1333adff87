"""What a WorkloadChanged says, for those who look only at what is new: most changes bring and take no image."""

from collections.abc import Sequence
from dataclasses import replace

from deadlight.server.events.outbox import Event


def merge_changes(events: Sequence[Event]) -> Event:
    """Changes of one workload in a row as one: from what was before the first to what is after the last."""
    before = {name: value for name, value in events[0].data.items() if name.endswith("_before")}
    return replace(events[-1], data={**events[-1].data, **before})


def list_arrived(event: Event) -> list[int]:
    """The image tags that the workload has now and did not have before, by id."""
    return sorted(set(event.data["image_tag_ids"]) - set(event.data["image_tag_ids_before"]))


def list_moved(event: Event) -> list[int]:
    """The image tags that came to the workload or went from it, by id."""
    return sorted(set(event.data["image_tag_ids"]) ^ set(event.data["image_tag_ids_before"]))
