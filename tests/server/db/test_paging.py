"""Keys of pages: made here, checked when they come back."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.server.db.paging import MAX_KEY_LENGTH, Number, Text, decode_key, encode_key
from deadlight.server.errors import BadRequestError

NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=100)


@given(NUMBERS, TEXTS)
def test_a_key_holds_the_last_row(number: int, text: str) -> None:
    key = encode_key("name", [number, text])
    assert decode_key(key, "name", (Number, Text)) == [number, text]
    assert key.isascii()
    assert key == key.strip("=+/ ")


def test_a_key_of_another_list_is_refused() -> None:
    key = encode_key("name", ["web", 1])
    for order, kinds in (("risks", (Text, Number)), ("name", (Text,)), ("name", (Number, Text)), ("name", ())):
        with pytest.raises(BadRequestError, match="start again without it"):
            decode_key(key, order, kinds)


def test_what_the_database_cannot_hold_is_refused() -> None:
    for values, kinds in (([2**63], (Number,)), (["a\0b"], (Text,)), ([1.5], (Number,)), (["x"], (UUID,))):
        with pytest.raises(BadRequestError):
            decode_key(encode_key("name", values), "name", kinds)
    identifier = uuid4()
    assert decode_key(encode_key("name", [identifier]), "name", (UUID,)) == [identifier]


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: encode_key("name", [raw.hex()])[:-3]))
def test_any_text_is_a_key_or_refused(key: str) -> None:
    with pytest.raises(BadRequestError):
        decode_key(key, "clusters", (Text, UUID))


def test_a_key_made_to_nest_deeply_is_refused() -> None:
    for key in ("W" * MAX_KEY_LENGTH, "W1tb" * 5000, "é", "====", "e30", "bnVsbA"):
        with pytest.raises(BadRequestError):
            decode_key(key, "name", (Number,))
