"""From a file's bytes to text that expressions can be tried on."""

import codecs

_PEEKED = 8 * 1024
"""Bytes that are looked at for a zero, which no text has."""
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def as_text(content: bytes) -> bytes | None:
    """Text in an encoding that extends ASCII, None for what is no text. UTF-16 is told by its byte order mark."""
    encoding = _UTF16.get(content[:2])
    if encoding is not None:
        return content[2:].decode(encoding, "replace").encode("utf-8", "replace")
    if b"\0" in content[:_PEEKED]:
        return None
    return content.removeprefix(codecs.BOM_UTF8)
