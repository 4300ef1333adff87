"""What a Python source file calls of the modules it imports, read from its syntax tree. Nothing is ever executed."""

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from deadlight.scanner.applicability.python_names import Names, TooManyMeaningsError, is_standard

ANALYZER = ("python-source", 1)
"""Name and version. Raise the version whenever the same source would give other facts."""

MAX_USES = 20_000
"""Distinct uses kept of one file."""

_DYNAMIC_CALLS = frozenset(
    {
        "imp.load_module",
        "imp.load_source",
        "importlib.__import__",
        "importlib.import_module",
        "importlib.util.module_from_spec",
        "importlib.util.spec_from_file_location",
        "pkgutil.resolve_name",
        "runpy.run_module",
        "runpy.run_path",
    }
)
_DYNAMIC_BUILTINS = frozenset({"__import__", "eval", "exec"})
"""Calls after which a file may use any module under any name."""

_GAP = rb"(?:[ \t\f]|\\\r?\n)*"
_DOTTED_NAME = re.compile(rb"(?<![\w\x80-\xff])[\w\x80-\xff]+(?:" + _GAP + rb"\." + _GAP + rb"[\w\x80-\xff]+)+")
_MAX_DOTS = 100
"""CPython joins the parts of `import a.b.c` one by one: memory grows with the square of their number."""

Arguments = tuple[tuple[str, ...], ...]


class UnreadableSourceError(ValueError):
    """The file is not Python that this interpreter can parse, or goes beyond the bounds of this analysis."""


class Use(NamedTuple):
    """A qualified name of an imported module and the first line that uses it in this way."""

    name: str
    """`yaml.load`, whatever the file calls it. Relative imports begin with a dot."""
    line: int
    called: bool
    """Called, subclassed or used as a decorator; otherwise only referred to."""
    arguments: Arguments = ()
    """Of a call: for each argument that is an imported name, what it can stand for; also `keyword=True` and such."""


class SourceFacts(msgspec.Struct, frozen=True):
    """One file's part in contextual analysis."""

    uses: tuple[Use, ...] = ()
    """Of modules outside the standard library, in the order of lines."""
    dynamic_line: int = 0
    """Where the file first imports or runs what exists only as text until run time; 0 where it does not."""


def analyse_source(source: bytes) -> SourceFacts:
    """Parse one file.

    Raises:
        UnreadableSourceError: not parseable by this interpreter, nested too deeply, or beyond the bounds.
    """
    tree = parse_source(source)
    try:
        return _Collector(tree).facts()
    except TooManyMeaningsError as error:
        raise UnreadableSourceError(str(error)) from error


def parse_source(source: bytes) -> ast.Module:
    """The syntax tree of one file. Takes memory of 900 times the source's length.

    Raises:
        UnreadableSourceError: not parseable by this interpreter, or nested too deeply.
    """
    if any(name[0].count(b".") > _MAX_DOTS for name in _DOTTED_NAME.finditer(source)):
        raise UnreadableSourceError(f"has a dotted name of more than {_MAX_DOTS} parts")
    try:
        with warnings.catch_warnings():
            # What the compiler thinks of the file's style is none of our log's business.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSourceError(f"cannot be parsed as Python ({type(error).__name__})") from error


class _Collector:
    """Gathers the uses of one syntax tree, parents before their children."""

    def __init__(self, tree: ast.Module) -> None:
        self._names = Names(tree)
        self._uses: dict[tuple[str, bool, Arguments], int] = {}
        self._dynamic_lines: list[int] = []
        self._counted: set[int] = set()
        """Identities of nodes that are part of a name already counted."""
        self._mentioned: set[str] = set()
        counting = self._counting()
        for node in self._names.nodes:
            if count := counting.get(type(node)):
                count(node)
        self._count_passed_on()

    def facts(self) -> SourceFacts:
        uses = [Use(name, line, called, arguments) for (name, called, arguments), line in self._uses.items()]
        return SourceFacts(tuple(sorted(uses, key=lambda use: use.line)), min(self._dynamic_lines, default=0))

    def _counting(self) -> dict[type, Callable[[Any], None]]:
        return {
            ast.Call: self._count_call,
            ast.ClassDef: self._count_class,
            ast.FunctionDef: self._count_function,
            ast.AsyncFunctionDef: self._count_function,
            ast.Compare: self._count_comparison,
            ast.Attribute: self._count_mention,
            ast.Name: self._count_mention,
        }

    def _count_class(self, node: ast.ClassDef) -> None:
        for used in (*node.bases, *node.decorator_list):
            self._add(self._take(used), node.lineno, called=True)

    def _count_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for used in node.decorator_list:
            self._add(self._take(used), node.lineno, called=True)

    def _count_comparison(self, node: ast.Compare) -> None:
        match node.comparators:
            case [ast.Constant(value=None)]:
                # `if yaml is None` after an optional import uses nothing of it.
                self._take(node.left)

    def _count_mention(self, node: ast.Attribute | ast.Name) -> None:
        if id(node) not in self._counted and type(node.ctx) is ast.Load:
            self._add(self._take(node), node.lineno, called=False)

    def _count_call(self, call: ast.Call) -> None:
        names = self._take(call.func)
        self._add(names, call.lineno, called=True, arguments=tuple(dict.fromkeys(self._arguments_of(call))))
        builtin = call.func.id if isinstance(call.func, ast.Name) else ""
        if builtin in _DYNAMIC_BUILTINS or not _DYNAMIC_CALLS.isdisjoint(names):
            self._dynamic_lines.append(call.lineno)

    def _count_passed_on(self) -> None:
        """What a file imports without mentioning it again, other files may use from there."""
        for name, line in self._names.imported.items():
            if name not in self._mentioned:
                self._add(self._names.meanings_of_name(name), line, called=False)
        for module, line in self._names.starred.items():
            self._add((module,), line, called=False)

    def _arguments_of(self, call: ast.Call) -> Iterator[tuple[str, ...]]:
        for value in call.args:
            if meanings := self._names.meanings_of(value):
                yield meanings
        for keyword in call.keywords:
            if meanings := self._names.meanings_of(keyword.value):
                yield meanings
            elif isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool | None):
                yield (f"{keyword.arg}={keyword.value.value}",)

    def _take(self, node: ast.AST) -> tuple[str, ...]:
        """What a name or dotted name means, with all its parts marked as counted."""
        inner = node
        while isinstance(inner, ast.Attribute):
            self._counted.add(id(inner))
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._counted.add(id(inner))
            self._mentioned.add(inner.id)
        return self._names.meanings_of(node)

    def _add(self, names: tuple[str, ...], line: int, *, called: bool, arguments: Arguments = ()) -> None:
        for name in names:
            if not is_standard(name):
                key = (name, called, arguments)
                self._uses[key] = min(line, self._uses.get(key, line))
        if len(self._uses) > MAX_USES:
            raise UnreadableSourceError(f"uses more than {MAX_USES} names of other modules")
