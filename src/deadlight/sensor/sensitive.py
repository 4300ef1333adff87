"""Files of which each use counts, not only the first: what rules say about paths. Pure."""

from collections.abc import Callable, Iterable, Sequence

from deadlight.threats.activity import Activity, ActivityKind
from deadlight.threats.condition import AllOf, AnyOf, Condition, Not, Test, compile_condition
from deadlight.threats.rule import Rule

_FILE = "file.path"


def sensitive_files(rules: Iterable[Rule]) -> Callable[[Activity], bool]:
    """Whether rules look at who opens or writes just this file: then each time counts, not only the first.

    A rule whose condition says something about the path, whatever it asks of the process, makes files sensitive.
    """
    about_files = [rule for rule in rules if rule.kinds & {ActivityKind.OPENED, ActivityKind.WRITTEN}]
    conditions = [(rule.kinds, _possible(rule.condition)) for rule in about_files]
    tests = [(kinds, compile_condition(found)) for kinds, found in conditions if not isinstance(found, bool)]
    return lambda activity: any(activity.kind in kinds and holds(activity) for kinds, holds in tests)


def _possible(condition: Condition) -> Condition | bool:
    """When the condition can hold, as far as the path decides; True where the path does not."""
    match condition:
        case Test():
            return condition if condition.field == _FILE else True
        case AllOf(parts):
            return _all_of([_possible(part) for part in parts])
        case AnyOf(parts):
            return _any_of([_possible(part) for part in parts])
        case Not(part):
            return _negated(_certain(part))


def _certain(condition: Condition) -> Condition | bool:
    """When the condition must hold, as far as the path decides; False where the path does not."""
    match condition:
        case Test():
            return condition if condition.field == _FILE else False
        case AllOf(parts):
            return _all_of([_certain(part) for part in parts])
        case AnyOf(parts):
            return _any_of([_certain(part) for part in parts])
        case Not(part):
            return _negated(_possible(part))


def _all_of(parts: Sequence[Condition | bool]) -> Condition | bool:
    if any(part is False for part in parts):
        return False
    return _joined(AllOf, parts, empty=True)


def _any_of(parts: Sequence[Condition | bool]) -> Condition | bool:
    if any(part is True for part in parts):
        return True
    return _joined(AnyOf, parts, empty=False)


def _joined(kind: type[AllOf] | type[AnyOf], parts: Sequence[Condition | bool], *, empty: bool) -> Condition | bool:
    conditions = tuple(part for part in parts if not isinstance(part, bool))
    return kind(conditions) if conditions else empty


def _negated(part: Condition | bool) -> Condition | bool:
    return (not part) if isinstance(part, bool) else Not(part)
