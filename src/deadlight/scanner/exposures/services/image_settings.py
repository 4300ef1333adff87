"""The flags and variables an image runs its service with, as settings."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.rule import Place
from deadlight.scanner.exposures.services.configuration import Node
from deadlight.scanner.exposures.services.service import Service
from deadlight.scanner.exposures.services.setting import PROGRAM

MAX_WORDS = 2_000
"""Of the command."""

MAX_COMMAND = 64 * 1024
"""Characters of a shell line that is taken apart."""

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def command_words(image: ImageSettings) -> list[str]:
    """Entrypoint and command as one list; `sh -c LINE` gives the words of the line."""
    words: list[str] = []
    given = [*image.entrypoint, *image.command][:MAX_WORDS]
    for index, word in enumerate(given):
        in_shell = given[index - 1] in {"-c", "-ec", "-lc", "-euc"} and _program(given[0]) in _SHELLS
        words += _split(word) if index and in_shell else [word]
    return words[:MAX_WORDS]


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line[:MAX_COMMAND], comments=True)
    except ValueError:  # an open quote
        return line[:MAX_COMMAND].split()


def image_nodes(service: Service, image: ImageSettings) -> Iterator[Node]:
    """What the image tells a service beside its files; variables first, for flags win."""
    for variable in image.env:
        name, _, value = variable.partition("=")
        if setting := service.environment(name):
            yield Node(setting, (value,), Place("", f"ENV {name}"))
    yield from _flags(service.programs, command_words(image))
    yield Node("USER", (image.user,), Place("", "USER"))
    for port in image.exposed_ports:
        yield Node("EXPOSE", (port,), Place("", f"EXPOSE {port}"))


def _flags(programs: frozenset[str], words: Sequence[str]) -> Iterator[Node]:
    """`--name=value`, `--name value...`, `-n value` and `name=value`, names without dashes; and the program itself."""
    place = Place("", "command")
    start = next((index for index, word in enumerate(words) if _program(word) in programs), None)
    if start is None:
        return
    yield Node(PROGRAM, (_program(words[start]),), place)
    name, values = "", list[str]()
    for word, following in pairwise([*words[start + 1 :], "", ""]):
        if not word.startswith("-"):
            values += [word] if name and word else []
        else:
            name, _, value = word.lstrip("-").partition("=")
            values = [value] if value else []
        ends = not following or following.startswith("-")
        if name and ends:
            yield Node(name, tuple(values) or ("true",), place)
            name = ""


def _program(word: str) -> str:
    return word.rpartition("/")[2]
