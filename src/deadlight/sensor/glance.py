"""What an event's file alone says about the rules: most events can match none, whoever caused them.

For each rule, what it asks of the process is left open; what it asks of the file remains. An event whose file meets no
rule's remainder needs no further look, which is nearly all of them, and costs a fifth of what the rules would. And a
file that meets one is sensitive: there each use counts, not only the first. Pure.

Before the remainders stands what each of them needs at least of the path (`Needs`): that takes four comparisons for
all rules together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    conditions = _merged(found for found in open_ends if not isinstance(found, bool))
    holds, needs = _any(list(map(_compile, conditions))), _needs_of_any(conditions)
    return Glance(any(found is True for found in open_ends), holds if needs is None else needs.before(holds))


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


# --- what a condition needs of the path ---


@dataclass(frozen=True, slots=True)
class Needs:
    """What a path has at least one of where a condition holds; where it has none, the condition does not hold."""

    names: frozenset[str] = frozenset()
    """Its last name."""
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()

    def before(self, holds: Holds) -> Holds:
        """The condition, asked only of paths that it may hold for."""
        names, begins, ends, pieces = self.names, self.begins, self.ends, self.pieces

        def holds_after(event: Event) -> bool:
            path = event.path
            if path[path.rfind("/") + 1 :] in names or path.startswith(begins) or path.endswith(ends):
                return holds(event)
            for piece in pieces:
                if piece in path:
                    return holds(event)
            return False

        return holds_after

    def ease(self) -> tuple[int, int]:
        """How little there is to compare: names are looked up, of the rest each piece costs most."""
        return len(self.pieces), len(self.begins) + len(self.ends)


def _needs(condition: Condition) -> Needs | None:
    """None where it may hold for any path."""
    match condition:
        case Comparison():
            return _needs_of_test(condition)
        case AllOf(parts):
            found = [needs for needs in map(_needs, parts) if needs]
            return min(found, key=Needs.ease, default=None)
        case AnyOf(parts):
            return _needs_of_any(parts)
        case Not():
            return None
        case _ as never:
            assert_never(never)


def _needs_of_any(conditions: Iterable[Condition]) -> Needs | None:
    names, begins, ends, pieces = set[str](), list[str](), list[str](), list[str]()
    for needs in map(_needs, conditions):
        if needs is None:
            return None
        names |= needs.names
        begins += needs.begins
        ends += needs.ends
        pieces += needs.pieces
    return Needs(frozenset(names), tuple(begins), tuple(ends), tuple(pieces))


def _needs_of_test(test: Comparison) -> Needs | None:
    needs = _NEEDS.get(test.operator) if test.field == _PATH else None
    return needs(tuple(map(str, test.values))) if needs else None


def _needed_ends(values: tuple[str, ...]) -> Needs:
    named, ends = (
        _names(value for value in values if "/" in value),
        tuple(value for value in values if "/" not in value),
    )
    return Needs(names=named, ends=ends)


def _names(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path.rpartition("/")[2] for path in paths)


_NEEDS: Mapping[str, Callable[[tuple[str, ...]], Needs]] = {
    "is": lambda values: Needs(names=_names(values)),
    "in": lambda values: Needs(names=_names(values)),
    "ends_with": _needed_ends,
    "starts_with": lambda values: Needs(begins=values),
    "under": lambda values: Needs(begins=tuple(value.rstrip("/") for value in values)),
    "contains": lambda values: Needs(pieces=values),
}
"""What the operators need of a path; `matches` may hold for any."""


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
