"""Quay's repository notifications (Red Hat Quay's documentation, "Repository Notifications"): pushes only."""

from typing import Any

import msgspec

from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import bounded, decode, notification

SETUP = Setup(
    steps=(
        "In each repository open **Settings > Events and Notifications > Create Notification**.",
        "Event: **Push to Repository**. Method: **Webhook POST**. Webhook URL: `{url}`",
        "Quay signs nothing: the address carries the secret, treat it as one.",
        "It sends nothing for deletions, which the schedule finds, and does not say who pushed.",
    ),
)


class _Payload(msgspec.Struct):
    repository: str = ""
    updated_tags: list[str] | dict[str, Any] | None = None
    """Names; older versions send names with image IDs."""


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The tags that were pushed; other events have none."""
    payload = decode(delivery.body, _Payload)
    tags = bounded(payload.updated_tags)
    return tuple(notification(payload.repository, NotificationAction.PUSHED, tag=tag) for tag in tags)
