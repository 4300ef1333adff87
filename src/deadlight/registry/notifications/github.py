"""GitHub's webhooks for packages (its documentation, "Webhook events and payloads": package, registry_package).

Both events are sent for a push to GitHub's container registry; there is none for a deletion.
"""

import msgspec

from deadlight.registry.notifications import proofs
from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import decode, notification

_EVENTS = frozenset({"package", "registry_package"})
_ACTIONS = frozenset({"published", "updated"})

SETUP = Setup(
    steps=(
        "In the organisation or repository open **Settings > Webhooks > Add webhook**.",
        "Payload URL: `{url}`. Content type: **application/json**.",
        "Secret: `{secret}`",
        "**Let me select individual events**: **Packages** or **Registry packages**.",
        "GitHub sends nothing for deletions; the schedule finds them.",
    ),
)


class _Account(msgspec.Struct):
    login: str = ""


class _Tag(msgspec.Struct):
    name: str = ""
    digest: str = ""


class _Container(msgspec.Struct):
    tag: _Tag | None = None


class _Version(msgspec.Struct):
    version: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    container_metadata: _Container | None = None


class _Package(msgspec.Struct):
    name: str = ""
    package_type: str = ""
    owner: _Account | None = None
    package_version: _Version | None = None


class _Payload(msgspec.Struct):
    action: str = ""
    package: _Package | None = None
    registry_package: _Package | None = None
    sender: _Account | None = None


def proof(delivery: Delivery, secret: str) -> bool:
    """`X-Hub-Signature-256`: HMAC-SHA256 of the body."""
    return proofs.signed_in(delivery, "x-hub-signature-256", secret)


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The container image that was published; other events and other packages are passed over."""
    if delivery.headers.get("x-github-event", "") not in _EVENTS:
        return ()
    payload = decode(delivery.body, _Payload)
    package = payload.package or payload.registry_package
    if payload.action not in _ACTIONS or package is None or package.package_type.lower() != "container":
        return ()
    version, owner = package.package_version or _Version(), (package.owner or _Account()).login
    tag = (version.container_metadata or _Container()).tag or _Tag()
    return (
        notification(
            f"{owner}/{package.name}".lower(),
            NotificationAction.PUSHED,
            tag=tag.name,
            digest=tag.digest or version.version,
            actor=(payload.sender or _Account()).login,
            at=version.updated_at or version.created_at or "",
        ),
    )
