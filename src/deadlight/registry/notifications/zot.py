"""zot's events (its documentation, "Event Support for zot"): CloudEvents in HTTP's binary or structured mode."""

import msgspec

from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import decode, notification

_ACTIONS = {"image.updated": NotificationAction.PUSHED, "image.deleted": NotificationAction.DELETED}

SETUP = Setup(
    steps=("Add the `events` extension below to zot's configuration file and restart it.",),
    configuration="""\
"extensions": {
  "events": {
    "enable": true,
    "sinks": [
      {"type": "http", "address": "{url}", "timeout": "2s", "credentials": {"token": "{secret}"}}
    ]
  }
}
""",
)


class _Data(msgspec.Struct):
    name: str = ""
    reference: str = ""
    digest: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    time: str = ""
    data: _Data | None = None


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The image that was pushed or deleted. The events name nobody."""
    event = _event(delivery)
    action = _ACTIONS.get(".".join(event.type.rsplit(".", 2)[-2:]))  # what stands before can be configured
    if action is None or event.data is None:
        return ()
    data = event.data
    return (notification(data.name, action, tag=data.reference, digest=data.digest, at=event.time),)


def _event(delivery: Delivery) -> _Event:
    """In binary mode the attributes are headers and the body is the data alone (CloudEvents HTTP binding)."""
    kind = delivery.headers.get("ce-type", "")
    if not kind:
        return decode(delivery.body, _Event)
    return _Event(kind, delivery.headers.get("ce-time", ""), decode(delivery.body, _Data))
