"""What a container did, held to all rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deadlight.threats.activity import Activity, ActivityKind
from deadlight.threats.condition import comparisons_of, compile_condition, needed_values
from deadlight.threats.fields import FIELDS
from deadlight.threats.rule import Rule, RuleFile, load_lists, parse_rule_file

RULES = Path(__file__).parent / "rules"
"""The folder of the built-in rules."""

MAX_FACTS = 16
"""Fields of an activity that a match names."""

MAX_FACT_LENGTH = 1024
"""Characters of one of them."""

_INDEXED = "process.programs"


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that an activity matched."""

    rule: Rule
    facts: Mapping[str, str]
    """What the fields that the rule looks at were, by their names. Not redacted."""
    key: tuple[str, ...]
    """With the container and rule: what makes another match the same again."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    holds: Callable[[Activity], bool]


class Engine:
    """Rules, compiled. It remembers nothing: the same activity always has the same answer."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        compiled = [_Compiled(rule, compile_condition(rule.condition)) for rule in self.rules]
        self._by_kind = {kind: _Shelf(each for each in compiled if kind in each.rule.kinds) for kind in ActivityKind}

    def match(self, activity: Activity) -> Sequence[Match]:
        """What the activity matches; never raises."""
        found = self._by_kind[activity.kind].find(activity)
        return [_match(rule, activity) for rule in found] if found else ()


class _Shelf:
    """The rules about one kind of activity; those that want certain programs are found by their names."""

    def __init__(self, compiled: Iterable[_Compiled]) -> None:
        self._always: list[_Compiled] = []
        self._by_program: dict[str, list[_Compiled]] = {}
        for each in compiled:
            programs = needed_values(each.rule.condition, _INDEXED)
            if programs is None:
                self._always.append(each)
            for program in programs or ():
                self._by_program.setdefault(program, []).append(each)

    def find(self, activity: Activity) -> list[Rule]:
        """The rules that hold."""
        found = [each.rule for each in self._always if each.holds(activity)]
        if self._by_program:
            found += self._find_by_program(activity)
        return found

    def _find_by_program(self, activity: Activity) -> Iterable[Rule]:
        shelf = self._by_program
        wanted = {each.rule.id: each for name in activity.process.programs for each in shelf.get(name, ())}
        return [each.rule for each in wanted.values() if each.holds(activity)]


def _match(rule: Rule, activity: Activity) -> Match:
    looked_at = dict.fromkeys(each.field for each in comparisons_of(rule.condition))
    facts = {name: text for name in looked_at if (text := _fact(name, activity))}
    key = tuple(_fact(name, activity) for name in rule.again_for)
    return Match(rule, dict(list(facts.items())[:MAX_FACTS]), key)


def _fact(name: str, activity: Activity) -> str:
    """A field's values as one text."""
    field = FIELDS[name]
    value = field.get(activity)
    values = [each for each in (value if field.many else (value,)) if each is not None]
    return ", ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in values)[:MAX_FACT_LENGTH]


def load_builtin() -> tuple[Rule, ...]:
    """The rules that come with this version, by id.

    Raises:
        RuleError: one of them cannot be used; tests see to it that this does not happen.
    """
    return tuple(sorted((file.rule for file in iter_builtin_files()), key=lambda rule: rule.id))


def iter_builtin_files() -> Iterator[RuleFile]:
    """The same with their samples, one at a time.

    Raises:
        RuleError: one of them cannot be used.
    """
    lists = load_lists()
    for file in sorted(RULES.glob("*.toml")):
        yield parse_rule_file(file.read_text("utf-8"), lists)
