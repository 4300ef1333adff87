"""MongoDB (https://www.mongodb.com/docs/manual/reference/configuration-options/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import is_local, is_one_of, last_has, last_is_on
from deadlight.scanner.exposures.services.formats.documents import read_yaml
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting

_OLD_FORM = {"bind_ip": "net.bindIp", "auth": "auth", "noauth": "noauth"}


def _read(_: str, text: str) -> Iterator[Setting]:
    """YAML, or before 2.6 `name = value`."""
    assignments = list(read_assignments(text))
    if any(setting.name in _OLD_FORM for setting in assignments):
        for setting in assignments:
            yield Setting(_OLD_FORM.get(setting.name, setting.name), setting.values, setting.line)
    else:
        yield from read_yaml(text)


def _open(configuration: Configuration) -> Iterator[Node]:
    authorization = configuration.last("security.authorization")
    checked = bool(authorization and authorization.is_on) or bool(list(last_is_on("auth")(configuration)))
    for refused in configuration.named("noauth"):
        checked = checked and refused.is_off
    addresses = configuration.last("net.bindIp", "bind_ip")
    everywhere = configuration.last("net.bindIpAll", "bind_ip_all")
    keys = configuration.named("security.keyFile", "keyFile")  # which switches authorization on
    if checked or keys:
        return
    if everywhere and everywhere.is_on:
        yield everywhere
    elif addresses and not all(is_local(one.strip()) for one in addresses.value.split(",")):
        yield addresses


MONGODB = Service(
    name="mongodb",
    paths=pattern(r"(?:.*/)?(?:mongod|mongodb|mongos)[^/]*\.(?:conf|ya?ml|cfg)"),
    read=_read,
    programs=frozenset({"mongod"}),
    keep=pattern(
        r"""security\.(?:authorization|keyFile)|keyFile|auth|noauth|net\.bindIp(?:All)?|bind_ip(?:_all)?
        |net\.(?:tls|ssl)\.(?:mode|allowInvalidCertificates|allowInvalidHostnames)|tlsAllowInvalidCertificates"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-mongodb-open",
                Severity.HIGH,
                "MongoDB answers everybody",
                "It listens beyond the machine and checks no user: whoever reaches the port reads and writes all data.",
                "Write `security: authorization: enabled`, or `net: bindIp: 127.0.0.1`.",
                "CWE-306",
            ),
            _open,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mongodb-unverified",
                Severity.MEDIUM,
                "MongoDB accepts certificates nobody vouches for",
                "Certificates are not verified, so anybody between can be a member or a client.",
                "Remove `allowInvalidCertificates`.",
                "CWE-295",
            ),
            last_is_on(
                "net.tls.allowInvalidCertificates", "net.ssl.allowInvalidCertificates", "tlsAllowInvalidCertificates"
            ),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-mongodb-no-tls",
                Severity.LOW,
                "MongoDB takes connections without TLS",
                "TLS is off, or optional, by name: queries and their results can travel in clear text.",
                "Write `net: tls: mode: requireTLS`.",
                "CWE-319",
            ),
            last_has(is_one_of("disabled", "allowtls", "allowssl"), "net.tls.mode", "net.ssl.mode"),
        ),
    ),
)
"""The row of MongoDB."""
