"""JavaScript and TypeScript as tokens: enough to see calls with their literal arguments, and nothing is ever run.

There is no grammar here. Comments, strings, templates and regular expressions are told apart, brackets are matched and
names are resolved through `require` and `import` at the place they are bound. What a value is at run time, which scope
a name belongs to and what a wrapper of one's own passes on are not known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from deadlight.ecosystems import UnreadableFileError

MAX_TOKENS = 200_000
"""Of one file; half a mebibyte of dense source has about 170,000."""

MAX_DEPTH = 500
"""Brackets in brackets."""

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\f\v\ufeff\xa0]+) | (?P<newline>\n) | (?P<comment>//[^\n]* | /\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    |(?P<name>[A-Za-z_$\x80-\U0010ffff][\w$\x80-\U0010ffff]*+) | (?P<number>\.?\d[\w.]*+)
    |(?P<string>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?) | (?P<sign>=>|[-+*%&|^=!<>?]{1,3}|.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\[^\n]?|\[(?:[^\]\\\n]|\\[^\n])*+\]?)++/?[A-Za-z]*+")
"""What is left open ends with its line, so that nothing is looked at twice."""

_CHUNK = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*+", re.DOTALL)
_BEFORE_REGEX = frozenset(
    {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "do", "else", "await"}
)
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    TEMPLATE = auto()
    """The text of a template up to its end or to the value put into it."""
    VALUE = auto()
    """`${` in a template; the tokens of the value follow."""
    REGEX = auto()
    SIGN = auto()


class Token(NamedTuple):
    """One token."""

    kind: Kind
    text: str
    """Of strings and templates the inside as it is written."""
    line: int


class Call(NamedTuple):
    """One call, `new` included."""

    name: str
    """`child_process.exec`, resolved as far as bindings tell; `app.disable` as written otherwise."""
    line: int
    begin: int
    """Index of the first token inside of its brackets."""
    end: int
    """Index of the closing bracket."""


@dataclass(frozen=True, slots=True)
class JavaScript:
    """One file."""

    tokens: tuple[Token, ...]
    calls: tuple[Call, ...]
    modules: frozenset[str]
    """Names of all modules it requires or imports, `node:` left out."""


def read_javascript(source: str) -> JavaScript:
    """Take one file apart, in time linear in its length.

    Raises:
        UnreadableFileError: more tokens or brackets than source of that size has.
    """
    tokens = tuple(_tokens(source))
    closing = _closing(tokens)
    bound, modules = _bindings(tokens)
    return JavaScript(tokens, tuple(_calls(tokens, closing, bound)), modules)


def _tokens(source: str) -> Iterator[Token]:
    scanner = _Scanner(source)
    for count, token in enumerate(scanner.tokens()):
        if count == MAX_TOKENS:
            raise UnreadableFileError(f"has more than {MAX_TOKENS} tokens")
        yield token


class _Scanner:
    """A walk over the source; templates make it keep a stack, for values in them hold any code."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._line = 1
        self._braces: list[int] = []
        """For each template around, how many braces its value has open."""
        self._last = Token(Kind.SIGN, ";", 0)

    def tokens(self) -> Iterator[Token]:
        while self._position < len(self._source):
            character = self._source[self._position]
            if character == "`":
                self._position += 1
                found = self._template()
            elif character == "}" and self._braces and not self._braces[-1]:
                self._braces.pop()
                self._position += 1
                found = self._template()
            else:
                found = self._plain()
            for token in found:
                self._last = token
                yield token

    def _template(self) -> Iterator[Token]:
        chunk = _CHUNK.match(self._source, self._position)
        text = chunk[0] if chunk else ""
        self._position += len(text)
        yield Token(Kind.TEMPLATE, text, self._line)
        self._line += text.count("\n")
        if self._source.startswith("${", self._position):
            self._position += 2
            self._braces.append(0)
            if len(self._braces) > MAX_DEPTH:
                raise UnreadableFileError(f"has templates more than {MAX_DEPTH} deep")
            yield Token(Kind.VALUE, "${", self._line)
        else:
            self._position += 1

    def _plain(self) -> Iterator[Token]:
        regex = _REGEX.match(self._source, self._position) if self._may_be_regex() else None
        match = regex or _TOKEN.match(self._source, self._position)
        assert match is not None  # one sign matches anything
        line, text = self._line, match[0]
        self._position = match.end()
        self._line += text.count("\n")
        if regex:
            yield Token(Kind.REGEX, text, line)
        elif match.lastgroup == "string":
            yield Token(Kind.STRING, text[1:].removesuffix(text[0]), line)
        elif match.lastgroup in {"name", "number", "sign"}:
            self._count_brace(text)
            yield Token(Kind[match.lastgroup.upper()], text, line)

    def _count_brace(self, text: str) -> None:
        if self._braces and text in {"{", "}"}:
            self._braces[-1] += 1 if text == "{" else -1

    def _may_be_regex(self) -> bool:
        source, position = self._source, self._position
        if source[position] != "/" or source[position + 1 : position + 2] in {"/", "*"}:
            return False
        last = self._last
        if last.kind is Kind.SIGN:
            return last.text not in _CLOSE
        return last.kind is Kind.VALUE or (last.kind is Kind.NAME and last.text in _BEFORE_REGEX)


def _closing(tokens: tuple[Token, ...]) -> dict[int, int]:
    """For each opening bracket's index that of its closing one; those left open close at the end."""
    stack: list[int] = []
    closing: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token.kind is not Kind.SIGN:
            continue
        if token.text in _OPEN:
            stack.append(index)
            if len(stack) > MAX_DEPTH:
                raise UnreadableFileError(f"has brackets more than {MAX_DEPTH} deep")
        elif stack and token.text == _OPEN[tokens[stack[-1]].text]:
            closing[stack.pop()] = index
    return closing | dict.fromkeys(stack, len(tokens))


def _bindings(tokens: tuple[Token, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """What names stand for after `const x = require("m")`, `import x from "m"` and their forms with braces."""
    bound: dict[str, str] = {}
    modules: set[str] = set()
    for index, token in enumerate(tokens):
        if token.kind is not Kind.STRING:
            continue
        before = [other.text for other in tokens[max(index - 3, 0) : index]]
        module = token.text.removeprefix("node:")
        if before[-1:] == ["from"]:
            modules.add(module)
            _bind(bound, tokens, index - 2, module)
        elif before[-2:] == ["require", "("]:
            modules.add(module)
            if before[-3:-2] == ["="]:
                _bind(bound, tokens, index - 4, module)
        elif before[-1:] == ["import"]:
            modules.add(module)
    return bound, frozenset(modules)


_MAX_BOUND = 200
"""Tokens between the braces of an import."""


def _bind(bound: dict[str, str], tokens: tuple[Token, ...], last: int, module: str) -> None:
    """Bind what ends at a token: a name, or names in braces and perhaps a name before them."""
    if last < 0:
        return
    if tokens[last].kind is Kind.NAME:
        bound[tokens[last].text] = module
        return
    names: list[str] = []
    for index in range(last - 1, max(last - _MAX_BOUND, -1), -1):
        token = tokens[index]
        if token.text == "{" and token.kind is Kind.SIGN:
            _bind_default(bound, tokens, index - 1, module)
            break
        if token.kind is Kind.NAME and token.text not in {"as", "type"}:
            names.append(token.text)
        if token.text in {",", "{"} or index == 0:
            names = []
        follows = tokens[index - 1].text if index else "{"
        if token.kind is Kind.NAME and follows in {",", "{"} and names:
            bound[names[0]] = f"{module}.{names[-1]}"


def _bind_default(bound: dict[str, str], tokens: tuple[Token, ...], last: int, module: str) -> None:
    """`import name, { … } from "m"`."""
    if last > 0 and tokens[last].text == "," and tokens[last - 1].kind is Kind.NAME:
        bound[tokens[last - 1].text] = module


def _calls(tokens: tuple[Token, ...], closing: Mapping[int, int], bound: Mapping[str, str]) -> Iterator[Call]:
    for begin, end in closing.items():
        name = _name_before(tokens, begin) if tokens[begin].text == "(" else ""
        if name:
            root, dot, rest = name.partition(".")
            yield Call(bound.get(root, root) + dot + rest, tokens[begin].line, begin + 1, end)


_MAX_NAME_PARTS = 8


def _name_before(tokens: tuple[Token, ...], index: int) -> str:
    """The dotted name that ends before a token, with a dot before it where it is a part of what is no name."""
    parts: list[str] = []
    position = index - 1
    for _ in range(_MAX_NAME_PARTS):
        if position < 0 or tokens[position].kind is not Kind.NAME:
            break
        parts.append(tokens[position].text)
        if position < 2 or tokens[position - 1].text != ".":
            break
        position -= 2
    starts_elsewhere = position > 0 and bool(parts) and tokens[position].kind is not Kind.NAME
    return ("." if starts_elsewhere else "") + ".".join(reversed(parts))
