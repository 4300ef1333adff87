"""YAML, JSON, TOML and XML as flat settings: `admin.address.port = 9901`, entries of lists by their number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import yaml

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.toml import parse_toml
from deadlight.scanner.exposures.services.setting import ALIAS, MAX_DEPTH, MAX_NAME, MAX_SETTINGS, Setting

MAX_TOML = 64 * 1024
"""Characters; the standard library's reader takes time with the square of some files' length."""

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Collection:
    """A mapping or list that is being read."""

    name: str
    is_mapping: bool
    key: str | None = None
    count: int = 0

    def next_name(self) -> str:
        """What the value that comes now is called."""
        part = self.key if self.is_mapping and self.key is not None else str(self.count)
        self.key = None
        self.count += 1
        return f"{self.name}.{part}" if self.name else part


def read_yaml(text: str) -> Iterator[Setting]:
    """Every scalar of every document. Nothing is built from them, so that neither tags nor aliases can do harm.

    Raises:
        UnreadableFileError: not YAML, nested too deeply or too long.
    """
    try:
        yield from _flatten(yaml.parse(text, Loader=_LOADER))
    except UnreadableFileError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFileError(f"cannot be read as YAML: {str(error).splitlines()[0][:120]}") from error


def read_json(text: str) -> Iterator[Setting]:
    """JSON, which but for its tabs is YAML; comments are borne.

    Raises:
        UnreadableFileError: as for YAML.
    """
    yield from read_yaml(text.replace("\t", " "))


def _flatten(events: Iterator[yaml.Event]) -> Iterator[Setting]:
    stack: list[_Collection] = []
    for number, event in enumerate(events):
        if number > 4 * MAX_SETTINGS:
            raise UnreadableFileError("has more values than a configuration has")
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.CollectionStartEvent):
            name = stack[-1].next_name()[:MAX_NAME] if stack else ""
            stack.append(_Collection(name, isinstance(event, yaml.MappingStartEvent)))
            if len(stack) > MAX_DEPTH:
                raise UnreadableFileError(f"is nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) and stack:
            yield from _leaf(stack[-1], event)


def _leaf(around: _Collection, event: "yaml.ScalarEvent | yaml.AliasEvent") -> Iterator[Setting]:
    line = event.start_mark.line + 1 if event.start_mark else 0
    is_alias = isinstance(event, yaml.AliasEvent)
    value = event.value if isinstance(event, yaml.ScalarEvent) else ""
    if around.is_mapping and around.key is None:
        around.key = value
        return
    name = around.next_name()[:MAX_NAME]
    yield Setting(ALIAS, (name,), line) if is_alias else Setting(name, (value,), line)


def read_toml(text: str) -> Iterator[Setting]:
    """TOML. The library tells no lines: that of the first assignment to the last part of the name is taken.

    Raises:
        UnreadableFileError: not TOML, nested too deeply or too long.
    """
    if len(text) > MAX_TOML:
        raise UnreadableFileError(f"is TOML of more than {MAX_TOML} characters")
    try:
        document = parse_toml(text)
    except ValueError as error:
        raise UnreadableFileError(f"cannot be read as TOML: {str(error)[:120]}") from error
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if found := re.match(r"\s*(?:[\w.\"-]{1,200}\.)?\"?([\w-]{1,100})\"?\s*=", line):
            lines.setdefault(found[1], number)
    for name, value in _leaves(document):
        yield Setting(name[:MAX_NAME], (value,), lines.get(_last_name(name), 1))


def _leaves(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    stack: list[tuple[str, Any, int]] = [("", document, 0)]
    while stack:
        name, value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise UnreadableFileError(f"is nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [(f"{name}.{key}" if name else str(key), item, depth + 1) for key, item in items]
            stack.extend(reversed(inner))
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _last_name(name: str) -> str:
    return next((part for part in reversed(name.split(".")) if not part.isdigit()), name)


def read_xml(text: str) -> Iterator[Setting]:
    """Every element as its name, its attributes as `name=value` and its text as `text=...`; parents are kept.

    Raises:
        UnreadableFileError: not XML, with entities of its own, nested too deeply or too long.
    """
    elements = _Elements()
    try:
        elements.parser.Parse(text, True)
    except UnreadableFileError:
        raise
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableFileError(f"cannot be read as XML: {str(error)[:120]}") from error
    yield from elements.settings()


class _Elements:
    """The elements of one XML file as the parser comes to them."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self._found: list[tuple[str, list[str], int, int]] = []
        self._texts: dict[int, str] = {}
        self._open: list[int] = [-1]

    def settings(self) -> Iterator[Setting]:
        for index, (name, values, line, parent) in enumerate(self._found):
            text = self._texts.get(index, "").strip()
            yield Setting(name, (*values, *([f"text={text}"] if text else [])), line, parent)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        values = [f"{key}={value}" for key, value in attributes.items()]
        self._found.append((name[:MAX_NAME], values, self.parser.CurrentLineNumber, self._open[-1]))
        self._open.append(len(self._found) - 1)
        if len(self._open) > MAX_DEPTH or len(self._found) > MAX_SETTINGS:
            raise UnreadableFileError("has more elements, or deeper, than a configuration has")

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        known = self._texts.get(self._open[-1], "")
        if len(known) < MAX_NAME:
            self._texts[self._open[-1]] = known + text[:MAX_NAME]

    @staticmethod
    def _entity(*_: object) -> None:
        raise UnreadableFileError("declares XML entities, which are not expanded")
