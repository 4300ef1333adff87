"""What is new in a change of a workload."""

from uuid import uuid4

from tests.support.inventory import STARTED

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.inventory.changes import list_arrived, list_moved


def change(before: list[int], after: list[int]) -> Event:
    """A workload's images changed."""
    data = {"workload_id": 1, "image_tag_ids": after, "image_tag_ids_before": before}
    return Event(1, uuid4(), EventType.WORKLOAD_CHANGED, "workload:1", data, STARTED)


def test_only_what_came_or_went_is_new() -> None:
    changed = change([1, 2, 9], [2, 3])
    assert (list_arrived(changed), list_moved(changed)) == ([3], [1, 3, 9])


def test_a_change_of_state_alone_moves_no_image() -> None:
    changed = change([1, 2], [1, 2])
    assert (list_arrived(changed), list_moved(changed)) == ([], [])
