"""E-mail through the SMTP server of the settings."""

import asyncio
import re
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from html import escape
from typing import Annotated
from urllib.parse import unquote

import aiosmtplib
from pydantic import AfterValidator, BaseModel, Field, model_validator
from yarl import URL

from deadlight.server.workers.notifiers.notifier import (
    MAX_RESPONSE_CHARACTERS,
    Message,
    Notifier,
    Receipt,
    RefusedError,
    RetryableError,
    Transport,
)
from deadlight.server.workers.text import describe, link_of


def _address(text: str) -> str:
    local, at, domain = text.partition("@")
    if not (local and at and domain) or not text.isprintable() or any(character in ' ,;<>"' for character in text):
        raise ValueError("must be one e-mail address")
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise ValueError("must be a domain, such as example.com")
    return text.lower()


_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class EmailConfig(BaseModel):
    """Who gets it: `to`, or with `to_owner` whoever is responsible, and `to` only where nobody is known."""

    to: list[Annotated[str, Field(max_length=254), AfterValidator(_address)]] = Field(min_length=1, max_length=50)
    to_owner: bool = False
    owner_domains: list[Annotated[str, Field(max_length=253), AfterValidator(_domain)]] = Field(
        default=[], max_length=50, description="The domains that owners' addresses may be in."
    )

    @model_validator(mode="after")
    def _bounded(self) -> "EmailConfig":
        if self.to_owner and not self.owner_domains:
            raise ValueError("to_owner needs owner_domains: labels of images name addresses of strangers as well")
        return self


def _label(config: EmailConfig) -> str:
    to = ", ".join(config.to)
    return f"the owner in {', '.join(config.owner_domains)}, else {to}" if config.to_owner else to


def _owner_domains(config: EmailConfig) -> list[str]:
    return config.owner_domains if config.to_owner else []


async def _send(transport: Transport, config: EmailConfig, message: Message) -> Receipt:
    if not transport.smtp_url:
        raise RefusedError("no mail server is set: give DEADLIGHT_SMTP_URL to the service")
    mail = compose(message, transport.smtp_from, list(message.recipients) or config.to)
    try:
        async with asyncio.timeout(transport.timeout_seconds):
            refused, answer = await _hand_over(mail, URL(transport.smtp_url))
    except TimeoutError:
        raise RetryableError(f"the mail server did not take it within {transport.timeout_seconds:g} seconds") from None
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refusal.code for refusal in error.recipients]
        raise _failure(min(codes, default=500), str(error)) from None
    except aiosmtplib.SMTPResponseException as error:
        raise _failure(error.code, error.message) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise RetryableError(f"the mail server was not reached: {error}") from None
    failed = "".join(f"; not for {address}: {response}" for address, response in refused.items())
    return Receipt(250, f"{answer}{failed}"[:MAX_RESPONSE_CHARACTERS])


async def _hand_over(mail: EmailMessage, url: URL) -> tuple[Mapping[str, aiosmtplib.SMTPResponse], str]:
    """Give the message to the mail server; returns the recipients it did not take, and its answer for the others."""
    return await aiosmtplib.send(
        mail,
        hostname=url.host,
        port=url.explicit_port or (465 if url.scheme == "smtps" else 25),
        username=unquote(url.user) if url.user else None,
        password=unquote(url.password) if url.password else None,
        use_tls=url.scheme == "smtps",
    )


def _failure(code: int, text: str) -> RetryableError | RefusedError:
    """4xx is transient, 5xx is final (RFC 5321, section 4.2.1)."""
    receipt = Receipt(code, text)
    return RetryableError(f"answered {code}", receipt) if code < 500 else RefusedError(f"answered {code}", receipt)


def compose(message: Message, sender: str, recipients: list[str]) -> EmailMessage:
    """The message in plain text and HTML. Its Message-ID is the alert's id, so a repetition is recognised."""
    facts = describe(message.body)
    link = link_of(message.body)
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.id}@deadlight.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([message.title, "", *(f"{name}: {value}" for name, value in facts), "", link]))
    rows = "".join(
        f"<tr><th align='left' valign='top'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts
    )
    anchor = f"<p><a href='{escape(link)}'>Open in Deadlight</a></p>" if link else ""
    mail.add_alternative(
        f"<html><body><h2>{escape(message.title)}</h2><table cellpadding='4'>{rows}</table>{anchor}</body></html>",
        subtype="html",
    )
    return mail


EMAIL = Notifier("email", EmailConfig, _label, _send, _owner_domains)
