"""Rules: what secrets look like, as data."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import msgspec

from deadlight.model.vulnerability import Severity
from deadlight.scanner.errors import InvalidRuleError

RULE_FILES = ("clouds.toml", "source_code.toml", "services.toml", "keys.toml", "documents.toml", "generic.toml")
"""In the folder `rule_files`. Where two rules find one secret, the earlier one names it."""

DEFAULT_REACH = 256
"""Bytes on either side of a keyword that a secret, with what shows it to be one, fits in."""

_FOLDER = "rule_files"
_ASSIGNED = (
    r"(?i:{names})[\"'`\]\\]{{0,4}}"
    r"(?:\s{{0,10}}(?:=>|:=|->|=|:|>)|,?\s{{1,40}}-?\s{{0,4}}[\"']?(?i:value)[\"']?\s{{0,4}}[:=])"
    r"[ \t]{{0,10}}(?:[A-Za-z]{{0,2}}\\?[\"'`]{{1,3}})?"
    r"({value})(?:[^A-Za-z0-9_\-/+=.~(\[!@#^*]|$)"
)
"""A name, a sign that says it has a value, the value; also `<add key="name" value="..."/>` and Kubernetes' `env`."""


class Allowlist(msgspec.Struct, frozen=True):
    """What a rule passes over, as gitleaks' format has it. Expressions are RE2's."""

    paths: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    regex_target: str = "secret"
    """What `regexes` are tried on: `secret`, `match` or `line`."""
    stopwords: tuple[str, ...] = ()
    """Lower case; a secret that holds one is passed over."""
    needs_all: bool = False
    """Whether a path, an expression and a stopword must hold together, of those given; otherwise one of them does."""


class SecretRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of secret. Expressions are RE2's, tried on bytes that hold one of the keywords."""

    id: str
    """The exposure's rule id without `EXP-SECRET-`."""
    title: str
    severity: Severity
    description: str
    """What whoever has the secret can do with it."""
    revoke: str
    """What to do with the secret itself; how to get it out of the image is the same for all."""
    keywords: tuple[str, ...] = ()
    """Lower case. Without one of them near, nothing is looked for; a rule without any needs a `path`."""
    pattern: str = ""
    """Its first group that took part is the secret, or all of it where there is none."""
    names: str = ""
    """Instead of `pattern`: an expression for what the secret is assigned to, with `value` for the secret."""
    value: str = ""
    secret_group: int = 0
    """Which group is the secret; 0 for the first that took part."""
    entropy: float = 0.0
    """Bits for each character that a secret has at least (Shannon); a random hexadecimal one has up to 4."""
    path: str = ""
    """Only files whose path (no leading slash) has this."""
    check: str = ""
    """A key of `checks.CHECKS`: what more must hold of the secret."""
    reach: int = DEFAULT_REACH
    loose: bool = False
    """Whether any text could be the secret: placeholders, references, tests and documentation are then passed over."""
    quiet_in_tests: bool = False
    """Whether files of tests, documentation and examples are passed over, where such secrets are made up."""
    cwe: str = "CWE-798"
    allowlists: tuple[Allowlist, ...] = ()
    examples_path: str = "app/settings.py"
    """Where `matches` and `passes` lie."""
    matches: tuple[str, ...] = ()
    """Texts the rule finds exactly one secret in. `<base62:20>` stands for twenty random characters."""
    passes: tuple[str, ...] = ()
    """Texts the rule finds none in."""

    @property
    def expression(self) -> str:
        """The expression to compile; empty for a rule that is about paths alone."""
        return _ASSIGNED.format(names=self.names, value=self.value) if self.names else self.pattern


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[SecretRule, ...]


def load_rules() -> tuple[SecretRule, ...]:
    """The rules that come with this version, the more specific ones first."""
    return tuple(rule for name, text in read_rule_files().items() for rule in parse_rules(name, text))


def read_rule_files() -> Mapping[str, str]:
    """By name, the texts of the files that come with this version, in order of precedence."""
    folder = files("deadlight.scanner.exposures.secrets") / _FOLDER
    return {name: (folder / name).read_text("utf-8") for name in RULE_FILES}


def parse_rules(name: str, text: str) -> tuple[SecretRule, ...]:
    """Read rules from TOML; `name` is the file's, for messages.

    Raises:
        InvalidRuleError: not TOML, a field missing, unknown or of the wrong type, or nothing to look for.
    """
    try:
        rules = msgspec.convert(tomllib.loads(text), _RuleFile).rules
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidRuleError(f"secret rules {name}: {error}") from error
    for rule in rules:
        if bool(rule.pattern) == bool(rule.names and rule.value):
            raise InvalidRuleError(f"secret rules {name}: {rule.id}: needs either pattern, or names and value")
        if not (rule.keywords or rule.path):
            raise InvalidRuleError(f"secret rules {name}: {rule.id}: needs keywords, or a path")
        if any(keyword != keyword.lower() for keyword in rule.keywords):
            raise InvalidRuleError(f"secret rules {name}: {rule.id}: keywords are written in lower case")
    return rules
