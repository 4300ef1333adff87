"""From the JSON of a delivery to checked notifications: what every format shares."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from deadlight.model.image import ImageReference, InvalidReferenceError, is_digest
from deadlight.registry.answers import printable
from deadlight.registry.notifications.notification import (
    MAX_NOTIFICATIONS,
    InvalidNotificationError,
    Notification,
    NotificationAction,
)
from deadlight.registry.times import parse_time

MAX_ACTOR_CHARACTERS = 256

_ANY_REGISTRY = "registry.invalid"

D = TypeVar("D")
E = TypeVar("E")


def decode(body: bytes, kind: type[D]) -> D:
    """The JSON of a body; raises InvalidNotificationError for what is not of `kind`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidNotificationError(f"a notification that cannot be read ({printable(str(error))})") from error


def bounded(events: Iterable[E] | None) -> list[E]:
    """The events of a body; raises InvalidNotificationError for more than `MAX_NOTIFICATIONS`."""
    found = list(events or ())
    if len(found) > MAX_NOTIFICATIONS:
        raise InvalidNotificationError(f"{len(found)} events at once (at most {MAX_NOTIFICATIONS} are read)")
    return found


def notification(
    repository: str,
    action: NotificationAction,
    *,
    tag: str = "",
    digest: str = "",
    actor: str = "",
    at: str | float = "",
    image: str = "",
) -> Notification:
    """One notification, its parts checked; `at` is RFC 3339 or seconds since 1970.

    A tag that is itself a digest, as some products write for what has no tag, counts as none.

    Raises:
        InvalidNotificationError: no image reference can have that repository or tag.
    """
    spelled = tag.replace("__", ":", 1)
    if is_digest(spelled):
        tag, digest = "", digest or spelled
    try:
        ImageReference.parse(f"{_ANY_REGISTRY}/{repository}{f':{tag}' if tag else ''}")
    except InvalidReferenceError as error:
        raise InvalidNotificationError(f"a notification about an impossible name ({printable(str(error))})") from error
    return Notification(
        repository=repository,
        action=action,
        tag=tag,
        digest=digest if is_digest(digest) else "",
        actor="".join(character for character in actor[:MAX_ACTOR_CHARACTERS] if character.isprintable()),
        at=_time(at),
        image=image,
    )


def _time(written: str | float) -> datetime | None:
    """The moment written; None for what is none."""
    if isinstance(written, str):
        return parse_time(written)
    try:
        return datetime.fromtimestamp(written, UTC) if written > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
