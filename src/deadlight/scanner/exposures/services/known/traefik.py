"""Traefik (https://doc.traefik.io/traefik/reference/install-configuration/configuration-options/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each_ending, names_old_tls
from deadlight.scanner.exposures.services.formats.documents import read_toml, read_yaml
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting
from deadlight.scanner.exposures.services.tls_rules import old_tls


def _read(path: str, text: str) -> Iterator[Setting]:
    """YAML or TOML; names of settings do not heed case."""
    for setting in read_toml(text) if path.endswith(".toml") else read_yaml(text):
        yield Setting(setting.name.lower(), setting.values, setting.line)


def _open_api(configuration: Configuration) -> Iterator[Node]:
    node = configuration.last("api.insecure")
    if node and node.is_on:
        yield node


def _setting_of_variable(name: str) -> str:
    return name.removeprefix("TRAEFIK_").lower().replace("_", ".") if name.startswith("TRAEFIK_") else ""


TRAEFIK = Service(
    name="traefik",
    paths=pattern(r"(?:.*/)?traefik[^/]*\.(?:ya?ml|toml) | (?:.*/)?traefik/(?:.*/)?[^/]+\.(?:ya?ml|toml)"),
    read=_read,
    programs=frozenset({"traefik"}),
    environment=_setting_of_variable,
    keep=pattern(r"api\.insecure | (?:.*\.)?(?:insecureskipverify|minversion|forwardedheaders\.insecure)"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-traefik-open-api",
                Severity.HIGH,
                "Traefik's API answers everybody",
                "Dashboard and API listen without authentication and show the whole configuration.",
                "Write `api: insecure: false`, and route `api@internal` through a middleware that authenticates.",
                "CWE-306",
            ),
            _open_api,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-traefik-unverified",
                Severity.MEDIUM,
                "Traefik does not verify what it proxies to",
                "With `insecureSkipVerify` anybody between can answer for the backend.",
                "Write `rootCAs` in place of `insecureSkipVerify: true`.",
                "CWE-295",
            ),
            each_ending(lambda node: node.is_on, "insecureskipverify"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-traefik-forwarded-headers",
                Severity.LOW,
                "Traefik believes every client's forwarded headers",
                "Clients choose the address that backends see, past rules that go by it.",
                "Write `forwardedHeaders: trustedIPs: [...]`.",
                "CWE-348",
            ),
            each_ending(lambda node: node.is_on, "forwardedheaders.insecure"),
        ),
        old_tls(
            "traefik",
            "Traefik",
            "minVersion: VersionTLS12",
            each_ending(lambda node: names_old_tls(node.value.lower().removeprefix("version")), "minversion"),
        ),
    ),
)
"""The row of Traefik."""
