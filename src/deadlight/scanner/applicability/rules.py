"""Applicability rules: which calls a vulnerability can be reached through, as data."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import msgspec

from deadlight.model.package import Package
from deadlight.scanner.errors import InvalidRuleError

_FOLDER = "rule_files"


class Fixtures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sources that every rule carries to be tested with."""

    applicable: str
    not_applicable: str


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to tell whether vulnerabilities of a package apply to code that uses it."""

    id: str
    vulnerabilities: tuple[str, ...]
    ecosystem: str
    package: str
    """Normalised as the ecosystem's advisories spell it."""
    calls: tuple[str, ...]
    """Qualified names. Calling, subclassing or decorating with one, or with an attribute of one, reaches the flaw."""
    why: str
    references: tuple[str, ...]
    fixtures: Fixtures
    safe_arguments: tuple[str, ...] = ()
    """A call that is given one of these names, or `keyword=True` and the like, does not reach it."""
    exhaustive: bool = True
    """Whether the flaw cannot be reached from Python in another way. Only then does silence mean not applicable."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by the vulnerabilities they name."""

    rules: tuple[Rule, ...]
    state: str
    """16 hexadecimal digits over everything the rules say. Judgements made under another state are out of date."""
    by_vulnerability: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "RuleSet":
        """The set of some rules."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        by_vulnerability: dict[str, tuple[Rule, ...]] = {}
        for rule in ordered:
            for vulnerability in rule.vulnerabilities:
                by_vulnerability[vulnerability] = (*by_vulnerability.get(vulnerability, ()), rule)
        state = sha256(msgspec.json.encode(ordered, order="deterministic")).hexdigest()[:16]
        return cls(ordered, state, by_vulnerability)

    def list_matching(self, vulnerability_ids: Iterable[str], package: Package) -> tuple[Rule, ...]:
        """The rules that name one of the ids (a CVE and its aliases) for this package."""
        ecosystem = package.ecosystem.partition(":")[0]
        named = (rule for vulnerability in vulnerability_ids for rule in self.by_vulnerability.get(vulnerability, ()))
        return tuple(
            rule for rule in dict.fromkeys(named) if rule.ecosystem == ecosystem and rule.package == package.name
        )


def load_rules() -> RuleSet:
    """The rules that come with this version."""
    folder = files("deadlight.scanner.applicability") / _FOLDER
    return RuleSet.of(
        parse_rule(file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".toml")
    )


def parse_rule(name: str, text: str) -> Rule:
    """Read one rule from TOML; `name` is its file's, for messages.

    Raises:
        InvalidRuleError: not TOML, a field missing, unknown or of the wrong type, or nothing to look for.
    """
    try:
        rule = msgspec.convert(tomllib.loads(text), Rule)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidRuleError(f"applicability rule {name}: {error}") from error
    if not (rule.calls and rule.vulnerabilities and rule.references):
        raise InvalidRuleError(f"applicability rule {name}: calls, vulnerabilities and references may not be empty")
    return rule
