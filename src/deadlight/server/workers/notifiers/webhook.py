"""A CloudEvent by HTTP POST, signed the way of the Standard Webhooks specification where a secret is given."""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from pydantic import AfterValidator, BaseModel, Field
from standardwebhooks.webhooks import Webhook
from yarl import URL

from deadlight.server.workers.notifiers.http import post
from deadlight.server.workers.notifiers.notifier import Message, Notifier, Receipt, Transport


def http_url(text: str) -> str:
    """The text, if it is an http(s) URL of a host; raises ValueError otherwise."""
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("must be an http:// or https:// address")
    return text


HttpUrl = Annotated[str, Field(max_length=2048), AfterValidator(http_url)]


def _secret(text: str) -> str:
    """The library passes over what is not base64: the key would be another one than the receiver's."""
    if text:
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not key:
            raise ValueError("must be base64, with or without the prefix whsec_")
    return text


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_RESERVED = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})
"""They frame or route the request; ours are about the body that is really sent."""


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise ValueError(f"{name!r} is not a header of printable ASCII")
        if name.lower() in _RESERVED or name.lower().startswith("webhook-"):
            raise ValueError(f"the header {name!r} is set by the service")
    return headers


class WebhookConfig(BaseModel):
    """Where to post and what to sign with."""

    url: HttpUrl
    secret: Annotated[str, Field(max_length=512), AfterValidator(_secret)] = ""
    headers: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], AfterValidator(_headers)] = Field(
        default={}, max_length=16, description="For example Authorization."
    )


def _label(config: WebhookConfig) -> str:
    url = URL(config.url)
    return f"{url.scheme}://{url.host_port_subcomponent}/…"


async def _send(transport: Transport, config: WebhookConfig, message: Message) -> Receipt:
    body = msgspec.json.encode(message.body)
    now = datetime.now(UTC)
    headers = {
        **config.headers,
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    if config.secret:
        headers["webhook-signature"] = Webhook(config.secret).sign(message.id, now, body.decode())
    return await post(transport, config.url, body, headers)


WEBHOOK = Notifier("webhook", WebhookConfig, _label, _send)
