"""What is shown of a place where a secret stands: the line with everything masked that could be secret."""

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256

from deadlight.scanner.exposures.secrets.engine import Span
from deadlight.scanner.exposures.secrets.plausibility import is_words

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
    r"""(?P<sign>[=:>]\s*|//[^\s:/@]*:|(?i:passw(?:or)?d|passphrase|secret|token|bearer|basic|\s-[pu])\s+)
        (?P<quote>["'`]?)(?P<value>[^\s"'`,;<>&)}\]*]{3,})|
        (?P<word>[A-Za-z0-9+/=_\-.~%!@\#$^&]{8,})""",
    re.VERBOSE,
)
"""What stands behind a sign of assignment, or is long enough to be a token."""
_STARS = re.compile(r"\*{5,}")
_CUT_WORD = re.compile(r"^\S*")
_CUT_END = re.compile(r"\S*$")
_WORDS_UP_TO = 40
"""Letters of names that are shown, such as of settings."""


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
    return _STARS.sub(MASK, f"{before}{shown}{after}".strip())[:MAX_EVIDENCE]


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
    """From the beginning of the match's line to the secret, without a word that is not whole."""
    floor = max(0, span.secret_start - _BEFORE)
    line = content.rfind(b"\n", floor, span.start) + 1
    shown = _hide(content, max(floor, line), span.secret_start, matched)
    return _CUT_WORD.sub("", shown) if floor > line else shown


def _after(content: bytes, span: Span, matched: Iterable[Span]) -> str:
    """From where the secret surely ends to the end of the line, without a word that is not whole."""
    continued = _CONTINUED.match(content, span.secret_end)
    start = continued.end() if continued else span.secret_end
    newline = content.find(b"\n", start, start + _AFTER)
    shown = _hide(content, start, newline if newline >= 0 else start + _AFTER, matched)
    return shown if newline >= 0 or start + _AFTER >= len(content) else _CUT_END.sub("", shown)


def _hide(content: bytes, start: int, end: int, matched: Iterable[Span]) -> str:
    """A part of the text without any match in it, nor anything assigned, nor anything that could be a token."""
    part = bytearray(content[start:end])
    for other in matched:
        first, last = max(other.secret_start, start), min(other.secret_end, end)
        if first < last:
            part[first - start : last - start] = b"*" * (last - first)
    return _HELD.sub(_mask_held, part.decode("utf-8", "replace"))


def _mask_held(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None:
        return f"{found['sign']}{found['quote']}{MASK}"
    return word if len(word) <= _WORDS_UP_TO and is_words(word.strip("=-.$@#/")) else MASK


def _printable(text: str) -> str:
    """A text in one line, in which nothing moves the cursor or reverses the writing."""
    return "".join(char if char.isprintable() else " " for char in text)
