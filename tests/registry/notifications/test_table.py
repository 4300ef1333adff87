"""What every format does the same, and what each understands."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.registry_webhooks import PROOFS, SAMPLES, SECRET, Sample, distribution_event

from deadlight.registry.notifications import (
    MAX_BODY_BYTES,
    NOTIFICATIONS,
    InvalidNotificationError,
    Notification,
    NotificationAction,
)

FORMATS = sorted(NOTIFICATIONS)
every_format = pytest.mark.parametrize("name", FORMATS)
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.format}: {sample.name}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def understood(format_name: str, document: Any, **headers: str) -> tuple[Notification, ...]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return NOTIFICATIONS[format_name].parse(named, json.dumps(document).encode())


@pytest.mark.req("I1")
@every_sample
def test_a_delivery_is_understood(sample: Sample):
    sent = sample.sent()
    assert NOTIFICATIONS[sample.format].parse(sent.headers, sent.body) == sample.understood


@every_format
def test_every_format_has_a_push_among_the_samples(name: str):
    pushes = [sample for sample in SAMPLES if sample.format == name and sample.understood]
    assert any(found.action is NotificationAction.PUSHED for sample in pushes for found in sample.understood)


@every_sample
def test_a_delivery_with_the_secret_is_believed_and_one_with_another_is_not(sample: Sample):
    row = NOTIFICATIONS[sample.format]
    sent, forged = sample.sent(), sample.sent("another")
    assert row.verify(sent.headers, sent.body, SECRET, url_token=sent.url_token)
    assert not row.verify(forged.headers, forged.body, SECRET, url_token=forged.url_token)


@every_format
def test_without_a_secret_nothing_is_believed(name: str):
    body = b"{}"
    for secret in ("", SECRET):
        proven = PROOFS[name](body, secret)
        assert not NOTIFICATIONS[name].verify(proven.headers, body, "", url_token=proven.url_token)
    assert not NOTIFICATIONS[name].verify({}, body, SECRET)


@pytest.mark.parametrize("name", ["artifactory", "github"])
def test_a_signature_is_of_that_body_alone(name: str):
    sent = PROOFS[name](b'{"events": []}', SECRET)
    assert not NOTIFICATIONS[name].verify(sent.headers, b'{"events": [1]}', SECRET)


@every_format
def test_header_names_may_be_written_in_any_case(name: str):
    sent = PROOFS[name](b"{}", SECRET)
    shouted = {header.upper(): value for header, value in sent.headers.items()}
    assert NOTIFICATIONS[name].verify(shouted, b"{}", SECRET, url_token=sent.url_token)


@every_format
def test_the_instructions_name_the_address_and_the_secret(name: str):
    row = NOTIFICATIONS[name]
    setup = row.instructions("https://deadlight.example.com/hooks/7", SECRET)
    text = "\n".join((*setup.steps, setup.configuration))
    assert "https://deadlight.example.com/hooks/7" in text
    assert SECRET in text
    assert ("?token=" in text) is row.secret_in_url
    assert "{url}" not in text
    assert "{secret}" not in text


@every_format
def test_the_page_for_people_says_the_same(name: str):
    page = (Path(__file__).parents[3] / "docs/user/registry-webhooks.md").read_text()
    setup = NOTIFICATIONS[name].instructions("<address>", "<secret>")
    assert f"## {NOTIFICATIONS[name].title}\n" in page
    assert f"| `{name}` |" in page
    assert all(step in page for step in setup.steps)
    assert setup.configuration in page


@every_format
def test_a_body_too_large_is_not_read(name: str):
    with pytest.raises(InvalidNotificationError, match="bytes"):
        NOTIFICATIONS[name].parse({}, b" " * (MAX_BODY_BYTES + 1))


@every_format
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_notification_is_refused(name: str, body: bytes):
    with pytest.raises(InvalidNotificationError, match="cannot be read"):
        NOTIFICATIONS[name].parse({"x-github-event": "package"}, body)


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_a_parser(body: bytes):
    for row in NOTIFICATIONS.values():
        with contextlib.suppress(InvalidNotificationError):
            row.parse({"x-github-event": "package"}, body)


@settings(max_examples=300)
@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_no_change_to_a_real_body_breaks_a_parser(sample: Sample, data: st.DataObject):
    document = json.loads(json.dumps(sample.document))
    place = document
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    try:
        found = NOTIFICATIONS[sample.format].parse(sample.headers, json.dumps(document).encode())
    except InvalidNotificationError:
        return
    for notification in found:
        assert notification.repository
        assert len(notification.actor) <= 256
        assert notification.actor.isprintable()


@given(headers=st.dictionaries(st.text(max_size=20), st.text(max_size=200)), token=st.text(), body=st.binary())
def test_no_header_breaks_a_verification(headers: dict[str, str], token: str, body: bytes):
    for name in FORMATS:
        for header in ("authorization", "x-jfrog-event-auth", "x-hub-signature-256"):
            sent = headers | {header: token}
            assert not NOTIFICATIONS[name].verify(sent, body, "a secret that nobody guesses", url_token=token)


@pytest.mark.parametrize("repository", ["../../etc", "Shop/Web", "shop//web", "a" * 300, "shop/web\n", ""])
def test_a_name_that_no_image_can_have_is_refused(repository: str):
    document = {
        "type": "PUSH_ARTIFACT",
        "event_data": {"repository": {"repo_full_name": repository}, "resources": [{}]},
    }
    with pytest.raises(InvalidNotificationError, match="impossible name"):
        understood("harbor", document)


def test_a_digest_that_is_none_is_left_out():
    (found,) = understood("distribution", {"events": [distribution_event(tag="1", digest="sha256:abc")]})
    assert found.digest == ""


def test_an_actor_is_cut_and_made_printable():
    (found,) = understood("distribution", {"events": [distribution_event(tag="1", actor="a\n\x1b[31mé" + "x" * 999)]})
    assert found.actor.startswith("a[31mé")
    assert len(found.actor) < 257


def test_more_events_than_any_registry_sends_are_refused():
    with pytest.raises(InvalidNotificationError, match="1001 events"):
        understood("distribution", {"events": [distribution_event()] * 1001})
    with pytest.raises(InvalidNotificationError, match="1001 events"):
        understood("quay", {"repository": "shop/web", "updated_tags": ["1"] * 1001})


def test_a_pub_sub_message_must_be_base64():
    with pytest.raises(InvalidNotificationError, match="base64"):
        understood("gar", {"message": {"data": "{not base64}"}})


def test_an_official_image_of_docker_hub_is_in_the_library():
    (found,) = understood("docker-hub", {"push_data": {"tag": "1"}, "repository": {"repo_name": "nginx"}})
    assert found.repository == "library/nginx"
