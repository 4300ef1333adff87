"""Rules of the house that no linter knows."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
OTHER_LANGUAGES = sorted([*(REPOSITORY / "ui/src").rglob("*.ts*"), *(REPOSITORY / "bpf").rglob("*.[ch]")])
GENERATED = ("/migrations/versions/", "/api/generated/", "/vmlinux")
MAX_LINES = 500


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_no_file_is_longer_than_a_reader_bears() -> None:
    written = [
        path for path in (*SOURCES, *TESTS, *OTHER_LANGUAGES) if not any(part in str(path) for part in GENERATED)
    ]
    lengths = {relative(path): len(path.read_text().splitlines()) for path in written}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def undocumented(path: Path) -> Iterator[str]:
    """The public modules, classes, functions and methods of a file that do not say what they are for."""
    tree = ast.parse(path.read_text())
    if tree.body and not ast.get_docstring(tree):
        yield relative(path)
    for node in tree.body:
        yield from (f"{relative(path)}: {name}" for name in _silent(node))


def _silent(node: ast.AST, inside: str = "") -> Iterator[str]:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return
    if not ast.get_docstring(node):
        yield inside + node.name
    if isinstance(node, ast.ClassDef) and not node.bases:  # else its methods may have their words from the base
        for part in node.body:
            yield from _silent(part, f"{inside}{node.name}.")


def test_everything_public_says_what_it_is_for() -> None:
    assert [line for path in SOURCES for line in undocumented(path) if "/migrations/versions/" not in line] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    names = {re.split(r"[\[>=<;~! ]", item)[0] for items in lists for item in items}
    reasons = (REPOSITORY / "docs/adr/0002-dependencies.md").read_text()
    plugins = {name: name.removeprefix("pytest-") for name in names if name.startswith("pytest-")}
    missing = {name for name in names - {"deadlight"} if plugins.get(name, name) not in reasons}
    assert missing == set()


def marked_requirements() -> set[str]:
    """The IDs on the marks of all tests."""
    marks = re.compile(r"mark\.req\(([^)]*)\)")
    found = (arguments for path in TESTS for arguments in marks.findall(path.read_text()))
    return {name for arguments in found for name in re.findall(r'"([A-Z]\d+)"', arguments)}


def test_requirements_said_to_hold_have_tests_and_tests_prove_known_requirements() -> None:
    table = (REPOSITORY / "docs/dev/requirements.md").read_text()
    listed = set(re.findall(r"^\| ([A-Z]\d+) \|", table, re.MULTILINE))
    assert listed == marked_requirements()
