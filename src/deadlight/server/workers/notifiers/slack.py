"""A Slack incoming webhook, or anything that takes its format (Mattermost, Rocket.Chat)."""

import msgspec
from pydantic import BaseModel
from yarl import URL

from deadlight.server.workers.notifiers.http import post
from deadlight.server.workers.notifiers.notifier import Message, Notifier, Receipt, Transport
from deadlight.server.workers.notifiers.webhook import HttpUrl
from deadlight.server.workers.text import describe

MAX_SECTION = 2_900
"""A section's text has at most 3,000 characters (Slack's documentation of section blocks)."""


class SlackConfig(BaseModel):
    """The webhook's address, which is its secret."""

    url: HttpUrl


def _label(config: SlackConfig) -> str:
    return f"Slack webhook at {URL(config.url).host}"


def escape(text: str) -> str:
    """Text as Slack wants it: &, < and > start its own syntax."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def _send(transport: Transport, config: SlackConfig, message: Message) -> Receipt:
    facts = "\n".join(f"*{escape(name)}:* {escape(value)}" for name, value in describe(message.body))
    link = message.body.get("data", {}).get("links", {}).get("image", "")
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escape(message.title)}*"[:MAX_SECTION]}},
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": facts[:MAX_SECTION]}},
    ]
    if link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{link}|Open in Deadlight>"}})
    body = msgspec.json.encode({"text": message.title, "blocks": blocks})
    return await post(transport, config.url, body, {"content-type": "application/json"})


SLACK = Notifier("slack", SlackConfig, _label, _send)
