"""OpenSSH's server (https://man.openbsd.org/sshd_config)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import Find, is_one_of
from deadlight.scanner.exposures.services.formats.lines import word_lines
from deadlight.scanner.exposures.services.service import Rule, Service, pattern

_read = word_lines(sections=("match",), comment=" #")
_WEAK = (
    "3des",
    "arcfour",
    "blowfish",
    "cast128",
    "hmac-md5",
    "umac-64",
    "group1-sha1",
    "group-exchange-sha1",
    "ssh-dss",
)


def _says(name: str, *words: str) -> Find:
    """The first setting counts; what stands under `Match` counts for those it matches."""

    def find(configuration: Configuration) -> Iterator[Node]:
        general = [node for node in configuration.named(name) if not node.parent][:1]
        matched = [node for node in configuration.named(name) if node.parent]
        yield from (node for node in (*general, *matched) if is_one_of(*words)(node.value))

    return find


def _weak_algorithms(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"):
        if not node.value.startswith("-") and any(weak in node.value for weak in _WEAK):
            yield node


SSHD = Service(
    name="sshd",
    paths=pattern(r"(?:.*/)?sshd_config | (?:.*/)?sshd_config\.d/[^/]+"),
    roots=pattern(r"(?:.*/)?sshd_config"),
    includes=frozenset({"include"}),
    read=lambda _, text: _read(text),
    keep=pattern(
        r"""match|permitrootlogin|permitemptypasswords|passwordauthentication|protocol|ciphers|macs|kexalgorithms
        |hostkeyalgorithms"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-sshd-empty-passwords",
                Severity.HIGH,
                "sshd lets users in without a password",
                "Accounts whose password is empty are open to whoever reaches the port.",
                "Write `PermitEmptyPasswords no`.",
                "CWE-258",
            ),
            _says("permitemptypasswords", "yes"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-sshd-root",
                Severity.MEDIUM,
                "sshd lets root sign in with a password",
                "The one account whose name everybody knows can be guessed at.",
                "Write `PermitRootLogin prohibit-password`, or `no`.",
                "CWE-250",
            ),
            _says("permitrootlogin", "yes"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-sshd-passwords",
                Severity.LOW,
                "sshd takes passwords",
                "Passwords can be guessed and stolen; keys cannot.",
                "Write `PasswordAuthentication no`.",
                "CWE-309",
            ),
            _says("passwordauthentication", "yes"),
            spares_shipped=True,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-sshd-protocol",
                Severity.HIGH,
                "sshd speaks protocol 1",
                "Version 1 of the protocol lets traffic be changed and read.",
                "Remove `Protocol`.",
                "CWE-327",
            ),
            _says("protocol", "1", "1,2", "2,1"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-sshd-weak-algorithms",
                Severity.LOW,
                "sshd accepts weak algorithms",
                "The list has ciphers, codes or exchanges that are no longer safe.",
                "Remove the setting: the defaults are sound.",
                "CWE-326",
            ),
            _weak_algorithms,
        ),
    ),
)
"""The row of OpenSSH."""
