"""docs/user/threats.md says what is true of the rules."""

import re
from pathlib import Path

from deadlight.model.vulnerability import Severity
from deadlight.threats.activity import ActivityKind
from deadlight.threats.condition import MAX_DEPTH, MAX_NODES
from deadlight.threats.engine import Engine, load_builtin
from deadlight.threats.expressions import MAX_EXPRESSION_LENGTH, MAX_TEXT_LENGTH
from deadlight.threats.fields import FIELDS
from deadlight.threats.operators import OPERATORS
from deadlight.threats.rule import load_lists, parse_rule_file

PAGE = (Path(__file__).parents[2] / "docs/user/threats.md").read_text()


def between(name: str) -> list[str]:
    """The lines of a table that is kept true."""
    return PAGE.partition(f"<!-- {name}: begin -->\n")[2].partition(f"<!-- {name}: end -->")[0].splitlines()


def rules_table() -> list[str]:
    rules = sorted(load_builtin(), key=lambda rule: (-rule.severity.rank, rule.id))
    rows = (f"| `{r.id}` | {r.severity} | {r.title} | {', '.join(r.techniques)} |" for r in rules)
    return ["| rule | severity | tells that | MITRE ATT&CK |", "| --- | --- | --- | --- |", *rows]


def fields_table() -> list[str]:
    several = {True: " (several)", False: ""}
    rows = (f"| `{f.name}` | {f.label} | {f.type}{several[f.many]} | {f.description} |" for f in FIELDS.values())
    return ["| field | shown as | is a | which |", "| --- | --- | --- | --- |", *rows]


def test_the_tables_are_those_of_the_rules_and_fields() -> None:
    assert between("rules") == rules_table()
    assert between("fields") == fields_table()


def test_the_rule_of_ones_own_works() -> None:
    (source,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = parse_rule_file(source, load_lists())
    engine = Engine([file.rule])
    assert [bool(engine.match(sample.activity)) for sample in file.samples] == [s.matches for s in file.samples]
    assert len(file.samples) == 3


def test_every_word_of_the_language_is_there_and_every_limit_right() -> None:
    words = [*OPERATORS, *ActivityKind, *(f"${name}" for name in load_lists())]
    assert [word for word in words if f"`{word}`" not in PAGE] == []
    assert [s for s in Severity if s is not Severity.UNKNOWN and s not in PAGE] == []
    assert f"up to {MAX_DEPTH} deep and {MAX_NODES} in all" in PAGE
    assert f"at most {MAX_EXPRESSION_LENGTH} characters, look at the first {MAX_TEXT_LENGTH:,}" in PAGE
