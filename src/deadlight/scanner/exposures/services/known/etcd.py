"""etcd: its file, its flags and its variables have the same names.

https://etcd.io/docs/latest/op-guide/configuration/
"""

from collections.abc import Callable, Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import Find, is_local, last_is_on
from deadlight.scanner.exposures.services.formats.documents import read_yaml
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern, prefixed
from deadlight.scanner.exposures.services.setting import Setting

_of_variable = prefixed("ETCD_")


def _read(path: str, text: str) -> Iterator[Setting]:
    """YAML, or the variables of a unit's environment file."""
    if not path.endswith(("default/etcd", "etcd.env")) and "ETCD_" not in text:
        yield from read_yaml(text)
        return
    for setting in read_assignments(text):
        if name := _of_variable(setting.name):
            yield Setting(name, setting.values, setting.line)


def _beyond(scheme: str, name: str) -> Callable[[Configuration], Iterator[Node]]:
    """The list of URLs of a name, where one of them has the scheme and can be reached from elsewhere."""

    def find(configuration: Configuration) -> Iterator[Node]:
        node = configuration.last(name)
        urls = node.value.split(",") if node else []
        if node and any(url.strip().startswith(scheme) and not is_local(url.strip()) for url in urls):
            yield node

    return find


def _unless(find: Find, *names: str) -> Find:
    """What is found where the last setting of these names does not say yes."""
    return lambda configuration: () if list(last_is_on(*names)(configuration)) else find(configuration)


ETCD = Service(
    name="etcd",
    paths=pattern(r"(?:.*/)?etcd(?:\.conf)?\.(?:ya?ml|conf|env) | etc/default/etcd | (?:.*/)?etcd/[^/]+\.ya?ml"),
    read=_read,
    programs=frozenset({"etcd"}),
    environment=_of_variable,
    keep=pattern(
        r"""listen-(?:client|peer)-urls | client-cert-auth | auto-tls | peer-auto-tls | peer-client-cert-auth
        | (?:client|peer)-transport-security\.(?:client-cert-auth|auto-tls)"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-etcd-plain-clients",
                Severity.HIGH,
                "etcd serves clients without TLS or authentication",
                "The store, which often holds a cluster's secrets, is read and written by whoever reaches the port.",
                "Write `listen-client-urls: https://...` with `client-transport-security: client-cert-auth: true`.",
                "CWE-306",
            ),
            _beyond("http://", "listen-client-urls"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-etcd-no-client-auth",
                Severity.MEDIUM,
                "etcd asks clients for no certificate",
                "Traffic is encrypted, but every client is taken, unless etcd's own users are on.",
                "Write `client-cert-auth: true` under `client-transport-security`.",
                "CWE-306",
            ),
            _unless(
                _beyond("https://", "listen-client-urls"),
                "client-cert-auth",
                "client-transport-security.client-cert-auth",
            ),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-etcd-plain-peers",
                Severity.MEDIUM,
                "etcd speaks with its peers without TLS",
                "Whoever reaches the port of peers can join or read what is replicated.",
                "Write `listen-peer-urls: https://...` with `peer-transport-security: client-cert-auth: true`.",
                "CWE-319",
            ),
            _beyond("http://", "listen-peer-urls"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-etcd-self-signed",
                Severity.LOW,
                "etcd makes its own certificates",
                "Certificates made at start prove nothing to a client: who stands between can read all.",
                "Write `auto-tls: false` and give it a certificate.",
                "CWE-295",
            ),
            last_is_on("auto-tls", "client-transport-security.auto-tls"),
        ),
    ),
)
"""The row of etcd."""
