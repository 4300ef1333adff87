"""Apache Tomcat (https://tomcat.apache.org/tomcat-10.1-doc/config/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_local, names_old_tls
from deadlight.scanner.exposures.services.formats.documents import read_xml
from deadlight.scanner.exposures.services.keeping import WELL_KNOWN
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls


def _attribute(node: Node, name: str) -> str | None:
    return next((value.partition("=")[2] for value in node.values if value.startswith(f"{name}=")), None)


def _open_ajp(configuration: Configuration) -> Iterator[Node]:
    """Since 9.0.31 AJP listens on loopback and wants a secret, unless told otherwise."""
    for node in configuration.named("Connector"):
        address, wanted = _attribute(node, "address"), _attribute(node, "secretRequired")
        speaks = "ajp" in (_attribute(node, "protocol") or "").lower()
        is_local_only = address is None or is_local(address)
        if speaks and wanted == "false" and not is_local_only:
            yield node


def _parameters(configuration: Configuration, name: str, value: str) -> Iterator[Node]:
    """`<init-param><param-name>name</param-name><param-value>value</param-value></init-param>`."""
    for node in configuration.named("param-name"):
        if _attribute(node, "text") == name:
            beside = configuration.inside(node.parent, "param-value")
            yield from (one for one in beside if (_attribute(one, "text") or "").lower() == value)


def _old_tls(configuration: Configuration) -> Iterator[Node]:
    names = ("protocols", "sslEnabledProtocols", "sslProtocol")
    for node in configuration.named("SSLHostConfig", "Connector"):
        if any(names_old_tls(_attribute(node, name) or "") for name in names):
            yield node


TOMCAT = Service(
    name="tomcat",
    paths=pattern(r"(?:.*/)?(?:conf|tomcat\d*)/(?:server|tomcat-users|web)\.xml"),
    read=lambda _, text: read_xml(text),
    keep=pattern("Connector|SSLHostConfig|user|init-param|param-name|param-value"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-tomcat-default-password",
                Severity.CRITICAL,
                "Tomcat has a user with a well-known password",
                "The password is one that anybody tries first; a manager can run code.",
                "Remove the user from `tomcat-users.xml`, or give it a long random password from outside the image.",
                "CWE-1392",
            ),
            each(lambda node: _attribute(node, "password") == WELL_KNOWN, "user"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-tomcat-open-ajp",
                Severity.HIGH,
                "Tomcat speaks AJP with everybody",
                "Whoever reaches the AJP port reads files of the application and can often run code.",
                'Write `secretRequired="true" secret="..."`, or `address="127.0.0.1"`.',
                "CWE-288",
            ),
            _open_ajp,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-tomcat-writable",
                Severity.HIGH,
                "Tomcat lets anybody write files",
                "The default servlet takes PUT and DELETE: uploaded pages run as code.",
                "Write `<param-value>true</param-value>` for `readonly`.",
                "CWE-434",
            ),
            lambda configuration: _parameters(configuration, "readonly", "false"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-tomcat-listings",
                Severity.MEDIUM,
                "Tomcat lists folders",
                "A folder without an index page shows the names of all its files.",
                "Write `<param-value>false</param-value>` for `listings`.",
                "CWE-548",
            ),
            lambda configuration: _parameters(configuration, "listings", "true"),
        ),
        old_tls("tomcat", "Tomcat", 'protocols="TLSv1.2+TLSv1.3"', _old_tls),
    ),
)
"""The row of Tomcat."""
