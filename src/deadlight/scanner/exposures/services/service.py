"""What a service is to this scanner: which files configure it, how they are read, and the rules they are held to."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.setting import Setting


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for in one configuration."""

    text: RuleText
    find: Callable[[Configuration], Iterable[Node]]
    """The settings that are at fault."""
    spares_shipped: bool = False
    """Whether a setting in a file that a package shipped is left alone: the distribution's choice, and no open door."""


@dataclass(frozen=True, slots=True)
class Service:
    """One row of the table. Patterns match the whole of what they are held against."""

    name: str
    keep: re.Pattern[str]
    """Names of the settings that rules look at, and of blocks around them. Nothing else is ever stored."""
    rules: tuple[Rule, ...]
    paths: re.Pattern[str] | None = None
    """Of its files, relative to the root."""
    read: Callable[[str, str], Iterator[Setting]] | None = None
    """From path and text."""
    secret: re.Pattern[str] | None = None
    """Names of settings whose values are masked before they are stored."""
    roots: re.Pattern[str] | None = None
    """Of the files among them that the service opens itself; the others count where they are included. None: all."""
    includes: frozenset[str] = frozenset()
    """Names of settings that include files or folders."""
    programs: frozenset[str] = frozenset()
    """Names of programs whose flags are settings."""
    environment: Callable[[str], str] = field(default=lambda _: "")
    """The setting that a variable of the environment stands for; empty for none."""


def pattern(expression: str) -> re.Pattern[str]:
    """A pattern in which blanks and line ends mean nothing; case counts."""
    return re.compile(expression, re.VERBOSE)


def prefixed(prefix: str, *, joined: str = "-") -> Callable[[str], str]:
    """An `environment` for variables like ETCD_DATA_DIR that stand for `data-dir`."""

    def setting(name: str) -> str:
        return name.removeprefix(prefix).lower().replace("_", joined) if name.startswith(prefix) else ""

    return setting


def variables(*names: str) -> Callable[[str], str]:
    """An `environment` for variables that are settings under their own name, written with a dollar sign."""
    return lambda name: f"${name}" if name in names else ""
