"""Prometheus: flags, its own file and that of its web server.

https://prometheus.io/docs/prometheus/latest/configuration/
"""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import (
    each_ending,
    is_local,
    last_has,
    last_is_on,
    names_old_tls,
    names_weak_cipher,
)
from deadlight.scanner.exposures.services.formats.documents import read_yaml
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers


def _open_server(configuration: Configuration) -> Iterator[Node]:
    """Without a file for the web server there is no authentication; the default address is that of all interfaces."""
    program = configuration.first("program")
    address = configuration.last("web.listen-address")
    if program and not configuration.named("web.config.file") and not (address and is_local(address.value)):
        yield address or program


def _weak_ciphers(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.nodes:
        if node.name.startswith("tls_server_config.cipher_suites.") and names_weak_cipher(node.value):
            yield node


PROMETHEUS = Service(
    name="prometheus",
    paths=pattern(r"(?:.*/)?prometheus[^/]*\.ya?ml | (?:.*/)?prometheus/[^/]+\.ya?ml | (?:.*/)?web-config\.ya?ml"),
    read=lambda _, text: read_yaml(text),
    programs=frozenset({"prometheus"}),
    keep=pattern(
        r"""web\.(?:enable-admin-api|enable-lifecycle|listen-address|config\.file|cors\.origin)
        | (?:.*\.)?insecure_skip_verify | tls_server_config\.(?:min_version|cipher_suites\.\d+)"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-prometheus-admin-api",
                Severity.HIGH,
                "Prometheus' administration is switched on",
                "Whoever reaches the server can delete series and take snapshots of all its data.",
                "Leave out `--web.enable-admin-api`.",
                "CWE-306",
            ),
            last_is_on("web.enable-admin-api"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-prometheus-lifecycle",
                Severity.MEDIUM,
                "Prometheus can be stopped over HTTP",
                "Whoever reaches the server can reload its configuration and shut it down.",
                "Leave out `--web.enable-lifecycle`, or guard the server with `--web.config.file`.",
                "CWE-306",
            ),
            last_is_on("web.enable-lifecycle"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-prometheus-open",
                Severity.MEDIUM,
                "Prometheus answers everybody",
                "It listens beyond the machine without authentication: metrics, targets and flags are open.",
                "Write `--web.config.file=web.yml` with `basic_auth_users`, or `--web.listen-address=127.0.0.1:9090`.",
                "CWE-306",
            ),
            _open_server,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-prometheus-unverified",
                Severity.LOW,
                "Prometheus does not verify what it scrapes",
                "With `insecure_skip_verify` anybody between can answer, and receives the credentials that are sent.",
                "Write `ca_file: ...` in place of `insecure_skip_verify: true`.",
                "CWE-295",
            ),
            each_ending(lambda node: node.is_on, "insecure_skip_verify"),
            spares_shipped=True,
        ),
        old_tls(
            "prometheus",
            "Prometheus",
            "min_version: TLS12",
            last_has(names_old_tls, "tls_server_config.min_version"),
        ),
        weak_ciphers(
            "prometheus", "Prometheus", "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", _weak_ciphers
        ),
    ),
)
"""The row of Prometheus."""
