"""nginx (https://nginx.org/en/docs/dirindex.html)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_local, names_old_tls, names_weak_cipher
from deadlight.scanner.exposures.services.formats.blocks import read_blocks
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers

_GUARDS = ("allow", "deny", "auth_basic", "auth_request", "auth_jwt", "internal")


def _speaks_tls(configuration: Configuration) -> bool:
    listens = any({"ssl", "quic", "http2"} & set(node.values) for node in configuration.named("listen"))
    return listens or any(node.is_on for node in configuration.named("ssl"))


def _old_tls(configuration: Configuration) -> Iterator[Node]:
    if _speaks_tls(configuration):
        yield from each(lambda node: names_old_tls(node.value), "ssl_protocols")(configuration)


def _weak_ciphers(configuration: Configuration) -> Iterator[Node]:
    if _speaks_tls(configuration):
        yield from each(lambda node: names_weak_cipher(node.value), "ssl_ciphers")(configuration)


def _is_guarded(configuration: Configuration, node: Node) -> bool:
    guards = configuration.reaching(node, *_GUARDS)
    return any(guard.value not in {"off", "all"} or guard.name in {"deny", "internal"} for guard in guards)


def _listens_only_locally(configuration: Configuration, node: Node) -> bool:
    server = next((block for block in node.around() if block.name == "server"), None)
    listens = configuration.inside(server, "listen") if server else []
    return bool(listens) and all(is_local(listen.values[0]) for listen in listens if listen.values)


def _open_status(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("stub_status", "status", "api"):
        if node.parent and not _is_guarded(configuration, node) and not _listens_only_locally(configuration, node):
            yield node


def _alias_traversal(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("alias"):
        location = node.parent
        if location and location.name == "location" and _is_open_prefix(location.values) and node.value.endswith("/"):
            yield node


def _is_open_prefix(values: tuple[str, ...]) -> bool:
    """Whether a location matches by prefix (no modifier, or `^~`) and its prefix does not end with a slash."""
    return (len(values) == 1 or values[:1] == ("^~",)) and not values[-1].endswith("/")


def _open_uploads(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("dav_methods"):
        limited = configuration.reaching(node, "limit_except")
        if node.value not in {"", "off"} and not limited and not _is_guarded(configuration, node):
            yield node


NGINX = Service(
    name="nginx",
    paths=pattern(r"(?:.*/)?nginx/(?:.*/)?[^/]+\.conf | (?:.*/)?(?:nginx|freenginx)\.conf | etc/nginx/sites-\w+/[^/]+"),
    roots=pattern(r"(?:.*/)?nginx\.conf"),
    includes=frozenset({"include"}),
    read=lambda _, text: read_blocks(text),
    keep=pattern(
        r"""http|server|location|limit_except|if|listen|ssl|ssl_protocols|ssl_ciphers|autoindex|stub_status|status|api
        |allow|deny|auth_basic|auth_request|auth_jwt|internal|server_tokens|alias|proxy_ssl_verify|dav_methods"""
    ),
    rules=(
        old_tls("nginx", "nginx", "ssl_protocols TLSv1.2 TLSv1.3;", _old_tls),
        weak_ciphers("nginx", "nginx", "ssl_ciphers HIGH:!aNULL:!MD5:!3DES;", _weak_ciphers),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-autoindex",
                Severity.MEDIUM,
                "nginx lists folders",
                "A folder without an index page shows the names of all its files, also of those no page links to.",
                "Write `autoindex off;`, or guard the location with `auth_basic`.",
                "CWE-548",
            ),
            each(lambda node: node.is_on, "autoindex"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-open-status",
                Severity.LOW,
                "nginx shows its status to everybody",
                "The status page, or with nginx Plus its API, answers without authentication or a list of addresses.",
                "Write `allow 127.0.0.1; deny all;` into its location.",
                "CWE-200",
            ),
            _open_status,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-alias-traversal",
                Severity.HIGH,
                "An nginx alias leads out of its folder",
                "The location does not end with a slash but its alias does: `/location../` reaches the folder above.",
                "End both with a slash, or neither: `location /files/ { alias /data/files/; }`.",
                "CWE-22",
            ),
            _alias_traversal,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-open-uploads",
                Severity.HIGH,
                "nginx lets anybody write files",
                "WebDAV methods are allowed without authentication or a list of addresses.",
                "Write `limit_except GET { auth_basic ...; }` around them, or `dav_methods off;`.",
                "CWE-306",
            ),
            _open_uploads,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-upstream-unverified",
                Severity.LOW,
                "nginx does not verify what it proxies to",
                "Verification of the upstream's certificate is switched off by name, so anybody between can answer.",
                "Write `proxy_ssl_verify on;` with `proxy_ssl_trusted_certificate`.",
                "CWE-295",
            ),
            each(lambda node: node.is_off, "proxy_ssl_verify"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-nginx-server-tokens",
                Severity.LOW,
                "nginx tells its version",
                "Answers and error pages name the exact version, which tells which vulnerabilities to try.",
                "Write `server_tokens off;`.",
                "CWE-200",
            ),
            each(lambda node: node.is_on or node.value == "build", "server_tokens"),
            spares_shipped=True,
        ),
    ),
)
"""The row of nginx."""
