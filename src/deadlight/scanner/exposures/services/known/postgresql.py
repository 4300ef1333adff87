"""PostgreSQL: its settings and its list of who may connect.

https://www.postgresql.org/docs/current/runtime-config.html
"""

from collections.abc import Iterator
from ipaddress import ip_network

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import (
    Find,
    each,
    is_everywhere,
    is_one_of,
    last_has,
    names_old_tls,
    names_weak_cipher,
)
from deadlight.scanner.exposures.services.formats.lines import read_assignments, word_lines
from deadlight.scanner.exposures.services.service import Rule, Service, pattern, variables
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers

_read_access = word_lines(first="access", comment="#")


def _method(node: Node) -> str:
    """`local DB USER METHOD`, `host DB USER ADDRESS METHOD` or with a mask after the address."""
    position = 3 if node.values[0] == "local" else 4
    words = node.values[position:]
    if words and words[0][:1].isdigit():
        words = words[1:]
    return words[0].lower() if words else ""


def _is_remote(node: Node) -> bool:
    if not node.values[0].startswith("host") or len(node.values) < 5:
        return False
    address = node.values[3]
    if address in {"samehost", "localhost"}:
        return False
    try:
        return not ip_network(address, strict=False).is_loopback
    except ValueError:
        return True


def _trusts(*, remote: bool) -> Find:
    return each(lambda node: _method(node) == "trust" and _is_remote(node) is remote, "access")


def _plain_passwords(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("access"):
        if _method(node) == "password" and _is_remote(node) and node.values[0] in {"host", "hostnossl"}:
            yield node


def _no_tls(configuration: Configuration) -> Iterator[Node]:
    tls, addresses = configuration.last("ssl"), configuration.last("listen_addresses")
    if tls and tls.is_off and addresses and any(is_everywhere(one.strip()) for one in addresses.value.split(",")):
        yield tls


ACCESS = Service(
    name="pg_hba",
    paths=pattern(r"(?:.*/)?pg_hba[^/]*\.conf"),
    read=lambda _, text: _read_access(text),
    environment=variables("POSTGRES_HOST_AUTH_METHOD"),
    keep=pattern(r"access | \$POSTGRES_HOST_AUTH_METHOD"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-trust",
                Severity.HIGH,
                "PostgreSQL lets anybody in without a password",
                "Connections from other machines are trusted: whoever reaches the port is any user he names.",
                "Write `scram-sha-256` in place of `trust`.",
                "CWE-306",
            ),
            _trusts(remote=True),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-trust-variable",
                Severity.HIGH,
                "The image sets PostgreSQL up to let anybody in",
                "`POSTGRES_HOST_AUTH_METHOD=trust` makes a new database trust connections from everywhere.",
                "Leave the variable out, or write `scram-sha-256`.",
                "CWE-306",
            ),
            each(lambda node: node.value == "trust", "$POSTGRES_HOST_AUTH_METHOD"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-local-trust",
                Severity.LOW,
                "PostgreSQL trusts every process of its machine",
                "Whatever runs beside the server, or gets a request through it, is any user it names.",
                "Write `peer` for `local` lines and `scram-sha-256` for those of 127.0.0.1.",
                "CWE-306",
            ),
            _trusts(remote=False),
            spares_shipped=True,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-plain-password",
                Severity.MEDIUM,
                "PostgreSQL takes passwords in clear text",
                "The method `password` without TLS shows each password to whoever can listen.",
                "Write `hostssl` in place of `host`, and `scram-sha-256` in place of `password`.",
                "CWE-319",
            ),
            _plain_passwords,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-md5",
                Severity.LOW,
                "PostgreSQL checks passwords with MD5",
                "What is stored of a password is enough to sign in with it, and is quickly guessed.",
                "Write `scram-sha-256` in place of `md5` and set the passwords anew.",
                "CWE-328",
            ),
            each(lambda node: _method(node) == "md5", "access"),
            spares_shipped=True,
        ),
    ),
)
"""The row of pg_hba.conf."""

POSTGRESQL = Service(
    name="postgresql",
    paths=pattern(r"(?:.*/)?postgresql[^/]*\.conf | (?:.*/)?postgresql/(?:.*/)?conf\.d/[^/]+\.conf"),
    roots=pattern(r"(?:.*/)?postgresql\.conf"),
    includes=frozenset({"include", "include_if_exists", "include_dir"}),
    read=lambda _, text: read_assignments(text),
    programs=frozenset({"postgres"}),
    keep=pattern("ssl|listen_addresses|password_encryption|ssl_min_protocol_version|ssl_ciphers"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-no-tls",
                Severity.MEDIUM,
                "PostgreSQL listens everywhere without TLS",
                "TLS is switched off by name while the server takes connections on all interfaces.",
                "Write `ssl = on` with `ssl_cert_file` and `ssl_key_file`.",
                "CWE-319",
            ),
            _no_tls,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-postgresql-password-encryption",
                Severity.LOW,
                "PostgreSQL stores passwords with MD5",
                "What is stored of a password is enough to sign in with it, and is quickly guessed.",
                "Write `password_encryption = scram-sha-256`.",
                "CWE-328",
            ),
            last_has(is_one_of("md5", "on", "off"), "password_encryption"),
        ),
        old_tls(
            "postgresql",
            "PostgreSQL",
            "ssl_min_protocol_version = 'TLSv1.2'",
            last_has(names_old_tls, "ssl_min_protocol_version"),
        ),
        weak_ciphers(
            "postgresql", "PostgreSQL", "ssl_ciphers = 'HIGH:!aNULL'", last_has(names_weak_cipher, "ssl_ciphers")
        ),
    ),
)
"""The row of postgresql.conf."""
