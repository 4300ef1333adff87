"""Which programs a process is, however it was started: renamed, as an applet, through the dynamic linker."""

from collections.abc import Iterator, Sequence

MAX_LOOKED_AT = 8
"""Arguments that are looked at for the program that another one runs in its own place."""

_MULTICALL = frozenset({"busybox", "busybox.static", "busybox.nosuid", "toybox", "coreutils"})
_LOADERS = ("ld-linux", "ld-musl", "ld.so", "ld64.so", "ld-2.")
_VERSION = "0123456789.-"


def program_names(name: str, path: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """The names that a process's program goes by, each once; none is empty.

    Its file's, what the kernel and its first argument call it, and the applet, or the program that the dynamic linker
    was told to run: these run in the process itself. (`env`, `xargs` and the like execute another program, which is
    an activity of its own.) Names that end in a version come without it as well: `python3.11` is `python`.
    """
    called = base_name(arguments[0]) if arguments else ""
    own = (base_name(path), name, called)
    found = [*own, *_inside(own, arguments)]
    return tuple(dict.fromkeys(text for each in found for text in (each, each.rstrip(_VERSION)) if text))


def base_name(path: str) -> str:
    """The last component of a path, without the dash of a login shell."""
    return path.rpartition("/")[2].removeprefix("-")


def _inside(own: Sequence[str], arguments: Sequence[str]) -> Iterator[str]:
    if any(each in _MULTICALL or each.startswith(_LOADERS) for each in own):
        operands = (each for each in arguments[1:MAX_LOOKED_AT] if not each.startswith("-"))
        first = next(operands, "")
        yield base_name(first)
        if base_name(first) in _MULTICALL:
            yield base_name(next(operands, ""))
