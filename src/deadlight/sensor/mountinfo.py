"""What is mounted where, as `/proc/<pid>/mountinfo` tells it (proc(5))."""

import re
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount: its place below the process's root, the type of file system, and the options of the file system."""

    place: str
    kind: str
    options: tuple[str, ...]

    def find_option(self, name: str) -> str:
        """The value of the option `name=value`, or an empty text."""
        return next((option.partition("=")[2] for option in self.options if option.startswith(f"{name}=")), "")


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """The mounts in the order of the file; lines that are none are left out.

    A name may hold whatever else Unicode takes for the end of a line: the kernel only escapes newlines.
    """
    return tuple(mount for line in text.split("\n") if (mount := _parse_line(line)))


def _parse_line(line: str) -> Mount | None:
    before, _, after = line.partition(" - ")
    fields, source = before.split(" "), after.split(" ")
    if len(fields) < 6 or len(source) != 3:
        return None
    return Mount(_unescape(fields[4]), source[0], tuple(_unescape(option) for option in source[2].split(",")))


def _unescape(text: str) -> str:
    """Undo the octal escapes of what separates fields and options."""
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), text)
