"""A table of a rule file, from which everything is taken by name: what is missing, wrong or left over is told."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from deadlight.threats.errors import RuleError

Chosen = TypeVar("Chosen", bound=StrEnum)


class Table:
    """One table; `where` says in errors which it is, "" for the document. Everything raises RuleError."""

    def __init__(self, content: dict[str, Any], where: str) -> None:
        self._left = dict(content)
        self._known: list[str] = []
        self._where = where

    def place(self, name: str) -> str:
        """What an entry is called in errors."""
        return f"{self._where}.{name}" if self._where else name

    def take(self, name: str, default: Any = None) -> Any:
        """Whatever is there, or the default, which None says there is not."""
        self._known.append(name)
        value = self._left.pop(name, default)
        if value is None:
            raise RuleError(f"{self.place(name)} is missing")
        return value

    def take_text(self, name: str, *, most: int, default: str | None = None) -> str:
        """A text of at most so many characters; only where there is a default it can be empty."""
        value = self.take(name, default)
        if not isinstance(value, str) or len(value) > most or (not value.strip() and default is None):
            raise RuleError(f"{self.place(name)}: expected a text of at most {most} characters")
        return value.strip()

    def take_matching(self, name: str, pattern: re.Pattern[str], described: str) -> str:
        """A text of a form."""
        value = self.take_text(name, most=100)
        if not pattern.fullmatch(value):
            raise RuleError(f"{self.place(name)}: expected {described}, not {value!r}")
        return value

    def take_texts(
        self,
        name: str,
        *,
        most: int,
        length: int = 512,
        pattern: re.Pattern[str] | None = None,
        default: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(name, list(default))
        if not isinstance(values, list) or len(values) > most:
            raise RuleError(f"{self.place(name)}: expected a list of at most {most} texts")
        for value in values:
            if not isinstance(value, str) or len(value) > length or (pattern and not pattern.fullmatch(value)):
                raise RuleError(f"{self.place(name)}: {value!r} cannot stand here")
        return tuple(values)

    def take_number(self, name: str, *, least: int, most: int, default: int | None = None) -> int:
        """A whole number."""
        value = self.take(name, default)
        if type(value) is not int or not least <= value <= most:
            raise RuleError(f"{self.place(name)}: expected a whole number from {least} to {most}")
        return value

    def take_boolean(self, name: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise RuleError(f"{self.place(name)}: expected true or false")
        return value

    def take_one_of(
        self, name: str, choice: type[Chosen], allowed: Iterable[Chosen] = (), default: Chosen | None = None
    ) -> Chosen:
        """A word of a vocabulary."""
        return self._choose(name, choice, self.take(name, default), list(allowed or choice))

    def take_several_of(self, name: str, choice: type[Chosen]) -> tuple[Chosen, ...]:
        """At least one word of a vocabulary."""
        values = self.take(name)
        if not isinstance(values, list) or not values:
            raise RuleError(f"{self.place(name)}: expected a list of {', '.join(choice)}")
        return tuple(self._choose(name, choice, value, list(choice)) for value in values)

    def _choose(self, name: str, choice: type[Chosen], value: Any, allowed: list[Chosen]) -> Chosen:
        if not isinstance(value, str) or value not in allowed:
            raise RuleError(f"{self.place(name)}: expected one of {', '.join(allowed)}, not {value!r}")
        return choice(value)

    def take_table(self, name: str) -> "Table":
        """A table within; empty where there is none."""
        return self._table(name, self.take(name, {}))

    def take_tables(self, name: str, *, most: int) -> "list[Table]":
        """Tables within; none where there are none."""
        values = self.take(name, [])
        if not isinstance(values, list) or len(values) > most:
            raise RuleError(f"{self.place(name)}: expected at most {most} tables")
        return [self._table(f"{name}[{index}]", value) for index, value in enumerate(values)]

    def _table(self, name: str, value: Any) -> "Table":
        if not isinstance(value, dict):
            raise RuleError(f"{self.place(name)}: expected a table")
        return Table(value, self.place(name))

    def refuse_others(self) -> None:
        """Raise for whatever has not been taken."""
        for name in self._left:
            raise RuleError(f"{self.place(name)}: not known here; there are {', '.join(self._known)}")
