"""The Go programs of an image and the functions that were linked into each, for contextual analysis."""

from collections.abc import Mapping, Sequence

from deadlight.ecosystems import LinkedFunctions, list_linked_functions
from deadlight.scanner.errors import InvalidFactsError
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import File
from deadlight.scanner.packed import pack, unpack

ANALYZER = ("go-functions", 1)
"""Name and version. Raise the version whenever the same program would give other facts."""

MAX_PROGRAMS_BYTES = 32 * 1024 * 1024
"""What is kept of all programs of an image together: 5 KB for each megabyte of them. Those beyond are not judged."""

_MARK = b"DLG1"


def take_functions(_path: str, content: memoryview) -> bytes | None:
    """What is kept of a program; None of a file that is no Go program.

    Raises:
        UnreadableFileError: its table of functions cannot be read.
    """
    functions = list_linked_functions(content)
    return None if functions is None else pack(_MARK, functions, level=9)


def gather_programs(layers: Sequence[LayerFacts], visible: Mapping[str, File]) -> dict[str, bytes]:
    """What was kept of the programs that are visible in the image, by absolute path."""
    programs: dict[str, bytes] = {}
    room = MAX_PROGRAMS_BYTES
    for path, file in visible.items():
        kept = layers[file.layer].of(ANALYZER[0]).files.get(file.path)
        if kept is not None and len(kept) <= room:
            programs[path] = kept
            room -= len(kept)
    return programs


def load_functions(programs: Mapping[str, bytes], path: str) -> LinkedFunctions | None:
    """What can be told of a program by its path in the image, with or without the leading slash."""
    kept = programs.get(f"/{path.removeprefix('/')}")
    try:
        return None if kept is None else unpack(_MARK, kept, LinkedFunctions)
    except InvalidFactsError:
        # Of another version: the image is read again, until when nothing is known.
        return None
