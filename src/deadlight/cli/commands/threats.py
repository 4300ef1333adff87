"""Commands about threat rules: which there are, what one looks for, and whether one's own does what it should."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deadlight.cli.output import SEVERITY_STYLES, Format, Output, advise, plain, print_facts, print_table, show
from deadlight.model.vulnerability import Severity
from deadlight.threats.engine import RULES, Engine, iter_builtin_files
from deadlight.threats.errors import RuleError
from deadlight.threats.rule import MAX_SOURCE_BYTES, Rule, RuleFile, load_lists, parse_rule_file

app = typer.Typer(help="Threat rules: what sensors hold to be an attack.", no_args_is_help=True)


@app.command("list")
def list_rules(
    *,
    severity: Annotated[Severity | None, typer.Option(case_sensitive=False, help="Of this severity.")] = None,
    technique: Annotated[str, typer.Option(help="Of this technique of MITRE ATT&CK, such as T1611.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """List the rules that come with this version. What is changed in a service is not in it.

    Examples: deadlight threats list | deadlight threats list --severity critical | deadlight threats list -o json
    """
    rules = [file.rule for file in iter_builtin_files()]
    wanted = [rule for rule in rules if severity in {None, rule.severity} and _has(rule, technique)]
    wanted.sort(key=lambda rule: (-rule.severity.rank, rule.id))
    show([_document(rule) for rule in wanted], output, lambda: _print_rules(wanted))


def _has(rule: Rule, technique: str) -> bool:
    return not technique or any(each.partition(".")[0] == technique or each == technique for each in rule.techniques)


def _print_rules(rules: Sequence[Rule]) -> None:
    rows = [(rule.id, _styled(rule.severity), plain(rule.title), ", ".join(rule.techniques)) for rule in rules]
    print_table(("Rule", "Severity", "Tells that", "MITRE ATT&CK"), rows, empty="No rule matches.")


@app.command("show")
def show_rule(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule's ID, as `deadlight threats list` has it.")],
    *,
    source: Annotated[bool, typer.Option("--source", help="Print its file, to begin a rule of your own with.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what a rule looks for, and what to do when it tells something.

    Examples: deadlight threats show reverse-shell | deadlight threats show mount --source > mount.toml
    """
    found = next((file for file in iter_builtin_files() if file.rule.id == rule_id), None)
    if found is None:
        advise(f"[red]error:[/] no rule is called {plain(rule_id)}; `deadlight threats list` has all")
        raise typer.Exit(1)
    if source:
        typer.echo((RULES / f"{found.rule.id}.toml").read_text("utf-8"), nl=False)
        return
    document = _document(found.rule) | {"samples": [_sample(each.says, each.matches) for each in found.samples]}
    show(document, output, lambda: print_facts(_facts(found)))


def _facts(file: RuleFile) -> list[tuple[str, str]]:
    rule = file.rule
    samples = "\n".join(f"{'matches' if each.matches else 'does not'}: {each.says}" for each in file.samples)
    return [
        ("Rule", rule.id),
        ("Tells that", plain(rule.title)),
        ("Severity", _styled(rule.severity)),
        ("MITRE ATT&CK", f"{rule.tactic}: {', '.join(rule.techniques)}"),
        ("About", ", ".join(sorted(rule.kinds))),
        ("What it is", plain(rule.description)),
        ("What to do", plain(rule.recommendation)),
        ("Harmless", plain(rule.false_positives)),
        ("Told again", f"after {rule.again_after} s, or for another {', '.join(rule.again_for)}"),
        ("Samples", plain(samples)),
    ]


@app.command("test")
def hold_to_samples(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rule files (TOML).")],
    *,
    output: Output = Format.TABLE,
) -> None:
    """Read rule files and hold each rule to the samples in its own file.

    Exit code 1 says that a file is no rule, or that a sample has another answer than it should.

    Examples: deadlight threats test my-rule.toml | deadlight threats test rules/*.toml -o json
    """
    results = [_test(file) for file in files]
    show(results, output, lambda: _print_results(results))
    if not all(result["passed"] for result in results):
        raise typer.Exit(1)


def _test(path: Path) -> dict[str, Any]:
    try:
        file = parse_rule_file(_read(path), load_lists())
    except (RuleError, OSError, UnicodeDecodeError) as error:
        return {"file": str(path), "rule": None, "error": str(error), "samples": [], "passed": False}
    engine = Engine([file.rule])
    samples = [
        _sample(each.says, each.matches) | {"passed": bool(engine.match(each.activity)) is each.matches}
        for each in file.samples
    ]
    passed = all(sample["passed"] for sample in samples)
    return {"file": str(path), "rule": file.rule.id, "error": None, "samples": samples, "passed": passed}


def _read(path: Path) -> str:
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
    print_table(("Rule", "Sample", "Must", ""), rows, empty="There are no samples: add [[sample]] tables to the rules.")
    for result in results:
        if result["error"]:
            advise(f"[red]error:[/] {plain(result['file'])}: {plain(result['error'])}")


def _expected(sample: dict[str, Any]) -> str:
    return "match" if sample["matches"] else "not match"


def _sample(says: str, matches: bool) -> dict[str, Any]:
    return {"says": says, "matches": matches}


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title,
        "description": rule.description,
        "severity": rule.severity.value,
        "tactic": rule.tactic,
        "techniques": list(rule.techniques),
        "kinds": sorted(rule.kinds),
        "recommendation": rule.recommendation,
        "false_positives": rule.false_positives,
        "again_after_seconds": rule.again_after,
        "again_for": list(rule.again_for),
    }


def _styled(severity: Severity) -> str:
    return f"[{SEVERITY_STYLES[severity]}]{severity}[/]"
