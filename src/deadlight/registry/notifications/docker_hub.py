"""Docker Hub's webhooks (its documentation, "Webhooks"): pushes only, and nothing that proves the sender."""

import msgspec

from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import decode, notification

SETUP = Setup(
    steps=(
        "On Docker Hub open each repository's **Webhooks** tab and create one with the URL `{url}`.",
        "Docker Hub signs nothing: the address carries the secret, treat it as one.",
        "It sends nothing for deletions; the schedule finds them.",
    ),
)


class _Push(msgspec.Struct):
    pushed_at: float = 0.0
    pusher: str = ""
    tag: str = ""


class _Repository(msgspec.Struct):
    repo_name: str = ""


class _Payload(msgspec.Struct):
    push_data: _Push
    repository: _Repository


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The tag that was pushed."""
    payload = decode(delivery.body, _Payload)
    push, name = payload.push_data, payload.repository.repo_name
    repository = name if "/" in name else f"library/{name}"
    return (notification(repository, NotificationAction.PUSHED, tag=push.tag, actor=push.pusher, at=push.pushed_at),)
