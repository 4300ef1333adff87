"""What the names in a Python file stand for, as far as its import statements say."""

import ast
import builtins
import sys
from collections.abc import Callable
from typing import Any

from deadlight.scanner.applicability.python_tree import list_nodes

MAX_MEANINGS = 8
"""Things one name may stand for, as after `try: from yaml import CSafeLoader as Loader / except ImportError: ...`."""

MAX_NAME_LENGTH = 300
"""Of a qualified name."""


class TooManyMeaningsError(ValueError):
    """A file whose names go beyond the bounds above."""


class Names:
    """Names of one file that stand for something imported, with the qualified names they can mean.

    Scopes are not told apart: an import anywhere in the file counts everywhere in it. A class stands for its imported
    bases. A name that nothing in the file binds may come from any `import *`.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._meanings: dict[str, tuple[str, ...]] = {}
        self._bound: set[str] = set(dir(builtins))
        self.starred: dict[str, int] = {}
        """Modules imported with `*`, with the line."""
        self.imported: dict[str, int] = {}
        """Names bound by import statements, with the line."""
        self.nodes = list_nodes(tree)
        """The file's syntax tree, parents before their children."""
        binding = self._binding()
        for node in self.nodes:
            if bind := binding.get(type(node)):
                bind(node)
        for node in self.nodes:
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    for meaning in self.meanings_of(base):
                        self._mean(node.name, meaning)

    def meanings_of(self, node: ast.AST) -> tuple[str, ...]:
        """The qualified names that a name or dotted name can stand for; none for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ()
        return tuple(_bounded(".".join([root, *reversed(parts)])) for root in self._roots(node.id))

    def meanings_of_name(self, name: str) -> tuple[str, ...]:
        """What an imported name stands for."""
        return self._meanings.get(name, ())

    def _roots(self, name: str) -> tuple[str, ...]:
        known = self._meanings.get(name, ())
        if known or name in self._bound:
            return known
        return tuple(_join(module, name) for module in self.starred)

    def _binding(self) -> dict[type, Callable[[Any], None]]:
        """By type, for a parsed tree has just these types: asking each node for each takes as long as parsing."""
        return {
            ast.Import: self._bind_modules,
            ast.ImportFrom: self._bind_members,
            ast.FunctionDef: self._bind_definition,
            ast.AsyncFunctionDef: self._bind_definition,
            ast.ClassDef: self._bind_definition,
            ast.arg: self._bind_argument,
            ast.Name: self._bind_variable,
        }

    def _bind_modules(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._import(bound, alias.name if alias.asname else bound, node.lineno)

    def _bind_members(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._star(module, node.lineno)
            else:
                self._import(alias.asname or alias.name, _join(module, alias.name), node.lineno)

    def _bind_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._bound.add(node.name)

    def _bind_argument(self, node: ast.arg) -> None:
        self._bound.add(node.arg)

    def _bind_variable(self, node: ast.Name) -> None:
        if type(node.ctx) is ast.Store:
            self._bound.add(node.id)

    def _import(self, bound: str, name: str, line: int) -> None:
        self.imported.setdefault(bound, line)
        self._mean(bound, _bounded(name))

    def _mean(self, bound: str, name: str) -> None:
        meanings = self._meanings.get(bound, ())
        if name in meanings:
            return
        if len(meanings) == MAX_MEANINGS:
            raise TooManyMeaningsError(f"gives the name {bound[:40]!r} more than {MAX_MEANINGS} meanings")
        self._meanings[bound] = (*meanings, name)

    def _star(self, module: str, line: int) -> None:
        if not is_standard(module):
            self.starred.setdefault(module, line)
        if len(self.starred) > MAX_MEANINGS:
            raise TooManyMeaningsError(f"imports everything from more than {MAX_MEANINGS} modules")


def is_standard(name: str) -> bool:
    """Whether a qualified name belongs to Python's standard library."""
    return name.partition(".")[0] in sys.stdlib_module_names


def _join(module: str, name: str) -> str:
    """`from . import x` gives `.x`, `from .a import x` gives `.a.x`."""
    return module + name if module.endswith(".") else f"{module}.{name}"


def _bounded(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH:
        raise TooManyMeaningsError(f"uses a name of {len(name)} characters")
    return name
