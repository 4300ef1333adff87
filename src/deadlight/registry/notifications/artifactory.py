"""JFrog Artifactory's webhooks (its documentation, "Webhooks", event types of the docker domain)."""

import msgspec

from deadlight.registry.notifications import proofs
from deadlight.registry.notifications.notification import Delivery, Notification, NotificationAction, Setup
from deadlight.registry.notifications.reading import decode, notification

_ACTIONS = {
    "pushed": NotificationAction.PUSHED,
    "promoted": NotificationAction.PUSHED,
    "deleted": NotificationAction.DELETED,
}
_AUTHENTICATION = "x-jfrog-event-auth"

SETUP = Setup(
    steps=(
        "As an administrator open **Platform Management > Webhooks > New Webhook** and keep **Predefined**.",
        "URL: `{url}`",
        "Events, under **Docker**: **Docker tag was pushed**, **deleted** and **promoted**, for all your repositories.",
        "Secret token: `{secret}`. **Use secret for payload signing** may be on or off.",
        "For a Deadlight with a private address, allow such targets: `urlStrictPolicy` in Artifactory's `system.yaml`.",
    ),
)


class _Data(msgspec.Struct):
    repo_key: str = ""
    image_name: str = ""
    tag: str = ""
    name: str = ""
    sha256: str = ""


class _Payload(msgspec.Struct):
    domain: str = ""
    event_type: str = ""
    data: _Data | None = None


def proof(delivery: Delivery, secret: str) -> bool:
    """`X-JFrog-Event-Auth`: the secret, or the signature it makes of the body."""
    return proofs.sent_in(delivery, _AUTHENTICATION, secret) | proofs.signed_in(delivery, _AUTHENTICATION, secret)


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The tag that was pushed, promoted (to a repository it was not in) or deleted. The payload names nobody."""
    payload = decode(delivery.body, _Payload)
    action, data = _ACTIONS.get(payload.event_type), payload.data
    if payload.domain != "docker" or action is None or data is None or not data.image_name:
        return ()
    is_manifest = data.name.endswith("manifest.json")
    return (
        notification(
            f"{data.repo_key}/{data.image_name}",
            action,
            tag=data.tag,
            digest=f"sha256:{data.sha256}" if is_manifest else "",
            image=data.image_name,
        ),
    )
