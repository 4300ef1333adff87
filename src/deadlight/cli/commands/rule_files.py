"""Rule files, read and tried on this machine: it takes no service, so that it can be part of a build."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deadlight.cli.output import Format, Output, advise, plain, print_table, show
from deadlight.threats.engine import Engine
from deadlight.threats.errors import RuleError
from deadlight.threats.rule import MAX_SOURCE_BYTES, load_lists, parse_rule_file


def check_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rule files (TOML).")],
    *,
    output: Output = Format.TABLE,
) -> None:
    """Read rule files and hold each rule to the samples in its own file. It needs no service and saves nothing.

    Exit code 1 says that a file is no rule, or that a sample has another answer than it should.

    Examples: deadlight rules check our-miner.toml | deadlight rules check rules/*.toml -o json
    """
    results = [_test(file) for file in files]
    show(results, output, lambda: _print_results(results))
    if not all(result["passed"] for result in results):
        raise typer.Exit(1)


def _test(path: Path) -> dict[str, Any]:
    try:
        file = parse_rule_file(read_rule(path), load_lists())
    except RuleError as error:
        return _unusable(path, str(error))
    except (OSError, UnicodeDecodeError) as error:
        return _unusable(path, describe_unread(error))
    engine = Engine([file.rule])
    samples = [
        _sample(each.says, each.matches) | {"passed": bool(engine.match(each.activity)) is each.matches}
        for each in file.samples
    ]
    passed = all(sample["passed"] for sample in samples)
    return {"file": str(path), "rule": file.rule.id, "error": None, "samples": samples, "passed": passed}


def _unusable(path: Path, error: str) -> dict[str, Any]:
    return {"file": str(path), "rule": None, "error": error, "samples": [], "passed": False}


def describe_unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a rule's file could not be read."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    return error.strerror or str(error)


def read_rule(path: Path) -> str:
    """A file's text, or standard input's for `-`, as far as a rule may be long.

    Raises:
        OSError, UnicodeDecodeError: it cannot be read, or is no text.
    """
    if str(path) == "-":
        return sys.stdin.read(MAX_SOURCE_BYTES + 1)
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_SOURCE_BYTES + 1)


def _print_results(results: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            plain(result["rule"]),
            plain(sample["says"]),
            _expected(sample),
            "" if sample["passed"] else "[red]it does not[/]",
        )
        for result in results
        for sample in result["samples"]
    ]
    if rows or any(not result["error"] for result in results):
        empty = plain("There are no samples: add [[sample]] tables to the rules.")
        print_table(("Rule", "Sample", "Must", ""), rows, empty=empty)
    for result in results:
        if result["error"]:
            advise(f"[red]error:[/] {plain(result['file'])}: {plain(result['error'])}")


def _expected(sample: dict[str, Any]) -> str:
    return "match" if sample["matches"] else "not match"


def _sample(says: str, matches: bool) -> dict[str, Any]:
    return {"says": says, "matches": matches}
