"""Redis and Valkey (https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import (
    each,
    is_local,
    is_one_of,
    is_well_known,
    last_has,
    names_old_tls,
    names_weak_cipher,
)
from deadlight.scanner.exposures.services.formats.lines import word_lines
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers

_read = word_lines()


def _unprotected(configuration: Configuration) -> Iterator[Node]:
    mode = configuration.last("protected-mode")
    password = configuration.last("requirepass")
    has_users = (password and password.value) or configuration.named("aclfile", "user")
    bind = configuration.last("bind")
    is_bound = bind is not None and all(is_local(address.lstrip("-")) for address in bind.values)
    if mode and mode.is_off and not has_users and not is_bound:
        yield mode


REDIS = Service(
    name="redis",
    paths=pattern(r"(?:.*/)?(?:redis|valkey|sentinel)[^/]*\.conf | (?:.*/)?(?:redis|valkey)/[^/]+\.conf"),
    includes=frozenset({"include"}),
    read=lambda _, text: _read(text),
    programs=frozenset({"redis-server", "valkey-server"}),
    environment=lambda name: "allow-empty-password" if name == "ALLOW_EMPTY_PASSWORD" else "",
    keep=pattern(
        r"""protected-mode|requirepass|bind|aclfile|user|enable-debug-command|enable-module-command|tls-protocols
        |tls-ciphers|allow-empty-password"""
    ),
    secret=pattern("requirepass|user"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-redis-unprotected",
                Severity.HIGH,
                "Redis answers everybody",
                "Protected mode is off and no password or user is set: whoever reaches the port reads and writes all "
                "data, and can often run code.",
                "Write `protected-mode yes`, and `requirepass` or `aclfile` where others must reach it.",
                "CWE-306",
            ),
            _unprotected,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-redis-default-password",
                Severity.HIGH,
                "Redis has a well-known password",
                "The password is one that anybody tries first.",
                "Give `requirepass` a long random value, from a secret rather than the image.",
                "CWE-1392",
            ),
            each(lambda node: is_well_known(node.value), "requirepass"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-redis-empty-password",
                Severity.HIGH,
                "The image starts its store without a password",
                "`ALLOW_EMPTY_PASSWORD` switches off what keeps Bitnami's images from starting without a password.",
                "Leave the variable out and give a password when the container starts.",
                "CWE-258",
            ),
            each(lambda node: node.is_on, "allow-empty-password"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-redis-commands",
                Severity.MEDIUM,
                "Redis runs debugging or module commands for remote clients",
                "DEBUG can crash the server, and MODULE loads native code into it.",
                "Write `enable-debug-command no` and `enable-module-command no`.",
                "CWE-749",
            ),
            each(lambda node: is_one_of("yes")(node.value), "enable-debug-command", "enable-module-command"),
        ),
        old_tls("redis", "Redis", 'tls-protocols "TLSv1.2 TLSv1.3"', last_has(names_old_tls, "tls-protocols")),
        weak_ciphers("redis", "Redis", "tls-ciphers HIGH:!aNULL", last_has(names_weak_cipher, "tls-ciphers")),
    ),
)
"""The row of Redis."""
