"""What every channel does the same: one suite, held against each of them over its real protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import msgspec
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from tests.support.mail import MailServer, running_mail_server
from tests.support.receiver import Receiver

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.workers.notifiers import NOTIFIERS
from deadlight.server.workers.notifiers.notifier import (
    MAX_RESPONSE_CHARACTERS,
    Message,
    Receipt,
    RefusedError,
    RetryableError,
    Transport,
)
from deadlight.server.workers.outbound import open_outbound_session
from deadlight.server.workers.samples import sample_data
from deadlight.server.workers.text import title

SECRET = "T0ps3cr3tPathAndPassword"
NOBODYS_PORT = 9


def message(event_type: EventType = EventType.INTEGRITY_VIOLATION_DETECTED, **more: Any) -> Message:
    """An alert with everything in it."""
    data = sample_data(event_type) | {"test": False, "links": {"image": "https://deadlight.example/image/1"}} | more
    return Message("6f1c9bb2-7c5e-4b53-9e64-0a3fcb2d7b10", title(event_type.value, data), {"id": "x", "data": data})


class Channel(Protocol):
    """A channel with a receiving end that does as it is told."""

    name: str
    config: dict[str, Any]

    def transport(self) -> Transport:
        """The way to the receiving end."""

    def leads_to(self, port: int) -> None:
        """Somebody else is at the other end from now on."""

    def refuses_for_now(self) -> None:
        """The next one is not taken, but may be later."""

    def refuses_for_good(self) -> None:
        """The next one is never taken."""

    async def texts(self) -> list[str]:
        """What has arrived, as a person or program would read it."""

    def ids(self) -> list[str]:
        """What a repetition is recognised by."""


class HttpChannel:
    """Webhook and Slack."""

    def __init__(self, name: str, receiver: Receiver, transport: Transport) -> None:
        self.name = name
        self.receiver = receiver
        self.config: dict[str, Any] = {"url": f"{receiver.url}/{SECRET}"}
        self._transport = transport

    def transport(self) -> Transport:
        return self._transport

    def leads_to(self, port: int) -> None:
        self.config["url"] = f"http://127.0.0.1:{port}/{SECRET}"

    def refuses_for_now(self) -> None:
        self.receiver.answers.append(web.Response(status=503, text="come again"))

    def refuses_for_good(self) -> None:
        self.receiver.answers.append(web.Response(status=404, text="gone for good"))

    async def texts(self) -> list[str]:
        return [msgspec.json.encode(item.body).decode() for item in await self.receiver.wait()]

    def ids(self) -> list[str]:
        return [item.headers.get("webhook-id", "") for item in self.receiver.received]


class MailChannel:
    """E-mail."""

    name = "email"

    def __init__(self, server: MailServer, transport: Transport) -> None:
        self.server = server
        self.config: dict[str, Any] = {"to": ["ada@example.com", "team@example.com"]}
        self._transport = transport
        self._url = server.url

    def transport(self) -> Transport:
        return replace(self._transport, smtp_url=self._url)

    def leads_to(self, port: int) -> None:
        self._url = f"smtp://user:{SECRET}@127.0.0.1:{port}"

    def refuses_for_now(self) -> None:
        self.server.answers.append("451 come again")

    def refuses_for_good(self) -> None:
        self.server.answers.append("554 gone for good")

    async def texts(self) -> list[str]:
        found = []
        for mail in await self.server.wait():
            plain = mail.message.get_body(("plain",))
            assert plain is not None
            found.append(f"{mail.message['Subject']}\n{plain.get_content()}")
        return found

    def ids(self) -> list[str]:
        return [mail.message["Message-ID"] for mail in self.server.mails]


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with running_mail_server() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """Everything is allowed, and nothing waits long."""
    async with open_outbound_session(()) as http:
        yield Transport(http, "", "deadlight@example.com", timeout_seconds=5.0)


@pytest.fixture
def webhook(receiver: Receiver, transport: Transport) -> HttpChannel:
    return HttpChannel("webhook", receiver, transport)


@pytest.fixture
def slack(receiver: Receiver, transport: Transport) -> HttpChannel:
    return HttpChannel("slack", receiver, transport)


@pytest.fixture
def email(mail_server: MailServer, transport: Transport) -> MailChannel:
    return MailChannel(mail_server, transport)


@pytest.fixture(params=sorted(NOTIFIERS))
def channel(request: pytest.FixtureRequest, webhook: HttpChannel, slack: HttpChannel, email: MailChannel) -> Channel:
    channels: dict[str, Channel] = {item.name: item for item in (webhook, slack, email)}
    return channels[request.param]


async def send(channel: Channel, sent: Message | None = None, *, timeout_seconds: float = 5.0) -> Receipt:
    notifier = NOTIFIERS[channel.name]
    transport = replace(channel.transport(), timeout_seconds=timeout_seconds)
    return await notifier.send(transport, notifier.config.model_validate(channel.config), sent or message())


@asynccontextmanager
async def somebody_who_says(text: bytes) -> AsyncIterator[int]:
    """The port of somebody who says this to whoever connects, and then nothing for as long as they stay."""
    done = asyncio.Event()

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await done.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()


# --- the suite -------------------------------------------------------------------------------------------


@pytest.mark.req("F15", "F16", "F17", "F18", "F19", "F20", "F1", "F2", "F8")
@pytest.mark.parametrize("event_type", ALERTABLE)
async def test_an_alert_says_what_happened_where_to_which_image_and_whom_to_ask(
    channel: Channel, event_type: EventType
) -> None:
    sent = message(event_type)
    await send(channel, sent)
    (text,) = await channel.texts()
    image = sent.body["data"]["images"][0]
    for expected in (
        "sample",  # workload
        "default",  # namespace
        "sample-cluster",
        "team/sample",  # image
        "1.2.3",
        image["digest"],
        image["integrity_status"],
        "CVE-2021-44228",
        "builder@example.com",
        "someone@example.com",
        "https://deadlight.example/image/1",
        *image["risks"],
    ):
        assert expected in text


async def test_a_receipt_says_what_was_answered(channel: Channel) -> None:
    receipt = await send(channel)
    assert receipt.status_code in {200, 250}
    assert receipt.response


async def test_a_temporary_refusal_may_be_tried_again_and_says_what_was_answered(channel: Channel) -> None:
    channel.refuses_for_now()
    with pytest.raises(RetryableError) as refusal:
        await send(channel)
    assert refusal.value.receipt.status_code in {451, 503}
    assert "come again" in refusal.value.receipt.response
    await send(channel)  # and now it is taken


async def test_a_final_refusal_is_not_tried_again_and_says_what_was_answered(channel: Channel) -> None:
    channel.refuses_for_good()
    with pytest.raises(RefusedError) as refusal:
        await send(channel)
    assert refusal.value.receipt.status_code in {404, 554}
    assert "gone for good" in refusal.value.receipt.response


async def test_nobody_there_may_be_tried_again(channel: Channel) -> None:
    channel.leads_to(NOBODYS_PORT)
    with pytest.raises(RetryableError, match="not reached") as failure:
        await send(channel)
    assert failure.value.receipt.status_code is None
    assert SECRET not in str(failure.value)


async def test_silence_ends_in_time_and_may_be_tried_again(channel: Channel) -> None:
    async with asyncio.timeout(5), somebody_who_says(b"") as port:
        channel.leads_to(port)
        with pytest.raises(RetryableError, match=r"within 0\.2 seconds"):
            await send(channel, timeout_seconds=0.2)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00\xff\x00\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nzzzz",
        b"220 hello\r\nnot a code\r\n",
        b"9" * 100_000 + b"\r\n",
    ],
)
async def test_nonsense_may_be_tried_again(channel: Channel, nonsense: bytes) -> None:
    async with somebody_who_says(nonsense) as port:
        channel.leads_to(port)
        with pytest.raises(RetryableError) as failure:
            await send(channel, timeout_seconds=0.5)
    assert SECRET not in f"{failure.value} {failure.value.receipt}"


async def test_a_repetition_carries_the_same_id(channel: Channel) -> None:
    await send(channel)
    await send(channel)
    first, second = channel.ids()
    assert first == second
    if channel.name != "slack":  # Slack has no place for one
        assert message().id in first


HOSTILE = (
    "a\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script> & <!channel> <https://evil.example|click> \u202e"
)


async def test_names_made_to_deceive_arrive_as_text(channel: Channel) -> None:
    sent = message()
    data = sent.body["data"]
    workload = data["workload"] | {
        "name": HOSTILE,
        "namespace": HOSTILE,
        "deployed_by": {"value": HOSTILE, "source": ""},
    }
    image = data["images"][0] | {"tag": HOSTILE, "build_owner": {"value": HOSTILE, "source": HOSTILE}}
    deceitful = data | {"workload": workload, "images": [image]}
    await send(channel, Message(sent.id, title("WorkloadChanged", deceitful), {"data": deceitful}))
    (text,) = await channel.texts()
    assert "victim@example.com" in text


async def test_a_workload_with_very_many_images_arrives(channel: Channel) -> None:
    sent = message()
    image = sent.body["data"]["images"][0]
    many = [{**image, "tag": f"1.2.{number}", "risks": ["malicious"] * 50} for number in range(500)]
    await send(channel, message(images=many))
    (text,) = await channel.texts()
    assert "1.2.0" in text


async def test_what_is_shown_of_a_destination_holds_no_secret(channel: Channel) -> None:
    notifier = NOTIFIERS[channel.name]
    label = notifier.label(notifier.config.model_validate(channel.config))
    assert label
    assert SECRET not in label


@pytest.mark.parametrize("junk", [{}, {"url": "ftp://example.com"}, {"url": ""}, {"to": []}, {"to": ["nobody"]}])
async def test_a_destination_that_cannot_work_is_refused(channel: Channel, junk: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"url|to"):
        NOTIFIERS[channel.name].config.model_validate(junk)


# --- webhook ---------------------------------------------------------------------------------------------


@pytest.mark.req("F17")
async def test_a_webhook_gets_the_event_itself_signed_so_that_the_standards_own_library_believes_it(
    webhook: HttpChannel,
) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook.config |= {"secret": secret, "headers": {"Authorization": "Bearer of news"}}
    sent = message()
    await send(webhook, sent)
    (got,) = webhook.receiver.received
    headers = {name.lower(): value for name, value in got.headers.items()}
    assert Webhook(secret).verify(got.raw.decode(), headers) == sent.body
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["authorization"] == "Bearer of news"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_webhook_that_is_troubled_may_be_tried_again(webhook: HttpChannel, status: int) -> None:
    webhook.receiver.answers.append(status)
    with pytest.raises(RetryableError, match=str(status)):
        await send(webhook)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 403, 410, 413, 422])
async def test_a_webhook_that_refuses_or_sends_elsewhere_is_believed(webhook: HttpChannel, status: int) -> None:
    webhook.receiver.answers.append(web.Response(status=status, headers={"location": webhook.receiver.url}))
    with pytest.raises(RefusedError, match=str(status)):
        await send(webhook)
    assert len(webhook.receiver.received) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Fri, 01 Jan 2010 00:00:00 GMT", 0.0),
        ("1e9", None),
        ("-5", None),
        ("٣", 3.0),
        ("99999999999999999999", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
async def test_how_long_a_webhook_wants_to_be_left_alone(
    webhook: HttpChannel, text: str, seconds: float | None
) -> None:
    webhook.receiver.answers.append(web.Response(status=429, headers={"retry-after": text}))
    with pytest.raises(RetryableError) as refusal:
        await send(webhook)
    assert refusal.value.retry_after == seconds


async def test_little_of_a_webhooks_endless_answer_is_kept(webhook: HttpChannel) -> None:
    webhook.receiver.answers.append(web.Response(body=b"\xff\x00" * 4_000_000))
    receipt = await send(webhook)
    assert 0 < len(receipt.response) <= MAX_RESPONSE_CHARACTERS


@pytest.mark.parametrize(
    "headers",
    [
        {"x": "a\r\nHost: evil.example"},
        {"bad name": "x"},
        {"": "x"},
        {"x-name": "ünïcode"},
        {"Host": "evil.example"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"webhook-signature": "v1,forged"},
        {f"x-{number}": "" for number in range(17)},
    ],
)
def test_a_webhooks_headers_cannot_reshape_the_request(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="headers"):
        NOTIFIERS["webhook"].config.model_validate({"url": "https://example.com", "headers": headers})


@pytest.mark.parametrize("secret", ["whsec_", "not base64!", "whsec_YWJj!", "YWJ", "!!!!"])
def test_a_webhooks_secret_is_base64_throughout(secret: str) -> None:
    with pytest.raises(ValueError, match="must be base64"):
        NOTIFIERS["webhook"].config.model_validate({"url": "https://example.com", "secret": secret})


def test_a_webhooks_label_hides_path_query_and_password() -> None:
    notifier = NOTIFIERS["webhook"]
    config = notifier.config.model_validate({"url": f"https://me:{SECRET}@example.com:8443/{SECRET}?token={SECRET}"})
    assert notifier.label(config) == "https://example.com:8443/…"
    plain = notifier.config.model_validate({"url": "https://[2001:db8::1]/hook"})
    assert notifier.label(plain) == "https://[2001:db8::1]/…"


# --- Slack -----------------------------------------------------------------------------------------------


@pytest.mark.req("F16")
async def test_a_slack_message_keeps_slacks_limits_and_never_speaks_slacks_own_syntax(slack: HttpChannel) -> None:
    image = sample_data(EventType.WORKLOAD_CHANGED)["images"][0] | {"tag": HOSTILE, "risks": ["&" * 5000] * 3}
    await send(slack, message(images=[image] * 100))
    (got,) = await slack.receiver.wait()
    assert got.body["text"]
    assert 0 < len(got.body["blocks"]) <= 50
    sections = [block["text"]["text"] for block in got.body["blocks"] if block["type"] == "section"]
    assert all(0 < len(text) <= 3000 for text in sections)
    assert not any("<!channel>" in text or "<https://evil" in text for text in sections)
    assert sections[-1] == "<https://deadlight.example/image/1|Open in Deadlight>"


# --- e-mail ----------------------------------------------------------------------------------------------


@pytest.mark.req("F15", "F23")
async def test_a_mail_reaches_every_recipient_in_plain_text_and_html(email: MailChannel) -> None:
    await send(email)
    (mail,) = email.server.mails
    assert mail.recipients == ["ada@example.com", "team@example.com"]
    assert mail.message["From"] == "deadlight@example.com"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]


async def test_a_mails_subject_is_one_line_and_its_html_holds_no_foreign_markup(email: MailChannel) -> None:
    workload = sample_data(EventType.WORKLOAD_CHANGED)["workload"] | {"name": HOSTILE}
    await send(email, message(EventType.WORKLOAD_CHANGED, workload=workload))
    (mail,) = email.server.mails
    assert "\n" not in mail.message["Subject"]
    assert mail.message["Bcc"] is None
    assert mail.recipients == email.config["to"]
    html = mail.message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"ada@example.com": "450 grey", "team@example.com": "450 grey"}, RetryableError),
        ({"ada@example.com": "550 unknown", "team@example.com": "550 unknown"}, RefusedError),
        ({"ada@example.com": "550 unknown", "team@example.com": "450 grey"}, RetryableError),
    ],
)
async def test_a_mail_that_no_recipient_takes_is_tried_again_as_long_as_one_may(
    email: MailChannel, answers: dict[str, str], expected: type[Exception]
) -> None:
    email.server.refused |= answers
    with pytest.raises(expected):
        await send(email)


async def test_a_mail_that_some_recipients_take_is_delivered_and_says_who_did_not(email: MailChannel) -> None:
    email.server.refused["ada@example.com"] = "550 no such mailbox"
    receipt = await send(email)
    assert "not for ada@example.com" in receipt.response
    assert "no such mailbox" in receipt.response
    (mail,) = email.server.mails
    assert mail.recipients == ["team@example.com"]


async def test_without_a_mail_server_the_setting_is_named(email: MailChannel) -> None:
    with pytest.raises(RefusedError, match="DEADLIGHT_SMTP_URL"):
        await NOTIFIERS["email"].send(
            replace(email.transport(), smtp_url=""), NOTIFIERS["email"].config.model_validate(email.config), message()
        )


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nBcc: c@d", "a@b, c@d", "Ada <a@b>", "a b@c", "@b", "a@", "a", "a@b;c@d", '"a"@b', "a@" + "b" * 300],
)
def test_a_recipient_is_one_plain_address(address: str) -> None:
    with pytest.raises(ValueError, match="to"):
        NOTIFIERS["email"].config.model_validate({"to": [address]})
