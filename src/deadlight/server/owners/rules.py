"""The owners map: ordered rules from what runs to who is responsible; the first that matches counts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is responsible, how to reach them and where that is known from. Empty texts are unknown."""

    team: str = ""
    person: str = ""
    email: str = ""
    slack: str = ""
    on_call: str = ""
    """Where to find who is on call."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody is responsible for: an image, where it runs, and the labels there."""

    cluster: str = ""
    namespace: str = ""
    repositories: tuple[str, ...] = ()
    """With their registry: `docker.io/library/nginx`."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns with `*` and `?`, all of which must match; an empty one always does."""

    id: int
    owner: Owner
    cluster: str = ""
    namespace: str = ""
    repository: str = ""
    """Matches with or without the registry: `shop/*` is also `ghcr.io/shop/web`."""
    label: str = ""
    """`key=pattern`, several with commas."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One pattern of a rule held against a subject."""

    holds: bool
    told: str
    """For people: what was compared with what."""


def find_rule(rules: Sequence[Rule], subject: Subject) -> Rule | None:
    """The first rule that matches; None where none does."""
    return next((rule for rule in rules if matches(rule, subject)), None)


def matches(rule: Rule, subject: Subject) -> bool:
    """Whether all patterns of a rule match."""
    return all(condition.holds for condition in conditions(rule, subject))


def conditions(rule: Rule, subject: Subject) -> Iterator[Condition]:
    """Every pattern of the rule that is not empty, and whether it matches."""
    if rule.cluster:
        yield _compare("cluster", (subject.cluster,), rule.cluster)
    if rule.namespace:
        yield _compare("namespace", (subject.namespace,), rule.namespace)
    if rule.repository:
        yield _repository(subject.repositories, rule.repository)
    for key, pattern in split_labels(rule.label):
        found = (subject.labels[key],) if key in subject.labels else ()
        yield _compare(f"label {key}", found, pattern)


def split_labels(text: str) -> list[tuple[str, str]]:
    """A label selector as keys and patterns; raises ValueError for what is not `key=value`."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not (key.strip() and equals):
            raise ValueError(f"{part!r} is not a label selector: key=value, several with commas")
        pairs.append((key.strip(), value.strip()))
    return pairs


def fits(value: str, pattern: str) -> bool:
    """Whether a pattern matches a whole text, capitals included; only `*` and `?` mean something."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _compare(name: str, values: Sequence[str], pattern: str) -> Condition:
    hit = next((value for value in values if fits(value, pattern)), None)
    if hit is not None:
        return Condition(holds=True, told=f"{name} {hit or '(none)'} matches {pattern}")
    told = ", ".join(value for value in values if value) or "(none)"
    return Condition(holds=False, told=f"{name} {told} does not match {pattern}")


def _repository(repositories: Sequence[str], pattern: str) -> Condition:
    for repository in repositories:
        if fits(repository, pattern) or fits(repository.partition("/")[2], pattern):
            return Condition(holds=True, told=f"repository {repository} matches {pattern}")
    return _compare("repository", repositories, pattern)
