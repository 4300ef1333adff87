"""What a channel is, what it is given and how it says that something did not work."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import BaseModel

SEND_TIMEOUT_SECONDS = 10.0
MAX_RESPONSE_CHARACTERS = 2_000
"""How much of an answer is kept with the delivery."""


@dataclass(frozen=True, slots=True)
class Message:
    """An alert on its way. `id` is the same for every attempt: receivers recognise a repetition by it."""

    id: str
    title: str
    body: Mapping[str, Any]
    """The CloudEvent (CloudEvents 1.0, JSON format)."""
    recipients: tuple[str, ...] = ()
    """Who gets it instead of those whom the destination names; only channels with `owner_domains` look at it."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How a channel reaches the world. `http` refuses denied addresses; the mail server is the operator's choice."""

    http: aiohttp.ClientSession
    smtp_url: str
    smtp_from: str
    timeout_seconds: float = SEND_TIMEOUT_SECONDS
    """An attempt is over by then, whatever the receiver does."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver answered."""

    status_code: int | None
    response: str


class NotDeliveredError(Exception):
    """The alert did not arrive; `receipt` says what was answered, if anything was."""

    def __init__(self, reason: str, receipt: Receipt | None = None) -> None:
        super().__init__(reason)
        self.receipt = receipt or Receipt(None, reason)


class RetryableError(NotDeliveredError):
    """It may arrive later; not before `retry_after` seconds where the receiver said so."""

    def __init__(self, reason: str, receipt: Receipt | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason, receipt)
        self.retry_after = retry_after


class RefusedError(NotDeliveredError):
    """It will never arrive as it is: trying again is pointless."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """A channel. `label` is what may be shown of a configuration, which is a secret as a whole."""

    name: str
    config: type[BaseModel]
    label: Callable[[Any], str]
    send: Callable[[Transport, Any, Message], Awaitable[Receipt]]
    owner_domains: Callable[[Any], Sequence[str]] = lambda _: ()
    """Domains in which the owner of what an alert is about gets it; none for a channel that always goes one way."""
