"""Regular expressions that cannot take long, whatever text they are given.

The standard library's engine goes back and tries again, and an expression such as `(a+)+b` makes it do so for years. So
rules may only use expressions of which a small parser can count in how many ways they can divide a text.
"""

import re
from collections.abc import Callable

MAX_EXPRESSION_LENGTH = 256
"""Characters of an expression."""

MAX_TEXT_LENGTH = 1024
"""Characters of a text that an expression looks at; more are cut off."""

MAX_WAYS = 2**21
"""In which an expression may divide a text: room for two that repeat without end, or one and many short ones."""

MAX_GROUPS = 8
"""Groups within groups."""

_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,3})(?:(,)(\d{0,3}))?\}")
_ATOM = re.compile(r"\\[dDwWsS.\\/()\[\]{}*+?|^$-]|\[\^?\]?(?:\\[dDwWsS\\\]^-]|[^\]\\\[])*\]|[^\\\[\](){}*+?|^$]")


def compile_expression(expression: str) -> Callable[[str], bool]:
    r"""A function that says whether an expression matches the whole of a text, capital letters or not.

    Understood are characters, `.`, classes (`[a-z]`, `\d`, `\w`, `\s`), `|`, groups, and `*`, `+`, `?`, `{2,5}`
    after one character or class. A group can be made optional, but not repeated.

    Raises:
        ValueError: it is anything else, too long, or could take too long.
    """
    count_ways(expression)
    try:
        compiled = re.compile(expression, re.IGNORECASE | re.DOTALL)
    except (re.error, OverflowError, FutureWarning) as error:
        raise ValueError(f"{expression!r}: {error}") from error
    return lambda text: compiled.fullmatch(text, 0, MAX_TEXT_LENGTH) is not None


def count_ways(expression: str) -> int:
    """In how many ways an expression can divide a text: what it costs at the worst.

    Raises:
        ValueError: it is not understood, too long, or could take too long.
    """
    if len(expression) > MAX_EXPRESSION_LENGTH:
        raise ValueError(f"an expression has at most {MAX_EXPRESSION_LENGTH} characters")
    ways, end = _alternatives(expression, 0, 0)
    if end != len(expression):
        raise ValueError(f"unbalanced parenthesis at character {end + 1} of {expression!r}")
    if ways > MAX_WAYS:
        raise ValueError(f"{expression!r} could take too long: repeat less, or compare in several conditions")
    return ways


def _alternatives(text: str, start: int, depth: int) -> tuple[int, int]:
    """In how many ways alternatives divide a text, and where they end."""
    if depth > MAX_GROUPS:
        raise ValueError(f"groups may be nested {MAX_GROUPS} deep")
    total, position = _sequence(text, start, depth)
    while text.startswith("|", position):
        ways, position = _sequence(text, position + 1, depth)
        total += ways
    return total, position


def _sequence(text: str, position: int, depth: int) -> tuple[int, int]:
    ways = 1
    while position < len(text) and text[position] not in "|)":
        if text[position] == "(":
            repeated, position = _group(text, position, depth)
        else:
            repeated, position = _repeated_atom(text, position)
        ways *= repeated
    return ways, position


def _group(text: str, position: int, depth: int) -> tuple[int, int]:
    start = position + (3 if text.startswith("(?:", position) else 1)
    ways, end = _alternatives(text, start, depth + 1)
    if not text.startswith(")", end):
        raise ValueError(f"{text!r} lacks a closing parenthesis")
    if text.startswith("?", end + 1):
        ways, end = ways + 1, end + 1
    if _QUANTIFIER.match(text, end + 1):
        raise ValueError(f"{text!r} repeats a group, which could take too long; only ? is possible after one")
    return ways, end + 1


def _repeated_atom(text: str, position: int) -> tuple[int, int]:
    atom = _ATOM.match(text, position)
    if atom is None:
        raise ValueError(f"character {position + 1} of {text!r} is not understood in expressions of rules")
    quantifier = _QUANTIFIER.match(text, atom.end())
    if quantifier is None:
        return 1, atom.end()
    end = quantifier.end()
    if _QUANTIFIER.match(text, end) or text.startswith("+", end):
        raise ValueError(f"{text!r} repeats a repetition")
    return _ways(quantifier), end


def _ways(quantifier: re.Match[str]) -> int:
    match quantifier[0]:
        case "?":
            return 2
        case "*" | "+":
            return MAX_TEXT_LENGTH
    least, comma, most = int(quantifier[1]), quantifier[2], quantifier[3]
    if not comma:
        return 1
    return max(int(most) - least, 0) + 1 if most else MAX_TEXT_LENGTH
