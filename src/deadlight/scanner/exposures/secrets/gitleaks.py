"""Rules from files in gitleaks' format (github.com/gitleaks/gitleaks, README, "Configuration").

What is not followed is told: `extend` (give the extended file as well), rules that need other rules near, and
allowlists by commit, which images do not have.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from deadlight.model.vulnerability import Severity
from deadlight.scanner.errors import InvalidRuleError
from deadlight.scanner.exposures.secrets.rules import Allowlist, SecretRule

MAX_FILE_BYTES = 2 << 20
MAX_RULES = 2_000
MAX_EXPRESSIONS = 10_000
"""Of all rules and allowlists of a file."""
_WHOLE_FILE = 1 << 40
"""The reach of a keyword: gitleaks tries an expression on everything once a keyword is anywhere."""
_FILE = "[allowlist]"
_CONDITIONS = {"OR": False, "||": False, "AND": True, "&&": True}
_TARGETS = frozenset({"", "secret", "match", "line"})

_Short = Annotated[str, msgspec.Meta(max_length=500)]
_Expression = Annotated[str, msgspec.Meta(max_length=20_000)]
_Words = Annotated[tuple[_Short, ...], msgspec.Meta(max_length=20_000)]


class _Allowlist(msgspec.Struct, frozen=True, rename="camel"):
    condition: str = "OR"
    paths: tuple[_Expression, ...] = ()
    regexes: tuple[_Expression, ...] = ()
    regex_target: str = ""
    stopwords: _Words = ()
    commits: tuple[str, ...] = ()
    target_rules: _Words = ()


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    id: _Short = ""
    description: _Short = ""
    regex: _Expression = ""
    secret_group: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    entropy: float = 0.0
    keywords: _Words = ()
    path: _Expression = ""
    allowlist: _Allowlist | None = None
    allowlists: tuple[_Allowlist, ...] = ()
    required: tuple[Any, ...] = ()
    skip_report: bool = False


class _File(msgspec.Struct, frozen=True, rename="camel"):
    rules: Annotated[tuple[_Rule, ...], msgspec.Meta(max_length=MAX_RULES)] = ()
    allowlist: _Allowlist | None = None
    allowlists: tuple[_Allowlist, ...] = ()
    extend: dict[str, Any] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """What a file in gitleaks' format gave."""

    rules: tuple[SecretRule, ...]
    notices: tuple[str, ...] = field(default=())
    """What of it is not followed, each naming the rule."""


def parse_gitleaks_rules(name: str, content: bytes) -> LoadedRules:
    """Read rules in gitleaks' format; `name` is the file's, for messages. Every expression is compiled once.

    Raises:
        InvalidRuleError: too large, not TOML, a field of the wrong type, a rule that looks for nothing, an allowlist
            that says nothing, or expressions that RE2 cannot compile; names the rule.
    """
    parsed = _parse(name, content)
    followed = [rule for rule in parsed.rules if not _why_left_out(rule)]
    shared = _all(parsed)
    for where, allowlists in ((_FILE, shared), *((rule.id, _all(rule)) for rule in followed)):
        _check_allowlists(f"secret rules {name}: {where}", allowlists)
    rules = tuple(_convert(rule, shared) for rule in followed)
    _compile(name, rules)
    return LoadedRules(rules, (*_notices(parsed),))


def _parse(name: str, content: bytes) -> _File:
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRuleError(f"secret rules {name}: {len(content)} bytes, more than the {MAX_FILE_BYTES} read")
    try:
        parsed = msgspec.convert(tomllib.loads(content.decode()), _File)
    except (ValueError, RecursionError) as error:
        raise InvalidRuleError(f"secret rules {name}: {error}") from error
    if not parsed.rules:
        raise InvalidRuleError(f"secret rules {name}: holds no [[rules]]; rules it extends are to be given as well")
    for number, rule in enumerate(parsed.rules, start=1):
        if not rule.id or not (rule.regex or rule.path or parsed.extend):
            place = rule.id or f"rule {number}"
            raise InvalidRuleError(f"secret rules {name}: {place}: needs an id, and a regex or a path")
    twice = [rule_id for rule_id, count in Counter(rule.id for rule in parsed.rules).items() if count > 1]
    if twice:
        raise InvalidRuleError(f"secret rules {name}: more than one rule is called {twice[0]}")
    return parsed


def _why_left_out(rule: _Rule) -> str:
    if rule.skip_report or rule.required:
        return "is left out: rules that need other rules near, or report nothing, are not followed"
    if not (rule.regex or rule.path):
        return "is left out: it changes a rule of the extended file"
    return ""


def _notices(parsed: _File) -> Iterator[str]:
    if parsed.extend:
        yield "extend is not followed: give the extended file as well"
    if any(allowlist.commits for allowlist in _all(parsed)):
        yield "allowlists by commit are not followed: an image has no commits"
    for rule in parsed.rules:
        why = _why_left_out(rule)
        if why:
            yield f"{rule.id}: {why}"
        elif any(allowlist.commits for allowlist in _all(rule)):
            yield f"{rule.id}: allowlists by commit are not followed: an image has no commits"
        elif not rule.keywords and not rule.path:
            yield f"{rule.id}: has no keywords, so that it is tried on every file: scans take longer"


def _all(holder: _File | _Rule) -> tuple[_Allowlist, ...]:
    """The allowlists of a file or a rule, in the present spelling or the former."""
    return holder.allowlists if holder.allowlist is None else (*holder.allowlists, holder.allowlist)


def _check_allowlists(where: str, allowlists: Iterable[_Allowlist]) -> None:
    for allowlist in allowlists:
        if allowlist.condition.upper() not in _CONDITIONS:
            raise InvalidRuleError(f"{where}: allowlist: condition {allowlist.condition!r} is not OR or AND")
        if allowlist.regex_target not in _TARGETS:
            raise InvalidRuleError(f"{where}: allowlist: regexTarget {allowlist.regex_target!r} is not match or line")
        if not (allowlist.paths or allowlist.regexes or allowlist.stopwords or allowlist.commits):
            raise InvalidRuleError(f"{where}: allowlist: needs paths, regexes or stopwords")


def _convert(rule: _Rule, shared: Sequence[_Allowlist]) -> SecretRule:
    applying = [allowlist for allowlist in shared if not allowlist.target_rules or rule.id in allowlist.target_rules]
    converted = (_convert_allowlist(allowlist) for allowlist in (*_all(rule), *applying))
    return SecretRule(
        id=rule.id,
        title=_title(rule),
        severity=Severity.HIGH,
        description=(rule.description or _title(rule)).rstrip(".") + ".",
        revoke="Revoke it where it was issued and issue another.",
        keywords=tuple(keyword.lower() for keyword in rule.keywords if keyword),
        pattern=rule.regex,
        secret_group=rule.secret_group,
        entropy=rule.entropy,
        path=rule.path,
        check="digit" if rule.id.startswith("generic") else "",
        reach=_WHOLE_FILE,
        allowlists=tuple(allowlist for allowlist in converted if allowlist is not None),
    )


def _title(rule: _Rule) -> str:
    return rule.id.replace("-", " ").replace("_", " ").capitalize()


def _convert_allowlist(allowlist: _Allowlist) -> Allowlist | None:
    """None for one that cannot hold, as nothing in an image is of a commit."""
    needs_all = _CONDITIONS[allowlist.condition.upper()]
    if allowlist.commits and (needs_all or not (allowlist.paths or allowlist.regexes or allowlist.stopwords)):
        return None
    return Allowlist(
        paths=allowlist.paths,
        regexes=allowlist.regexes,
        regex_target=allowlist.regex_target or "secret",
        stopwords=tuple(word.lower() for word in allowlist.stopwords if word),
        needs_all=needs_all,
    )


def _compile(name: str, rules: Sequence[SecretRule]) -> None:
    """Try every expression, and name all that cannot be compiled."""
    from deadlight.scanner.exposures.secrets.engine import find_broken_rules  # noqa: PLC0415 - loads RE2, only here

    allowlists = {allowlist for rule in rules for allowlist in rule.allowlists}
    expressions = len(rules) + sum(len(allowlist.paths) + len(allowlist.regexes) for allowlist in allowlists)
    if expressions > MAX_EXPRESSIONS:
        raise InvalidRuleError(f"secret rules {name}: {expressions} expressions, more than {MAX_EXPRESSIONS}")
    if broken := find_broken_rules(rules):
        raise InvalidRuleError(f"secret rules {name}: {'; '.join(broken)}")
