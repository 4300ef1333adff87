"""CNCF Distribution's notifications (its documentation, "Work with notifications"): an envelope of events.

GitLab's container registry, which grew out of it, sends the same; one event alone is what Azure sends.
"""

import msgspec

from deadlight.registry.documents import INDEX_TYPES, MANIFEST_TYPES
from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import bounded, decode, notification

_ACTIONS = {"push": NotificationAction.PUSHED, "delete": NotificationAction.DELETED}

SETUP = Setup(
    steps=(
        "Add the endpoint below to `notifications.endpoints` in the registry's `config.yml` and restart the registry.",
        "GitLab: put the same under `registry['notifications']` in `gitlab.rb`, then run `gitlab-ctl reconfigure`.",
    ),
    configuration="""\
notifications:
  endpoints:
    - name: deadlight
      url: {url}
      headers:
        Authorization: ["Bearer {secret}"]
      timeout: 2s
      threshold: 5
      backoff: 10s
      ignore:
        actions: [pull]
        mediatypes: [application/octet-stream]
""",
)


class _Target(msgspec.Struct, rename="camel"):
    repository: str = ""
    tag: str = ""
    digest: str = ""
    media_type: str = ""


class _Actor(msgspec.Struct):
    name: str = ""


class Event(msgspec.Struct):
    """One event of an envelope."""

    action: str = ""
    timestamp: str = ""
    target: _Target | None = None
    actor: _Actor | None = None


class _Envelope(msgspec.Struct):
    events: list[Event]


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The pushes and deletions of an envelope of events."""
    events = bounded(decode(delivery.body, _Envelope).events)
    return tuple(found for event in events for found in read_event(event))


def read_event(event: Event) -> tuple[Notification, ...]:
    """One event, unless it is of a layer, a pull or a test."""
    action, target = _ACTIONS.get(event.action), event.target
    if action is None or target is None or not target.repository or not _moves_tags(event.action, target):
        return ()
    return (
        notification(
            target.repository,
            action,
            tag=target.tag,
            digest=target.digest,
            actor=event.actor.name if event.actor else "",
            at=event.timestamp,
        ),
    )


def _moves_tags(action: str, target: _Target) -> bool:
    """Whether it is about a manifest; a deletion does not say what it was of."""
    return bool(target.tag) or action == "delete" or target.media_type in MANIFEST_TYPES | INDEX_TYPES
