"""What is new in a change of a workload."""

from uuid import uuid4

from tests.support.inventory import STARTED

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.inventory.changes import list_arrived, list_moved, merge_changes


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


def test_changes_in_a_row_make_one_from_before_the_first_to_after_the_last() -> None:
    merged = merge_changes([change([1], [1, 2]), change([1, 2], [2, 3]), change([2, 3], [3])])
    assert (list_arrived(merged), list_moved(merged)) == ([3], [1, 3])
