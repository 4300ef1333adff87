"""Which files of an image may be the user's own code, told by their paths."""

import re

_NOT_OWN_FOLDERS = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
_STANDARD_LIBRARY = re.compile(r"(?:^|/)lib(?:64|32)?/(?:python|pypy)[0-9.]*/")
_INTERPRETER_TOOLS = re.compile(r"(?:2to3|idle|pip|pydoc|python|wheel|easy_install)[0-9.-]*(?:-config)?")
"""Scripts that a Python built from source installs beside its interpreter."""

_BUNDLES = (".pyc", ".pyo", ".pyz", ".pex", ".egg")
_EXTENSION = re.compile(r"\.(?:cpython-[0-9a-z-]+|abi3)[a-z0-9_-]*\.so$")


def may_be_own(path: str) -> bool:
    """Whether a path is outside of where packages and the standard library are installed."""
    return _NOT_OWN_FOLDERS.isdisjoint(path.split("/")) and _STANDARD_LIBRARY.search(path) is None


def is_source_name(path: str) -> bool:
    """Whether the name alone says that a file is Python source."""
    return path.endswith((".py", ".pyw"))


def may_be_source(path: str) -> bool:
    """Whether a file is worth reading for its name."""
    return is_source_name(path) and may_be_own(path)


def may_be_script(path: str) -> bool:
    """Whether an executable is worth reading: it has no suffix, and may be a script of the user's own."""
    name = path.rpartition("/")[2]
    return "." not in name and _INTERPRETER_TOOLS.fullmatch(name) is None and may_be_own(path)


def is_python_script(content: bytes) -> bool:
    """Whether a file's first line asks for a Python interpreter."""
    return content.startswith(b"#!") and b"python" in content[:200].partition(b"\n")[0]


def is_closed_code(path: str) -> bool:
    """Whether a file is Python code that is not source: byte code, an archive or a compiled extension."""
    return path.endswith(_BUNDLES) or _EXTENSION.search(path) is not None
