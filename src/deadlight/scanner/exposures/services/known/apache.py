"""Apache httpd (https://httpd.apache.org/docs/2.4/mod/directives.html)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_one_of, names_weak_cipher
from deadlight.scanner.exposures.services.formats.lines import read_sections
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers

_HANDLERS = frozenset({"server-status", "server-info", "ldap-status", "balancer-manager"})
_OLD = ("sslv2", "sslv3", "tlsv1", "tlsv1.1")


def _allows_old_tls(values: tuple[str, ...]) -> bool:
    """mod_ssl takes the words in order: `all` and names switch on, a leading minus switches off."""
    allowed: set[str] = set()
    for word in (value.lower() for value in values):
        names = set(_OLD[2:]) if word.lstrip("+-") == "all" else {word.lstrip("+-")} & set(_OLD)
        allowed = allowed - names if word.startswith("-") else allowed | names
    return bool(allowed)


def _in_use(configuration: Configuration, nodes: list[Node]) -> Iterator[Node]:
    """Settings of TLS, where TLS is switched on; what came with a package may well not be loaded."""
    engines = [node for node in configuration.named("sslengine") if node.is_on]
    own = any(not engine.is_shipped for engine in engines)
    yield from (node for node in nodes if engines and (own or not node.is_shipped))


def _old_tls(configuration: Configuration) -> Iterator[Node]:
    nodes = [node for node in configuration.named("sslprotocol") if _allows_old_tls(node.values)]
    yield from _in_use(configuration, nodes)


def _weak_ciphers(configuration: Configuration) -> Iterator[Node]:
    nodes = [node for node in configuration.named("sslciphersuite") if names_weak_cipher(node.value)]
    yield from _in_use(configuration, nodes)


def _open_status(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("sethandler"):
        if node.value.lower() in _HANDLERS and not _is_guarded(configuration, node):
            yield node


def _is_guarded(configuration: Configuration, node: Node) -> bool:
    guards = configuration.inside(node.parent, "require", "deny", "requireany", "requireall", "authtype")
    return any(guard.value.lower() != "all granted" for guard in guards)


def _lists_folders(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("options"):
        words = {word.lower().lstrip("+") for word in node.values}
        if words & {"indexes", "all"}:
            yield node


APACHE = Service(
    name="apache",
    paths=pattern(
        r"""(?:.*/)?(?:apache2?|httpd)/(?:.*/)?[^/]+\.(?:conf|load) | (?:.*/)?(?:httpd|apache2)\.conf
        | (?:.*/)?\.htaccess"""
    ),
    roots=pattern(r"(?:.*/)?(?:httpd|apache2)\.conf | (?:.*/)?\.htaccess"),
    includes=frozenset({"include", "includeoptional"}),
    read=lambda _, text: read_sections(text),
    keep=pattern(
        r"""virtualhost|directory|directorymatch|location|locationmatch|files|filesmatch|ifmodule|ifdefine|sslengine
        |sslprotocol|sslciphersuite|options|sethandler|require|requireany|requireall|deny|authtype|servertokens
        |traceenable|proxyrequests|sslproxyverify|sslproxycheckpeername"""
    ),
    rules=(
        old_tls("apache", "Apache httpd", "SSLProtocol -all +TLSv1.2 +TLSv1.3", _old_tls),
        weak_ciphers("apache", "Apache httpd", "SSLCipherSuite HIGH:!aNULL:!MD5:!3DES", _weak_ciphers),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-indexes",
                Severity.MEDIUM,
                "Apache httpd lists folders",
                "A folder without an index page shows the names of all its files, also of those no page links to.",
                "Write `Options -Indexes`.",
                "CWE-548",
            ),
            _lists_folders,
            spares_shipped=True,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-open-status",
                Severity.MEDIUM,
                "Apache httpd shows status or administration to everybody",
                "A handler that shows requests or the configuration, or manages backends, has no guard.",
                "Write `Require local` into its location.",
                "CWE-306",
            ),
            _open_status,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-open-proxy",
                Severity.HIGH,
                "Apache httpd is an open proxy",
                "Forward proxying is on: whoever reaches the server reaches whatever it reaches, under its address.",
                "Write `ProxyRequests Off`; reverse proxying does not need it.",
                "CWE-441",
            ),
            each(lambda node: node.is_on, "proxyrequests"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-upstream-unverified",
                Severity.LOW,
                "Apache httpd does not verify what it proxies to",
                "Verification of the backend's certificate is switched off by name, so anybody between can answer.",
                "Write `SSLProxyVerify require` and `SSLProxyCheckPeerName on`.",
                "CWE-295",
            ),
            each(lambda node: node.is_off or node.value.lower() == "none", "sslproxyverify", "sslproxycheckpeername"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-trace",
                Severity.LOW,
                "Apache httpd answers TRACE",
                "TRACE repeats a request's headers, cookies included, to scripts that may not read them.",
                "Write `TraceEnable Off`.",
                "CWE-693",
            ),
            each(lambda node: node.is_on or node.value.lower() == "extended", "traceenable"),
            spares_shipped=True,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-apache-server-tokens",
                Severity.LOW,
                "Apache httpd tells its version",
                "Answers name the exact version and modules, which tells which vulnerabilities to try.",
                "Write `ServerTokens Prod`.",
                "CWE-200",
            ),
            each(lambda node: is_one_of("full", "os", "min", "minimal")(node.value), "servertokens"),
            spares_shipped=True,
        ),
    ),
)
"""The row of Apache httpd."""
