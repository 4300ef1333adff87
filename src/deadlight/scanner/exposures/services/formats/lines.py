"""Forms of one setting a line: Apache's sections, `name value ...` and `name = value` with `[sections]`."""

import re
from collections.abc import Callable, Collection, Iterator

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.exposures.services.setting import MAX_DEPTH, MAX_NAME, MAX_VALUES, Setting

_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"?|'((?:[^'\\]|\\.)*+)'?|([^\s\"']++)")
_SECTION = re.compile(r"\[\s*([^\]]{1,200})\]")
_ASSIGNMENT = re.compile(r"([A-Za-z0-9_.$!-]{1,200})(?:[ \t]*+[=:]|(?=[ \t'\"]))(.*)")
_BARE = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_INCLUDE = re.compile(r"!(include|includedir)\s+(\S+)")

Reader = Callable[[str], Iterator[Setting]]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a line, quotes taken off."""
    found = (match.group(match.lastindex or 0) for match in _WORD.finditer(text))
    return tuple(word for word, _ in zip(found, range(MAX_VALUES), strict=False))


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; those that end with a backslash go on in the next."""
    pending: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        start = start or number
        stripped = line.strip()
        if stripped.endswith("\\") and not stripped.startswith("#"):
            pending.append(stripped[:-1])
            continue
        yield start, " ".join([*pending, stripped]) if pending else stripped
        pending, start = [], 0
    if pending:
        yield start, " ".join(pending)


def read_sections(text: str) -> Iterator[Setting]:
    """Apache httpd's form: directives, and `<Section argument>` until `</Section>`. Names in lower case.

    Raises:
        UnreadableFileError: nested too deeply.
    """
    parents = [-1]
    index = 0
    for number, line in _numbered(text):
        if line.startswith("</"):
            parents = parents[:-1] or [-1]
            continue
        opens = line.startswith("<")
        words = words_of(line.strip("<>")) if line and not line.startswith("#") else ()
        if not words:
            continue
        yield Setting(words[0].lower(), words[1:], number, parents[-1])
        if opens:
            parents.append(index)
            if len(parents) > MAX_DEPTH:
                raise UnreadableFileError(f"has sections more than {MAX_DEPTH} deep")
        index += 1


def word_lines(*, sections: Collection[str] = (), first: str = "", comment: str = "") -> Reader:
    """A reader of `name value ...` lines, names in lower case.

    A line whose name is one of `sections` begins one, in which the following lines stand. With `first`, lines have no
    name: all of their words are values of a setting of that name. `comment` also begins a comment within a line.
    """

    def read(text: str) -> Iterator[Setting]:
        section = -1
        for index, (number, words) in enumerate(_word_lines(text, comment)):
            name = first or words[0].lower()
            is_section = name in sections
            yield Setting(name, words if first else words[1:], number, -1 if is_section else section)
            section = index if is_section else section

    return read


def _word_lines(text: str, comment: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    for number, line in _numbered(text):
        kept = line.partition(comment)[0] if comment else line
        words = () if line.startswith("#") else words_of(kept)
        if words:
            yield number, words


def read_assignments(text: str) -> Iterator[Setting]:
    """`name = value`, `name: value`, `name value` and bare names, with `[section]` put before the names after it.

    Values lose their quotes and what follows a ` #`; names keep their case. `!include` of MySQL counts as a name.
    """
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if heading := _SECTION.match(stripped):
            section = heading[1].strip() + "."
        elif found := _assignment(stripped):
            name, value = found
            yield Setting((name if name[0] == "!" else section + name)[:MAX_NAME], (value,), number)


def _assignment(line: str) -> tuple[str, str] | None:
    if included := _INCLUDE.match(line):
        return f"!{included[1]}", included[2]
    if match := _ASSIGNMENT.match(line.removeprefix("export ").lstrip()):
        return match[1], _value(match[2].strip())
    return (line, "") if _BARE.fullmatch(line) else None


def _value(text: str) -> str:
    if text[:1] in {'"', "'"}:
        return text[1:].partition(text[0])[0]
    return text.partition(" #")[0].partition("\t#")[0].strip()
