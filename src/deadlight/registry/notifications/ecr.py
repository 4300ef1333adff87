"""Amazon ECR's events as EventBridge sends them to an API destination (ECR's documentation, "ECR events")."""

import msgspec

from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import decode, notification

_ACTIONS = {"PUSH": NotificationAction.PUSHED, "DELETE": NotificationAction.DELETED}

SETUP = Setup(
    steps=(
        "In EventBridge create a **connection** of type **API key**: name `Authorization`, value `Bearer {secret}`.",
        "Create an **API destination** with that connection, endpoint `{url}` and method POST.",
        "Create a **rule** on the default bus with the event pattern below and that destination as its target.",
        "Do this in each account and region. ECR does not say who pushed.",
    ),
    configuration="""\
{"source": ["aws.ecr"], "detail-type": ["ECR Image Action"], "detail": {"action-type": ["PUSH", "DELETE"]}}
""",
)


class _Detail(msgspec.Struct, rename="kebab"):
    result: str = ""
    action_type: str = ""
    repository_name: str = ""
    image_digest: str = ""
    image_tag: str = ""


class _Event(msgspec.Struct, rename="kebab"):
    detail_type: str = ""
    time: str = ""
    detail: _Detail | None = None


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The image that was pushed or deleted; other events, and attempts that failed, are passed over."""
    event = decode(delivery.body, _Event)
    if event.detail_type != "ECR Image Action" or event.detail is None or event.detail.result != "SUCCESS":
        return ()
    detail, action = event.detail, _ACTIONS.get(event.detail.action_type)
    if action is None:
        return ()
    name, tag, digest = detail.repository_name, detail.image_tag, detail.image_digest
    return (notification(name, action, tag=tag, digest=digest, at=event.time),)
