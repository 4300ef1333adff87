"""The criteria of workers: CEL over one variable, `event`.

A criterion is compiled and checked when it is saved. When it cannot be evaluated on an event (a field that is not
there, a budget exceeded) the alert is sent all the same and the error is counted and shown: a message too many is
better than silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

MAX_LENGTH = 4096


class InvalidCriteriaError(ValueError):
    """The expression does not compile, or does not say yes or no; the text gives the place."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an event meets a criterion; with `error`, nobody knows and it counts as met."""

    met: bool
    error: str = ""


@lru_cache(maxsize=1)
def _environment() -> Any:
    return cel.NewEnv(variables={"event": cel.Type.DYN})


@lru_cache(maxsize=1024)
def _compile(expression: str) -> Any:
    if len(expression) > MAX_LENGTH:
        raise InvalidCriteriaError(f"criteria have at most {MAX_LENGTH} characters")
    try:
        compiled = _environment().compile(expression)
    except Exception as error:  # noqa: BLE001 - the library has no error class of its own
        raise InvalidCriteriaError(f"the criteria do not compile: {_first_line(error)}") from None
    kind = compiled.return_type().name()
    if kind not in {cel.Type.BOOL.name(), cel.Type.DYN.name()}:
        raise InvalidCriteriaError(f"the criteria must say true or false, this is of type {kind}")
    return compiled


def check_criteria(expression: str) -> None:
    """Raises InvalidCriteriaError unless `expression` is empty (always) or compiles to true or false."""
    if expression.strip():
        _compile(expression)


def evaluate_criteria(expression: str, event: Mapping[str, Any]) -> Outcome:
    """Whether `event` (JSON-able) meets a criterion."""
    if not expression.strip():
        return Outcome(met=True)
    try:
        value = _compile(expression).eval(data={"event": event})
    except Exception as error:  # noqa: BLE001 - the library has no error class of its own
        return Outcome(met=True, error=_first_line(error))
    if value.type() == cel.Type.ERROR:
        return Outcome(met=True, error=_first_line(value.value()))
    if value.type() != cel.Type.BOOL:
        return Outcome(met=True, error=f"the criteria gave a {value.type().name()}, not true or false")
    return Outcome(met=bool(value.value()))


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:500] or "unknown error"
