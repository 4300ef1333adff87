"""MySQL and MariaDB (https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import (
    each,
    is_one_of,
    last_has,
    last_is_off,
    last_is_on,
    names_old_tls,
)
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern, variables
from deadlight.scanner.exposures.services.setting import Setting
from deadlight.scanner.exposures.services.tls_rules import old_tls

_EMPTY = ("MYSQL_ALLOW_EMPTY_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_ALLOW_EMPTY_PASSWORD")
_SERVER = ("mysqld", "server", "mariadb", "mariadbd")


def _read(_: str, text: str) -> Iterator[Setting]:
    """Settings of the server's sections; a dash and an underscore are the same in names."""
    for setting in read_assignments(text):
        section, _, name = setting.name.rpartition(".")
        if section.partition("-")[0] in _SERVER or not section:
            yield Setting((name or setting.name).replace("_", "-").lower(), setting.values, setting.line)


def _skips_grants(configuration: Configuration) -> Iterator[Node]:
    node = configuration.last("skip-grant-tables")
    if node and (node.is_on or not node.value):
        yield node


MYSQL = Service(
    name="mysql",
    paths=pattern(
        r"(?:.*/)?\.?(?:my|mysqld|mariadb|mysql)\.cnf | (?:.*/)?(?:mysql|mariadb|my\.cnf\.d)/(?:.*/)?[^/]+\.cnf"
    ),
    roots=pattern(r"(?:.*/)?\.?my\.cnf"),
    includes=frozenset({"!include", "!includedir"}),
    read=_read,
    programs=frozenset({"mysqld", "mariadbd"}),
    environment=variables(*_EMPTY),
    keep=pattern(
        r"""skip-grant-tables|tls-version|secure-file-priv|local-infile|skip-ssl|ssl|require-secure-transport
        |default-authentication-plugin|old-passwords | \$(?:MYSQL|MARIADB)_ALLOW_EMPTY\w*"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-no-grants",
                Severity.CRITICAL,
                "MySQL checks no permissions",
                "With `skip-grant-tables` whoever reaches the server does everything without a password.",
                "Remove `skip-grant-tables`.",
                "CWE-306",
            ),
            _skips_grants,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-empty-password",
                Severity.HIGH,
                "The image sets MySQL up with an empty root password",
                "A new database is made whose administrator needs no password.",
                "Leave the variable out; give MYSQL_ROOT_PASSWORD_FILE when the container starts.",
                "CWE-258",
            ),
            each(lambda node: node.value != "", *(f"${name}" for name in _EMPTY)),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-no-tls",
                Severity.MEDIUM,
                "MySQL's TLS is switched off",
                "Queries, their results and passwords of some plugins travel in clear text.",
                "Remove `skip-ssl` and write `require_secure_transport = ON`.",
                "CWE-319",
            ),
            lambda configuration: [
                *(node for node in configuration.named("skip-ssl") if node.is_on or not node.value),
                *last_is_off("ssl")(configuration),
            ],
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-files",
                Severity.MEDIUM,
                "MySQL reads and writes files anywhere",
                "With an empty `secure_file_priv` a query can read or write any file the server can.",
                "Write `secure_file_priv = /var/lib/mysql-files`.",
                "CWE-73",
            ),
            last_has(is_one_of(""), "secure-file-priv"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-local-infile",
                Severity.LOW,
                "MySQL asks clients for their files",
                "`LOAD DATA LOCAL` is on: a query can take files of the machine its client runs on.",
                "Write `local_infile = 0`.",
                "CWE-73",
            ),
            last_is_on("local-infile"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mysql-weak-authentication",
                Severity.LOW,
                "MySQL stores passwords with SHA-1 or older",
                "Stolen hashes of `mysql_native_password` and of old passwords are quickly guessed.",
                "Write `default_authentication_plugin = caching_sha2_password`.",
                "CWE-328",
            ),
            lambda configuration: [
                *last_has(is_one_of("mysql_native_password"), "default-authentication-plugin")(configuration),
                *last_is_on("old-passwords")(configuration),
            ],
        ),
        old_tls("mysql", "MySQL", "tls_version = TLSv1.2,TLSv1.3", last_has(names_old_tls, "tls-version")),
    ),
)
"""The row of MySQL and MariaDB."""
