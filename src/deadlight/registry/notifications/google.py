"""Google Artifact Registry's Pub/Sub messages through a push subscription (its "Configure Pub/Sub notifications")."""

from base64 import b64decode

import msgspec

from deadlight.registry.notifications.notification import (
    Delivery,
    InvalidNotificationError,
    Notification,
    NotificationAction,
    Setup,
)
from deadlight.registry.notifications.reading import decode, notification

_ACTIONS = {"INSERT": NotificationAction.PUSHED, "DELETE": NotificationAction.DELETED}

SETUP = Setup(
    steps=(
        "Artifact Registry publishes to the topic `gcr` of its project; create it if it is not there.",
        "Create a push subscription with the command below.",
        "The address carries the secret: treat it as one. The messages do not say who pushed.",
    ),
    configuration="""\
gcloud pubsub topics create gcr
gcloud pubsub subscriptions create deadlight --topic gcr --push-endpoint '{url}'
""",
)


class _Message(msgspec.Struct, rename="camel"):
    data: str = ""
    publish_time: str = ""


class _Push(msgspec.Struct):
    message: _Message


class _Change(msgspec.Struct):
    action: str = ""
    digest: str = ""
    """`<host>/<project>/<repository>/<image>@<digest>`"""
    tag: str = ""
    """`<host>/<project>/<repository>/<image>:<tag>`"""


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The image or tag that was added or deleted."""
    message = decode(delivery.body, _Push).message
    change = decode(_unwrapped(message.data), _Change)
    action = _ACTIONS.get(change.action)
    if action is None:
        return ()
    pinned, _, digest = change.digest.partition("@")
    tagged, _, tag = change.tag.rpartition(":")
    repository = (tagged or pinned).partition("/")[2]
    return (notification(repository, action, tag=tag, digest=digest, at=message.publish_time),)


def _unwrapped(data: str) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise InvalidNotificationError("a Pub/Sub message whose data is not base64") from error
