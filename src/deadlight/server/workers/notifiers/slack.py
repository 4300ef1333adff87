"""A Slack incoming webhook, or anything that takes its format (Mattermost, Rocket.Chat)."""

from collections.abc import Iterable, Iterator

import msgspec
from pydantic import BaseModel
from yarl import URL

from deadlight.server.workers.notifiers.http import post
from deadlight.server.workers.notifiers.notifier import Message, Notifier, Receipt, Transport
from deadlight.server.workers.notifiers.webhook import HttpUrl
from deadlight.server.workers.text import describe, link_of

MAX_SECTION = 3_000
"""Characters of a section's text (Slack's documentation of section blocks)."""

MAX_BLOCKS = 50
"""Blocks of a message (the same)."""


class SlackConfig(BaseModel):
    """The webhook's address, which is its secret."""

    url: HttpUrl


def _label(config: SlackConfig) -> str:
    return f"Slack webhook at {URL(config.url).host}"


def escape(text: str) -> str:
    """Text as Slack wants it: &, < and > start its own syntax."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def _send(transport: Transport, config: SlackConfig, message: Message) -> Receipt:
    lines = [f"*{escape(name)}:* {escape(value)}" for name, value in describe(message.body)]
    link = link_of(message.body)
    blocks: list[dict[str, object]] = [
        _section(f"*{escape(message.title)}*"),
        {"type": "divider"},
        *map(_section, _gather(lines)),
    ]
    if link:
        blocks = [*blocks[: MAX_BLOCKS - 1], _section(f"<{link}|Open in Deadlight>")]
    body = msgspec.json.encode({"text": escape(message.title), "blocks": blocks[:MAX_BLOCKS]})
    return await post(transport, config.url, body, {"content-type": "application/json"})


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_SECTION]}}


def _gather(lines: Iterable[str]) -> Iterator[str]:
    """Texts of whole lines that fit into a section each."""
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > MAX_SECTION:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text


SLACK = Notifier("slack", SlackConfig, _label, _send)
