"""TOML of others: what the library reads is read, and no key keeps it busy, however it is hidden."""

import tomllib
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deadlight.model.toml import MAX_KEY_PARTS, parse_toml

LONG = ".".join("a" * (MAX_KEY_PARTS + 1))
LONGEST = LONG.removesuffix(".a")


@pytest.mark.parametrize("text", [f"{LONGEST} = 1", f"[{LONGEST}]", f'x = "{LONG}" # {LONG}\n', f"x = '''\n{LONG}'''"])
def test_keys_of_as_many_parts_as_anybody_writes_are_read(text: str) -> None:
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[{LONG}]]",
        LONG.replace(".", " . ") + " = 1",
        LONG.replace("a", '"a\\""') + " = 1",
        LONG.replace("a", "'\"'") + " = 1",
        f"x = {{ y = 1, {LONG} = 1 }}",
    ],
)
def test_a_longer_key_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(ValueError, match=f"more than {MAX_KEY_PARTS} parts"):
        parse_toml(text)


def test_what_is_no_toml_or_nested_too_deeply_is_refused() -> None:
    for text in ("a", "[" * 30_000, "x = " + "[" * 30_000):
        with pytest.raises(ValueError, match=r".+"):
            parse_toml(text)


PIECES = ["x", "=", '"', "'", '"""', "'''", "\\", "\n", " ", "#", "{", "}", "[", "]", ",", ".", "1", "y = 'z'\n"]


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + depth(one) for one in inner), default=0)


@settings(max_examples=50)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@example('x = { y = """\'""""", ')
@example("x = { y = '''\"''''', ")
@example('x = """\nit\'s"""\n')
@example("x = 1 # it's\n")
def test_nothing_in_front_of_a_long_key_hides_it(before: str) -> None:
    for text in (f"{before}{LONG} = 1", f"{before}{LONG} = 1 }}"):
        try:
            is_long = depth(tomllib.loads(text)) > MAX_KEY_PARTS
        except tomllib.TOMLDecodeError:
            continue
        with pytest.raises(ValueError, match="parts") if is_long else nullcontext():
            parse_toml(text)
