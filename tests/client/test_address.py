from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.client.address import parse_server
from deadlight.client.errors import InsecureServerError


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("https://deadlight.example", "https://deadlight.example"),
        ("https://deadlight.example:8443/base/", "https://deadlight.example:8443/base"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_an_encrypted_or_local_address_is_taken_without_its_trailing_slash(given_url: str, expected: str) -> None:
    assert parse_server(given_url) == expected


@pytest.mark.req("R21")
@pytest.mark.parametrize(
    "url",
    [
        "http://deadlight.example",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "https://user:secret@deadlight.example",
        "ftp://deadlight.example",
        "file:///etc/passwd",
        "deadlight.example",
        "https://",
        "https://deadlight.example?x=1",
        "https://[::1",
        "https://deadlight.example:port",
        "",
    ],
)
def test_an_address_that_would_leak_tokens_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(InsecureServerError):
        parse_server(url)


@given(st.text(max_size=200))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(InsecureServerError):
        assert parse_server(text).casefold().startswith("http")
