"""How a field's value is compared with those that a rule names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deadlight.threats.errors import RuleError
from deadlight.threats.expressions import compile_expression
from deadlight.threats.fields import Field, FieldType, Value
from deadlight.threats.networks import compile_networks

MAX_VALUES = 500
"""Values that one comparison names."""

MAX_VALUE_LENGTH = 512
"""Characters of one of them."""

Compares = Callable[[Any], bool]

_LIST_NAME = re.compile(r"\$[a-z_]+")
_TEXTS = frozenset({FieldType.TEXT, FieldType.PATH, FieldType.ADDRESS})
_PYTHON_TYPES = {FieldType.NUMBER: int, FieldType.BOOLEAN: bool}


@dataclass(frozen=True, slots=True)
class Operator:
    """A way of comparing: the types of fields it is for, and how it is compiled for some values."""

    types: frozenset[FieldType]
    compile: Callable[[tuple[Value, ...]], Compares]
    """What it makes holds for no value that is missing: `""` or None."""
    many: bool = True
    """Whether a rule may name several values, of which one is enough."""


def read_values(
    field: Field, operator: str, given: Any, names: Mapping[str, tuple[str, ...]], where: str
) -> tuple[Value, ...]:
    """The values that a rule compares a field with.

    Raises:
        RuleError: they are not of the field's type, or the operator is not for it.
    """
    known = OPERATORS[operator]
    if field.type not in known.types:
        fitting = ", ".join(word for word, each in OPERATORS.items() if field.type in each.types)
        raise RuleError(f"{where}: {field.name} is a {field.type}, which {operator} is not for; there are {fitting}")
    values = tuple(_expand(given if isinstance(given, list) else [given], names, where))
    if not values or len(values) > (MAX_VALUES if known.many else 1):
        raise RuleError(f"{where}: {operator} takes {f'1 to {MAX_VALUES} values' if known.many else 'one value'}")
    for value in values:
        _check(field, operator, value, where)
    return values


def _expand(values: list[Any], names: Mapping[str, tuple[str, ...]], where: str) -> list[Any]:
    expanded: list[Any] = []
    for value in values:
        if not isinstance(value, str) or not _LIST_NAME.fullmatch(value):
            expanded.append(value)
        elif value[1:] in names:
            expanded += names[value[1:]]
        else:
            raise RuleError(f"{where}: no list is called {value}; there are {', '.join(f'${name}' for name in names)}")
    return expanded


def _check(field: Field, operator: str, value: Value, where: str) -> None:
    wanted = _PYTHON_TYPES.get(field.type, str)
    if type(value) is not wanted:
        raise RuleError(f"{where}: {field.name} is a {field.type}; {value!r} is not")
    if isinstance(value, str) and not 0 < len(value) <= MAX_VALUE_LENGTH:
        raise RuleError(f"{where}: a text has 1 to {MAX_VALUE_LENGTH} characters")
    try:
        OPERATORS[operator].compile((value,))
    except ValueError as error:
        raise RuleError(f"{where}: {error}") from error


def _is(values: tuple[Value, ...]) -> Compares:
    return frozenset(values).__contains__


def _starts_with(values: tuple[Value, ...]) -> Compares:
    prefixes = tuple(map(str, values))
    return lambda value: value.startswith(prefixes)


def _ends_with(values: tuple[Value, ...]) -> Compares:
    """Suffixes with a slash are compared only where the last name fits, which costs a third of comparing them all."""
    suffixes = tuple(map(str, values))
    names = frozenset(suffix.rpartition("/")[2] for suffix in suffixes)
    if all("/" in suffix for suffix in suffixes):
        return lambda value: value[value.rfind("/") + 1 :] in names and value.endswith(suffixes)
    return lambda value: value.endswith(suffixes)


def _contains(values: tuple[Value, ...]) -> Compares:
    def compares(value: str) -> bool:
        for piece in values:  # noqa: SIM110 - a generator costs more than the comparison
            if piece in value:  # type: ignore[operator]  # the values of texts are texts
                return True
        return False

    return compares


def _under(values: tuple[Value, ...]) -> Compares:
    if not all(str(value).startswith("/") for value in values):
        raise ValueError("under takes directories, which begin with a slash")
    folders = frozenset(str(value).rstrip("/") for value in values)
    inside = tuple(f"{folder}/" for folder in folders)
    folders -= {""}
    return lambda value: value.startswith(inside) or value in folders


def _matches(values: tuple[Value, ...]) -> Compares:
    expressions = [compile_expression(str(value)) for value in values]
    return lambda value: value != "" and any(expression(value) for expression in expressions)


def _at_least(values: tuple[Value, ...]) -> Compares:
    (least,) = values
    return lambda value: value is not None and value >= least


def _at_most(values: tuple[Value, ...]) -> Compares:
    (most,) = values
    return lambda value: value is not None and value <= most


OPERATORS = {
    "is": Operator(frozenset(FieldType), _is, many=False),
    "in": Operator(frozenset(FieldType) - {FieldType.BOOLEAN}, _is),
    "starts_with": Operator(_TEXTS, _starts_with),
    "ends_with": Operator(_TEXTS, _ends_with),
    "contains": Operator(_TEXTS, _contains),
    "under": Operator(frozenset({FieldType.PATH}), _under),
    "matches": Operator(_TEXTS, _matches),
    "at_least": Operator(frozenset({FieldType.NUMBER}), _at_least, many=False),
    "at_most": Operator(frozenset({FieldType.NUMBER}), _at_most, many=False),
    "within": Operator(frozenset({FieldType.ADDRESS}), compile_networks),
}
"""By the word that rules use."""
