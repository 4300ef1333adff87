import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from deadlight.registry.answers import (
    Answer,
    error_codes,
    is_version_check,
    printable,
    refusal,
    retry_after_seconds,
    states_absence,
)
from deadlight.registry.errors import MalformedAnswerError, TransientError, UnavailableError


def answer(status: int = 404, body: bytes = b"", *, redirected: bool = False, **headers: str) -> Answer:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer(URL("https://registry.test:5000/v2/"), redirected, status, named, body)


@pytest.mark.req("I29")
@pytest.mark.parametrize(
    ("given_answer", "stated"),
    [
        (answer(body=b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'), True),
        (answer(body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), True),
        (answer(body=b'{"errors":[{"code":"NOT_FOUND","message":"artifact not found"}]}'), True),
        (answer(body=b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', redirected=True), True),
        (answer(body=b'{"errors":[{"code":"UNSUPPORTED"}]}'), False),
        (answer(body=b'{"errors":[{"code":"DENIED"},{"code":"NAME_UNKNOWN"}]}'), False),
        (answer(body=b"<html>", content_type="text/html; charset=utf-8"), False),
        (answer(body=b"\n <!DOCTYPE html>"), False),
        (answer(body=b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'), False),
        (answer(redirected=True), False),
        (answer(), None),
        (answer(body=b"404 page not found\n", content_type="text/plain"), None),
        (answer(body=b'{"errors":[]}'), None),
    ],
)
def test_only_a_registry_s_own_words_state_absence(given_answer: Answer, stated: bool | None):
    assert states_absence(given_answer) is stated


@pytest.mark.parametrize(
    ("given_answer", "is_registry"),
    [
        (answer(200, b"{}"), True),
        (answer(200, b""), True),
        (answer(200, b"true", docker_distribution_api_version="registry/2.0"), True),
        (answer(200, b"welcome"), False),
        (answer(200, b"<html>", content_type="text/html"), False),
        (answer(404, b"{}"), False),
    ],
)
def test_the_version_check_tells_registries_from_web_sites(given_answer: Answer, is_registry: bool):
    assert is_version_check(given_answer) is is_registry


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "9" * 100}, 999_999_999.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 120.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:30:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None):
    assert retry_after_seconds(CIMultiDict(headers)) == seconds


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (401, UnavailableError, "does not let us in (401 Unauthorized)"),
        (403, UnavailableError, "does not let us in (403 Forbidden)"),
        (404, MalformedAnswerError, "no registry answers there (404 Not Found, no content type)"),
        (418, MalformedAnswerError, "unexpected answer (418"),
        (429, TransientError, "limits our requests (429 Too Many Requests)"),
        (500, UnavailableError, "failed (500 Internal Server Error)"),
        (502, TransientError, "out of order (502 Bad Gateway)"),
        (599, UnavailableError, "failed (599)"),
    ],
)
def test_each_status_gives_a_reason_for_people(status: int, kind: type[UnavailableError], text: str):
    error = refusal(answer(status))
    assert type(error) is kind
    assert text in error.reason
    assert str(error) == f"registry.test:5000 cannot be asked: {error.reason}"


def test_the_registry_s_own_error_code_is_part_of_the_reason():
    assert "403 Forbidden, DENIED" in refusal(answer(403, b'{"errors":[{"code":"DENIED"}]}')).reason


@given(st.binary(), st.text(st.characters(codec="latin-1")), st.integers(100, 999))
def test_no_answer_breaks_its_reading(body: bytes, header: str, status: int):
    given_answer = answer(status, body, content_type=header, retry_after=header, date=header)
    assert isinstance(refusal(given_answer), UnavailableError)
    assert states_absence(given_answer) in {True, False, None}
    assert is_version_check(given_answer) in {True, False}
    assert refusal(given_answer).reason.isprintable()


def test_deeply_nested_errors_are_not_errors():
    assert error_codes(b'{"errors":' + b"[" * 100_000) == ()


@given(st.text())
def test_foreign_text_is_short_and_printable_in_messages(text: str):
    shown = printable(text)
    assert len(shown) <= 80
    assert shown.isascii()
    assert shown.isprintable()
