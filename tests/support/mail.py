"""A real SMTP server that keeps what it got and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Mail:
    """A message and its envelope."""

    recipients: list[str]
    message: EmailMessage


@dataclass
class MailServer:
    """Answers the next messages and recipients as told, and takes everything once that is used up."""

    url: str = ""
    answers: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Recipients that are not taken, and what is answered."""
    mails: list[Mail] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 taken as 17"
        if answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=default)
            self.mails.append(Mail(list(envelope.rcpt_tos), message))
            self._news.set()
        return answer

    async def wait(self, count: int = 1, *, within: float = 20.0) -> list[Mail]:
        """What has come, once there are `count` messages."""
        async with asyncio.timeout(within):
            while len(self.mails) < count:
                self._news.clear()
                await self._news.wait()
        return self.mails


@asynccontextmanager
async def running_mail_server() -> AsyncIterator[MailServer]:
    """Take mail until the block ends."""
    mail = MailServer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mail, hostname="mail.example"), host="127.0.0.1", port=0
    )
    mail.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mail
    finally:
        server.close()
