"""Statements, envelopes and payloads are read, and nonsense is refused in words."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.attestations import statement

from deadlight.registry.attestations.statements import (
    InvalidStatementError,
    decode_base64,
    parse_envelope,
    parse_simple_signing,
    parse_statement,
)

DIGEST = f"sha256:{'ab' * 32}"


def test_a_statement_says_what_it_is_about() -> None:
    read = parse_statement(statement(DIGEST, {"a": 1}, "https://example.com/type"))
    assert (read.predicate_type, read.predicate, read.subject_digests) == (
        "https://example.com/type",
        {"a": 1},
        frozenset({DIGEST}),
    )


def test_an_envelope_is_signed_over_its_type_and_payload() -> None:
    payload = b'{"x": 1}'
    document = {"payloadType": "t", "payload": base64.b64encode(payload).decode(), "signatures": [{"sig": "c2ln"}]}
    read = parse_envelope(json.dumps(document).encode())
    assert read.signatures == (b"sig",)
    assert read.signed_bytes == b'DSSEv1 1 t 8 {"x": 1}'


def test_base64_is_read_in_both_alphabets() -> None:
    assert decode_base64("-_-_") == decode_base64("+/+/")


@pytest.mark.parametrize(
    ("parse", "content", "why"),
    [
        (parse_statement, b"{}", "not an in-toto statement"),
        (parse_statement, b'{"_type": "other", "subject": [], "predicateType": "t"}', "but 'other'"),
        (parse_statement, b"[" * 100_000, "not an in-toto statement"),
        (parse_envelope, b'{"payload": "", "payloadType": "t", "signatures": []}', "not a DSSE envelope"),
        (parse_envelope, b'{"payload": "%", "payloadType": "t", "signatures": [{"sig": ""}]}', "not base64"),
        (parse_simple_signing, b'{"critical": {}}', "not a signature's payload"),
    ],
)
def test_what_is_something_else_is_refused_in_words(parse: Callable[[bytes], object], content: bytes, why: str) -> None:
    with pytest.raises(InvalidStatementError, match=why):
        parse(content)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_bytes_do_more_than_be_refused(content: bytes) -> None:
    for parse in (parse_statement, parse_envelope, parse_simple_signing):
        try:
            parse(content)
        except InvalidStatementError:
            continue
