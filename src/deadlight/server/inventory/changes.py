"""What a WorkloadChanged says, for those who look only at what is new: most changes bring and take no image."""

from deadlight.server.events.outbox import Event


def list_arrived(event: Event) -> list[int]:
    """The image tags that the workload has now and did not have before, by id."""
    return sorted(set(event.data["image_tag_ids"]) - set(event.data["image_tag_ids_before"]))


def list_moved(event: Event) -> list[int]:
    """The image tags that came to the workload or went from it, by id."""
    return sorted(set(event.data["image_tag_ids"]) ^ set(event.data["image_tag_ids_before"]))
