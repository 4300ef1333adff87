"""Harbor's webhooks (its documentation, "Configure Webhook Notifications"), in both of its payload formats."""

import msgspec

from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import bounded, decode, notification

_ACTIONS = {
    "PUSH_ARTIFACT": NotificationAction.PUSHED,
    "DELETE_ARTIFACT": NotificationAction.DELETED,
    "harbor.artifact.pushed": NotificationAction.PUSHED,
    "harbor.artifact.deleted": NotificationAction.DELETED,
}

SETUP = Setup(
    steps=(
        "In each project open **Webhooks > New Webhook** as a project administrator.",
        "Notify type: **http**. Payload format: Default or CloudEvents.",
        "Event types: **Artifact pushed** and **Artifact deleted**.",
        "Endpoint URL: `{url}`",
        "Auth header: `Bearer {secret}`",
    ),
)


class _Resource(msgspec.Struct):
    digest: str = ""
    tag: str = ""


class _Repository(msgspec.Struct):
    repo_full_name: str = ""


class _Data(msgspec.Struct):
    resources: list[_Resource] | None = None
    repository: _Repository | None = None


class _Payload(msgspec.Struct):
    """Default puts the data into `event_data` and the time into `occur_at`, CloudEvents into `data` and `time`."""

    type: str = ""
    operator: str = ""
    occur_at: float = 0.0
    event_data: _Data | None = None
    time: str = ""
    data: _Data | None = None


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The resources that were pushed or deleted; scans, quotas and replications are passed over."""
    payload = decode(delivery.body, _Payload)
    action, data = _ACTIONS.get(payload.type), payload.event_data or payload.data
    if action is None or data is None or data.repository is None:
        return ()
    return tuple(
        notification(
            data.repository.repo_full_name,
            action,
            tag=resource.tag,
            digest=resource.digest,
            actor=payload.operator,
            at=payload.time or payload.occur_at,
        )
        for resource in bounded(data.resources)
    )
