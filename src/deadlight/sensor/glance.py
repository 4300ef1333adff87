"""What an event's file alone says about the rules: most events can match none, whoever caused them.

For each rule, what it asks of the process is left open; what it asks of the file remains. An event whose file meets no
rule's remainder needs no further look, which is nearly all of them, and costs a fifth of what the rules would. And a
file that meets one is sensitive: there each use counts, not only the first. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from deadlight.sensor.decode import Event
from deadlight.sensor.layout import EventFlags
from deadlight.threats.activity import ActivityKind
from deadlight.threats.condition import AllOf, AnyOf, Comparison, Condition, Not
from deadlight.threats.operators import OPERATORS
from deadlight.threats.rule import Rule

Holds = Callable[[Event], bool]

_PATH = "file.path"
_FLAGS = {
    "file.upper": int(EventFlags.UPPER),
    "file.memfd": int(EventFlags.MEMFD),
    "file.unlinked": int(EventFlags.UNLINKED),
    "file.tmpfs": int(EventFlags.TMPFS),
}
_CHANGED = "file.changed"
_OF_THE_FILE = frozenset({_PATH, _CHANGED, *_FLAGS})


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be told of events of one kind."""

    always: bool
    """Some rule asks nothing of the file."""
    holds: Holds
    """Whether the file is what some rule asks for."""


def glance_at(rules: Iterable[Rule], kind: ActivityKind) -> Glance:
    """What the rules ask of the file of an event of this kind."""
    open_ends = [_possible(rule.condition) for rule in rules if kind in rule.kinds]
    conditions = [found for found in open_ends if not isinstance(found, bool)]
    return Glance(any(found is True for found in open_ends), _any(list(map(_compile, _merged(conditions)))))


# --- what remains of a condition ---


def _possible(condition: Condition) -> Condition | bool:
    """When the condition can hold, as far as the file decides; True where it does not."""
    match condition:
        case Comparison():
            return condition if condition.field in _OF_THE_FILE else True
        case AllOf(parts):
            return _joined(AllOf, [_possible(part) for part in parts])
        case AnyOf(parts):
            return _joined(AnyOf, [_possible(part) for part in parts])
        case Not(part):
            return _negated(_certain(part))
        case _ as never:
            assert_never(never)


def _certain(condition: Condition) -> Condition | bool:
    """When the condition must hold, as far as the file decides; False where it does not."""
    match condition:
        case Comparison():
            return condition if condition.field in _OF_THE_FILE else False
        case AllOf(parts):
            return _joined(AllOf, [_certain(part) for part in parts])
        case AnyOf(parts):
            return _joined(AnyOf, [_certain(part) for part in parts])
        case Not(part):
            return _negated(_possible(part))
        case _ as never:
            assert_never(never)


def _joined(kind: type[AllOf] | type[AnyOf], parts: Sequence[Condition | bool]) -> Condition | bool:
    """All or any of the parts: one that decides for itself does, one that never does is left out."""
    decisive = kind is AnyOf
    if any(part is decisive for part in parts):
        return decisive
    conditions = tuple(part for part in parts if not isinstance(part, bool))
    if len(conditions) == 1:
        return conditions[0]
    return kind(conditions) if conditions else not decisive


def _negated(part: Condition | bool) -> Condition | bool:  # noqa: FBT001 - what remains of a condition, not a switch
    return (not part) if isinstance(part, bool) else Not(part)


def _merged(conditions: Iterable[Condition]) -> list[Condition]:
    """The same alternatives with fewer comparisons: those of one field by one operator become one."""
    tests: dict[tuple[str, str], Comparison] = {}
    others: list[Condition] = []
    for condition in _alternatives(conditions):
        if isinstance(condition, Comparison):
            key = (condition.field, condition.operator)
            before = tests.get(key, Comparison(*key, ()))
            tests[key] = Comparison(*key, tuple(dict.fromkeys((*before.values, *condition.values))))
        else:
            others.append(condition)
    return [*tests.values(), *others]


def _alternatives(conditions: Iterable[Condition]) -> Iterable[Condition]:
    for condition in conditions:
        if isinstance(condition, AnyOf):
            yield from _alternatives(condition.parts)
        else:
            yield condition


# --- from conditions to functions of an event ---


def _compile(condition: Condition) -> Holds:
    match condition:
        case Comparison():
            return _compile_test(condition)
        case AllOf(parts):
            return _all([_compile(part) for part in parts])
        case AnyOf(parts):
            return _any([_compile(part) for part in parts])
        case Not(part):
            holds = _compile(part)
            return lambda event: not holds(event)
        case _ as never:
            assert_never(never)


def _compile_test(test: Comparison) -> Holds:
    compares = OPERATORS[test.operator].compile(test.values)
    if test.field == _PATH:
        return lambda event: compares(event.path)
    if test.field == _CHANGED:
        return lambda event: compares(event.changed)
    flag = _FLAGS[test.field]
    return lambda event: compares(bool(event.flags & flag))


def _any(parts: Sequence[Holds]) -> Holds:
    def holds(event: Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the comparison
            if part(event):
                return True
        return False

    return holds


def _all(parts: Sequence[Holds]) -> Holds:
    def holds(event: Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the comparison
            if not part(event):
                return False
        return True

    return holds
