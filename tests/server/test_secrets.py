"""Secrets at rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.server.secrets import Cipher, UndecipherableError, derive_key, new_token, same, token_hash

KEY = "a secret key that is long enough to be one"


@given(st.text())
def test_what_is_encrypted_comes_back_and_looks_different_every_time(text: str) -> None:
    cipher = Cipher(KEY)
    blob = cipher.encrypt(text)
    assert cipher.decrypt(blob) == text
    assert cipher.encrypt(text) != blob
    assert len(text) < 4 or text.encode() not in blob


def test_another_key_says_which_setting_to_restore_and_nothing_of_the_secret() -> None:
    blob = Cipher(KEY).encrypt("s3cret")
    with pytest.raises(UndecipherableError, match="DEADLIGHT_SECRET_KEY differs") as failure:
        Cipher(f"{KEY}!").decrypt(blob)
    assert "s3cret" not in str(failure.value)
    assert KEY not in str(failure.value)


@given(st.binary(max_size=200))
def test_anything_else_is_undecipherable_and_no_other_error(blob: bytes) -> None:
    with pytest.raises(UndecipherableError):
        Cipher(KEY).decrypt(blob)


def test_what_was_changed_at_rest_is_not_believed() -> None:
    cipher = Cipher(KEY)
    blob = cipher.encrypt("https://hooks.example.com/secret")
    for position in range(0, len(blob), 7):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(UndecipherableError):
            cipher.decrypt(bytes(changed))


def test_every_purpose_has_a_key_of_its_own() -> None:
    keys = {derive_key(key, purpose) for key in (KEY, f"{KEY}!") for purpose in ("agent tokens", "stored credentials")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


def test_tokens_are_long_recognisable_and_stored_as_hashes() -> None:
    tokens = {new_token("dlr") for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("dlr_") and len(token) >= 47 for token in tokens)
    assert len({token_hash(token) for token in tokens}) == 100


def test_secrets_are_compared_also_where_they_are_not_ascii() -> None:
    assert same("geheim-ü", "geheim-ü")
    assert not same("geheim-ü", "geheim-u")
    assert not same("", "x")
