"""Elasticsearch and OpenSearch (https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import last_is_off, last_is_on
from deadlight.scanner.exposures.services.formats.documents import read_yaml
from deadlight.scanner.exposures.services.service import Rule, Service, pattern


def _setting_of_variable(name: str) -> str:
    """Variables with dots are settings themselves, as the images read them."""
    if name in {"DISABLE_SECURITY_PLUGIN", "plugins.security.disabled"}:
        return "plugins.security.disabled"
    return name if name.startswith(("xpack.", "http.", "plugins.")) else ""


def _open_to_pages(configuration: Configuration) -> Iterator[Node]:
    origin = configuration.last("http.cors.allow-origin")
    if origin and origin.value in {"*", "/.*/"} and list(last_is_on("http.cors.enabled")(configuration)):
        yield origin


ELASTICSEARCH = Service(
    name="elasticsearch",
    paths=pattern(r"(?:.*/)?(?:elasticsearch|opensearch)\.ya?ml"),
    read=lambda _, text: read_yaml(text),
    programs=frozenset({"elasticsearch", "opensearch"}),
    environment=_setting_of_variable,
    keep=pattern(
        r"""xpack\.security\.(?:enabled|(?:http|transport)\.ssl\.enabled)|plugins\.security\.(?:disabled|ssl\.http\.enabled)
        |http\.cors\.(?:enabled|allow-origin)"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-elasticsearch-no-security",
                Severity.HIGH,
                "Elasticsearch checks no user",
                "Security is switched off by name: whoever reaches the port reads, changes and deletes all indices.",
                "Write `xpack.security.enabled: true`; for OpenSearch remove `plugins.security.disabled`.",
                "CWE-306",
            ),
            lambda configuration: [
                *last_is_off("xpack.security.enabled")(configuration),
                *last_is_on("plugins.security.disabled")(configuration),
            ],
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-elasticsearch-no-tls",
                Severity.MEDIUM,
                "Elasticsearch serves HTTP without TLS",
                "TLS is switched off by name: passwords and documents travel in clear text.",
                "Write `xpack.security.http.ssl.enabled: true`.",
                "CWE-319",
            ),
            lambda configuration: [
                *last_is_off("xpack.security.http.ssl.enabled")(configuration),
                *last_is_off("plugins.security.ssl.http.enabled")(configuration),
            ],
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-elasticsearch-cors",
                Severity.MEDIUM,
                "Elasticsearch answers scripts of any web page",
                "A page that somebody inside the network opens can query the indices.",
                "Name the origins in `http.cors.allow-origin`.",
                "CWE-942",
            ),
            _open_to_pages,
        ),
    ),
)
"""The row of Elasticsearch and OpenSearch."""
