"""The `WWW-Authenticate` header (RFC 9110, section 11.6.1), read leniently and within bounds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_HEADER_CHARACTERS = 8192
MAX_CHALLENGES = 16

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - the grammar's name for a word
_PIECE = re.compile(
    rf"""[\s,]*+(?:
        (?P<name>{_TOKEN})\s*+=\s*+(?: "(?P<quoted>(?:[^"\\]|\\.)*+)" | (?P<bare>[^\s,"]*+) )
      | (?P<scheme>{_TOKEN})
      | (?P<junk>[^\s,]++)
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a server offers. Scheme and parameter names are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read every challenge of all `WWW-Authenticate` headers of an answer.

    What is not a challenge is skipped, a repeated parameter keeps its first value, and what exceeds
    `MAX_HEADER_CHARACTERS` in total or `MAX_CHALLENGES` is not read: a server that sends it gains nothing.
    """
    text = ", ".join(headers)[:MAX_HEADER_CHARACTERS]
    challenges: list[Challenge] = []
    for piece in _PIECE.finditer(text):
        if piece["scheme"] is not None:
            if len(challenges) == MAX_CHALLENGES:
                break
            challenges.append(Challenge(piece["scheme"].lower()))
        elif piece["name"] is not None and challenges:
            challenges[-1].parameters.setdefault(piece["name"].lower(), _value(piece))
    return tuple(challenges)


def _value(piece: re.Match[str]) -> str:
    quoted: str | None = piece["quoted"]
    return _ESCAPED.sub(r"\1", quoted) if quoted is not None else piece["bare"]
