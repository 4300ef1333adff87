import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.client.refusal import LONGEST, refusal_text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"detail": "unknown token"}', "unknown token"),
        (b'{"message": "no"}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"detail": [{"loc": ["body"]}]}', '[{"loc": ["body"]}]'),
        (b"plain words\n", "plain words"),
        (b"", "no reason given"),
        (b'{"detail": "a\\u001b[31mred"}', "a [31mred"),
    ],
)
def test_the_sentence_of_a_refusal_is_found(body: bytes, text: str) -> None:
    assert refusal_text(body) == text


@given(st.binary(max_size=5000))
def test_any_answer_gives_a_short_printable_sentence(body: bytes) -> None:
    text = refusal_text(body)

    assert text.isprintable()
    assert 0 < len(text) <= LONGEST


def test_deeply_nested_json_is_no_trouble() -> None:
    assert refusal_text(b"[" * 100_000)
