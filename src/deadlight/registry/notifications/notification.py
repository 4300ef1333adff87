"""What a registry's webhook says: a hint that something was pushed or deleted, to be checked at the registry itself.

A notification is never evidence. It only makes us ask the registry sooner than the schedule would, so that one that is
forged, replayed, late or lost can cost a question or a few minutes, and never a wrong verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deadlight.registry.errors import RegistryError

MAX_BODY_BYTES = 1024 * 1024
"""Harbor's and Artifactory's bodies are a few KB; distribution sends up to a few hundred events in one."""

MAX_NOTIFICATIONS = 1_000
"""In one body."""


class InvalidNotificationError(RegistryError):
    """A body that is not what the format's product sends.

    Some senders (distribution, zot) repeat a refused delivery for ever and hold back the rest meanwhile, so an endpoint
    had better count it and accept it all the same.
    """


class NotificationAction(StrEnum):
    """What happened to the name."""

    PUSHED = "pushed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Notification:
    """What happened at a registry, by its own word. Empty texts are unknown."""

    repository: str
    """As image references at this registry name it, without the host."""
    action: NotificationAction
    tag: str = ""
    """Empty also where content was pushed or deleted by digest: then any tag of the repository may be meant."""
    digest: str = ""
    actor: str = ""
    """Who did it."""
    at: datetime | None = None
    """When, by the sender's clock."""
    image: str = ""
    """Where the repository begins with the product's own repository key: what follows it. The same image may be known
    under other keys, too (an Artifactory virtual repository)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An HTTP request to the address of a webhook."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url_token: str = ""
    """The parameter `token` of the address."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a person does at the product. `{url}` and `{secret}` stand for the address and the secret."""

    steps: tuple[str, ...]
    """One sentence or two each, in Markdown."""
    configuration: str = ""
    """To be pasted there, where the product is configured by a file or command."""


@dataclass(frozen=True, slots=True)
class NotificationFormat:
    """How one product sends notifications."""

    title: str
    """The product's name."""
    proof: Callable[[Delivery, str], bool]
    """Whether a delivery shows that its sender knows the secret."""
    read: Callable[[Delivery], tuple[Notification, ...]]
    setup: Setup
    secret_in_url: bool = False
    """The product can send no header of its own: its secret is the parameter `token` of the address."""

    def verify(self, headers: Mapping[str, str], body: bytes, secret: str, *, url_token: str = "") -> bool:
        """Whether a delivery comes from who knows `secret`, compared in constant time; an empty secret never does.

        `url_token` is the parameter `token` of the address it was sent to.
        """
        return bool(secret) and self.proof(_delivery(headers, body, url_token), secret)

    def parse(self, headers: Mapping[str, str], body: bytes) -> tuple[Notification, ...]:
        """What a delivery says; empty for pulls, test pings and whatever else does not move a tag.

        Raises:
            InvalidNotificationError: it is not what this product sends, or larger than `MAX_BODY_BYTES` or
                `MAX_NOTIFICATIONS`.
        """
        if len(body) > MAX_BODY_BYTES:
            raise InvalidNotificationError(f"a notification of {len(body)} bytes (at most {MAX_BODY_BYTES} are read)")
        return self.read(_delivery(headers, body, ""))

    def instructions(self, url: str, secret: str) -> Setup:
        """How to set it up at the product so that it sends to `url` and is recognised by `secret`."""
        address = f"{url}?token={secret}" if self.secret_in_url else url
        filled = [text.replace("{url}", address).replace("{secret}", secret) for text in self.setup.steps]
        pasted = self.setup.configuration.replace("{url}", address).replace("{secret}", secret)
        return Setup(tuple(filled), pasted)


def _delivery(headers: Mapping[str, str], body: bytes, url_token: str) -> Delivery:
    return Delivery({name.lower(): value for name, value in headers.items()}, body, url_token)
