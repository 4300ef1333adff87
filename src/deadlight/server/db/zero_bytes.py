"""PostgreSQL's text and jsonb cannot hold the zero byte, which JSON and the arguments of processes may well contain."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The zero byte in JSON text: an escape that is not itself escaped."""


def json_without_zero_bytes(document: bytes) -> bytes:
    """A JSON document without the zero bytes in its texts, many times faster than once it is decoded."""
    return _ESCAPED.sub(rb"\1", document) if b"\\u0000" in document else document


def without_zero_bytes(value: Any) -> Any:
    """A JSON-able value without the zero bytes in its texts and keys.

    Foreign documents pass through here before they are stored: otherwise whoever writes one could keep it out.
    """
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {without_zero_bytes(key): without_zero_bytes(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_zero_bytes(item) for item in value]
    return value


def _refuse(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a zero byte")
    return text


PlainText = Annotated[str, AfterValidator(_refuse)]
"""A text in a request of a person, who is told where it cannot be stored or looked for."""
