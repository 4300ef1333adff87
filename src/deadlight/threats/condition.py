"""Conditions of threat rules: read from a table, held to their bounds, and compiled to one function."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from deadlight.threats import expressions
from deadlight.threats.activity import Activity
from deadlight.threats.errors import RuleError
from deadlight.threats.fields import FIELDS, Value
from deadlight.threats.operators import OPERATORS, read_values

MAX_DEPTH = 8
"""Conditions within conditions."""

MAX_NODES = 200
"""Conditions of one rule in total."""

MAX_WAYS = 4 * expressions.MAX_WAYS
"""In which the expressions of a rule, together, may divide a text: eight `.*x.*`, a tenth of a second at the worst."""

_EXACT = frozenset({"is", "in"})

Holds = Callable[[Activity], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of one field: it holds where one of the field's values compares with one of `values`."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Comparison | AllOf | AnyOf | Not


def parse_condition(table: Any, names: Mapping[str, tuple[str, ...]]) -> Condition:
    """A condition from what a TOML document has at `condition`; `names` are the lists that `$name` stands for.

    Raises:
        RuleError: it is none, or beyond the bounds; the text says where.
    """
    return _Reader(names).read(table, "condition", 1)


class _Reader:
    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self._names = names
        self._nodes = 0
        self._ways = 0

    def read(self, table: Any, where: str, depth: int) -> Condition:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise RuleError(f"{where}: conditions may be nested {MAX_DEPTH} deep")
        if self._nodes > MAX_NODES:
            raise RuleError(f"{where}: a rule may have {MAX_NODES} conditions")
        if not isinstance(table, dict):
            raise RuleError(
                f"{where}: expected a table such as {{ field = ..., is = ... }}, or all, any or not of some"
            )
        if "field" in table:
            return self._comparison(table, where)
        if len(table) != 1 or not table.keys() <= {"all", "any", "not"}:
            raise RuleError(f"{where}: expected one of field, all, any, not; found {', '.join(table) or 'nothing'}")
        ((word, inside),) = table.items()
        if word == "not":
            return Not(self.read(inside, f"{where}.not", depth + 1))
        parts = self._parts(inside, f"{where}.{word}", depth)
        return AllOf(parts) if word == "all" else AnyOf(parts)

    def _parts(self, tables: Any, where: str, depth: int) -> tuple[Condition, ...]:
        if not isinstance(tables, list) or not tables:
            raise RuleError(f"{where}: expected a list of at least one condition")
        return tuple(self.read(table, f"{where}[{index}]", depth + 1) for index, table in enumerate(tables))

    def _comparison(self, table: Mapping[str, Any], where: str) -> Comparison:
        name = table["field"]
        field = FIELDS.get(name) if isinstance(name, str) else None
        if field is None:
            raise RuleError(f"{where}: no field is called {name!r}; there are {', '.join(FIELDS)}")
        operators = [word for word in table if word != "field"]
        if len(operators) != 1 or operators[0] not in OPERATORS:
            raise RuleError(
                f"{where}: expected one of {', '.join(OPERATORS)} beside the field; "
                f"found {', '.join(operators) or 'none'}"
            )
        operator = operators[0]
        values = read_values(field, operator, table[operator], self._names, where)
        if operator == "matches":
            self._count_ways(values, where)
        return Comparison(field.name, operator, values)

    def _count_ways(self, values: Iterable[Value], where: str) -> None:
        self._ways += sum(expressions.count_ways(str(value)) for value in values)
        if self._ways > MAX_WAYS:
            raise RuleError(f"{where}: the rule's expressions together could take too long: contains is cheap")


def compile_condition(condition: Condition) -> Holds:
    """A function that says whether an activity meets the condition; it never raises."""
    match condition:
        case Comparison():
            return _compile_comparison(condition)
        case AllOf():
            return _compile_all(tuple(map(compile_condition, condition.parts)))
        case AnyOf():
            return _compile_any(tuple(map(compile_condition, condition.parts)))
        case Not():
            part = compile_condition(condition.part)
            return lambda activity: not part(activity)
        case _ as never:
            assert_never(never)


def _compile_comparison(comparison: Comparison) -> Holds:
    field = FIELDS[comparison.field]
    get, compares = field.get, OPERATORS[comparison.operator].compile(comparison.values)
    if not field.many:
        return lambda activity: compares(get(activity))
    if comparison.operator in _EXACT:
        has_none_of = frozenset(comparison.values).isdisjoint
        return lambda activity: not has_none_of(get(activity))

    def holds(activity: Activity) -> bool:
        for value in get(activity):  # noqa: SIM110 - a generator costs more than the comparison
            if compares(value):
                return True
        return False

    return holds


def _compile_all(parts: tuple[Holds, ...]) -> Holds:
    first, others = parts[0], parts[1:]
    if not others:
        return first
    rest = _compile_all(others)
    return lambda activity: first(activity) and rest(activity)


def _compile_any(parts: tuple[Holds, ...]) -> Holds:
    first, others = parts[0], parts[1:]
    if not others:
        return first
    rest = _compile_any(others)
    return lambda activity: first(activity) or rest(activity)


def comparisons_of(condition: Condition) -> Iterator[Comparison]:
    """Every comparison in a condition, in order."""
    match condition:
        case Comparison():
            yield condition
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from comparisons_of(part)
        case Not():
            yield from comparisons_of(condition.part)
        case _ as never:
            assert_never(never)


def needed_values(condition: Condition, field: str) -> frozenset[str] | None:
    """Values of which the field must have one for the condition to hold; None where it can hold with any."""
    match condition:
        case Comparison():
            exact = condition.field == field and condition.operator in _EXACT
            return frozenset(map(str, condition.values)) if exact else None
        case AllOf():
            found = (values for part in condition.parts if (values := needed_values(part, field)) is not None)
            return min(found, key=len, default=None)
        case AnyOf():
            return _union([needed_values(part, field) for part in condition.parts])
        case Not():
            return None
        case _ as never:
            assert_never(never)


def _union(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [values for values in sets if values is not None]
    return frozenset[str]().union(*known) if len(known) == len(sets) else None
