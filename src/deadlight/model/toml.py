"""TOML that somebody else wrote: the standard library's reader, which long keys would keep busy."""

import re
import tomllib
from typing import Any

MAX_KEY_PARTS = 64
"""Of a dotted key or the name of a table. The reader remembers every beginning of a key: the square of its length, 4 GB
for 64 KiB of `a.a.a`."""

_TEXTS = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"{3,5}|\Z)|"(?:[^"\\\n]|\\[^\n])*"?'
    r"|'''.*?(?:'{3,5}|\Z)|'[^'\n]*'?|#[^\n]*",
    re.DOTALL,
)
"""Strings and comments. At one without an end the reader stops, so that what follows does not matter."""

_LONG_KEY = re.compile(rf"(?:\.[ \t]*[\w-]+[ \t]*){{{MAX_KEY_PARTS}}}")


def parse_toml(text: str) -> dict[str, Any]:
    """Read a document.

    Raises:
        ValueError: not TOML, nested too deeply, or with a key of more than `MAX_KEY_PARTS` parts.
    """
    if _LONG_KEY.search(_TEXTS.sub("x", text)):
        raise ValueError(f"a key has more than {MAX_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
