"""Envoy's bootstrap (https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/bootstrap)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each_ending, is_local, names_old_tls, names_weak_cipher
from deadlight.scanner.exposures.services.formats.documents import read_json, read_yaml
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers


def _open_admin(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("admin.address.socket_address.address", "admin.address.socketAddress.address"):
        if not is_local(node.value):
            yield node


def _weak_ciphers(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.nodes:
        if ("cipher_suites." in node.name or "cipherSuites." in node.name) and names_weak_cipher(node.value):
            yield node


ENVOY = Service(
    name="envoy",
    paths=pattern(r"(?:.*/)?envoy[^/]*\.(?:ya?ml|json) | (?:.*/)?envoy/[^/]+\.(?:ya?ml|json)"),
    read=lambda path, text: read_json(text) if path.endswith(".json") else read_yaml(text),
    keep=pattern(
        r"""admin\.address\.socket_?[aA]ddress\.address
        | (?:.*\.)?(?:tls_minimum_protocol_version|tlsMinimumProtocolVersion|trust_chain_verification
        |trustChainVerification) | (?:.*\.)?(?:cipher_suites|cipherSuites)\.\d+"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-envoy-open-admin",
                Severity.HIGH,
                "Envoy's administration listens beyond the machine",
                "The administration interface has no authentication; it shows secrets' names and configuration and can "
                "stop the proxy.",
                "Write `address: 127.0.0.1` under `admin.address.socket_address`.",
                "CWE-306",
            ),
            _open_admin,
        ),
        old_tls(
            "envoy",
            "Envoy",
            "tls_minimum_protocol_version: TLSv1_2",
            each_ending(
                lambda node: names_old_tls(node.value), "tls_minimum_protocol_version", "tlsMinimumProtocolVersion"
            ),
        ),
        weak_ciphers("envoy", "Envoy", "cipher_suites: [ECDHE-ECDSA-AES128-GCM-SHA256]", _weak_ciphers),
        Rule(
            RuleText(
                "EXP-SERVICE-envoy-untrusted",
                Severity.MEDIUM,
                "Envoy accepts certificates nobody vouches for",
                "`ACCEPT_UNTRUSTED` lets a peer through whose certificate failed verification.",
                "Leave `trust_chain_verification` out.",
                "CWE-295",
            ),
            each_ending(
                lambda node: node.value == "ACCEPT_UNTRUSTED", "trust_chain_verification", "trustChainVerification"
            ),
        ),
    ),
)
"""The row of Envoy."""
