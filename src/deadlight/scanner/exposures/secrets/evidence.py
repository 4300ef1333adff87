"""What is shown of a place where a secret stands: the line with everything masked that could be secret."""

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256

from deadlight.scanner.exposures.secrets.engine import Span

MASK = "****"
MAX_EVIDENCE = 160
"""Characters."""
_BEFORE = 80
_AFTER = 40
"""Bytes shown of the line on either side of the secret."""
_SHOWN = 4
_SHOWN_FROM = 20
"""A secret of this many characters shows its last four, so that people can tell which it is."""

_CONTINUED = re.compile(rb"[A-Za-z0-9+/=_\-.~%!@#$^&*\\]{0,4096}")
_HELD = re.compile(
    r"""(?P<sign>[=:>]\s*|//[^\s:/@]*:)(?P<quote>["'`]?)(?P<value>[^\s"'`,;<>&)}\]*]{3,})|
        (?P<word>[A-Za-z0-9+/=_\-.~%!@\#$^&*]{16,})""",
    re.VERBOSE,
)
"""What stands behind a sign of assignment, and what is as long as a token and, like tokens, has digits."""


def fingerprint(salt: bytes, secret: bytes) -> str:
    """16 hexadecimal digits that are the same for the same secret, and say nothing of it to who lacks the salt."""
    return hmac.new(salt, secret, sha256).hexdigest()[:16]


def mask(secret: str) -> str:
    """A secret as it may be shown."""
    return MASK + (secret[-_SHOWN:] if len(secret) >= _SHOWN_FROM else "")


def show(content: bytes, span: Span, matched: Iterable[Span], *, is_cut: bool) -> str:
    """The line of a secret, masked and printable; where not everything was looked at, the secret's mask alone."""
    shown = _mask_span(content, span, matched)
    if is_cut:
        return shown
    before = _printable(_before(content, span, matched))
    after = _printable(_after(content, span, matched))
    return f"{before}{shown}{after}".strip()[:MAX_EVIDENCE]


def _mask_span(content: bytes, span: Span, matched: Iterable[Span]) -> str:
    """The secret's mask; without its end where another match reaches into it."""
    tail = span.secret_end - _SHOWN
    if any(
        other.secret_start > span.secret_start and other.secret_end > tail for other in matched if _meet(other, span)
    ):
        return MASK
    shown = mask(content[span.secret_start : span.secret_end].decode("utf-8", "replace"))
    return shown if shown.isascii() and shown.isprintable() and " " not in shown else MASK


def _meet(one: Span, other: Span) -> bool:
    return one.secret_start < other.secret_end and other.secret_start < one.secret_end


def _before(content: bytes, span: Span, matched: Iterable[Span]) -> str:
    """From the beginning of the match's line to the secret."""
    floor = max(0, span.secret_start - _BEFORE)
    line = content.rfind(b"\n", 0, span.start) + 1
    return _hide(content, max(floor, line), span.secret_start, matched)


def _after(content: bytes, span: Span, matched: Iterable[Span]) -> str:
    """From where the secret surely ends to the end of the line."""
    continued = _CONTINUED.match(content, span.secret_end)
    start = continued.end() if continued else span.secret_end
    newline = content.find(b"\n", start, start + _AFTER)
    return _hide(content, start, newline if newline >= 0 else start + _AFTER, matched)


def _hide(content: bytes, start: int, end: int, matched: Iterable[Span]) -> str:
    """A part of the text without any match in it, nor anything assigned, nor anything long."""
    part = bytearray(content[start:end])
    for other in matched:
        first, last = max(other.secret_start, start), min(other.secret_end, end)
        if first < last:
            part[first - start : last - start] = b"*" * (last - first)
    return _HELD.sub(_mask_held, part.decode("utf-8", "replace"))


def _mask_held(found: re.Match[str]) -> str:
    word = found["word"]
    if word:
        return MASK if any(char.isdigit() for char in word) else word
    return f"{found['sign']}{found['quote']}{MASK}"


def _printable(text: str) -> str:
    """A text in one line, in which nothing moves the cursor or reverses the writing."""
    return "".join(char if char.isprintable() else " " for char in text)
