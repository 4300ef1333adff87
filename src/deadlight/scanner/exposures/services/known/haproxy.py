"""HAProxy (https://docs.haproxy.org/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_local, is_well_known, names_old_tls, names_weak_cipher
from deadlight.scanner.exposures.services.formats.lines import word_lines
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting
from deadlight.scanner.exposures.services.tls_rules import old_tls, weak_ciphers

_read = word_lines(
    sections=("global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist", "program"),
    comment=" #",
)


def _split_passwords(settings: Iterator[Setting]) -> Iterator[Setting]:
    """`stats auth USER:PASSWORD` under a name of its own, for it is masked."""
    for setting in settings:
        if setting.name == "stats" and setting.values[:1] == ("auth",):
            yield Setting("stats auth", setting.values[1:], setting.line, setting.parent)
        else:
            yield setting


def _open_stats(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("stats"):
        beside = configuration.inside(node.parent, "stats", "stats auth", "acl", "http-request")
        guarded = any(one.name != "stats" or one.values[:1] == ("http-request",) for one in beside)
        binds = configuration.inside(node.parent, "bind")
        is_bound = bool(binds) and all(bind.values and is_local(bind.values[0]) for bind in binds)
        if node.values[:1] in {("enable",), ("uri",)} and node.parent and not guarded and not is_bound:
            yield node
            return


def _remote_socket(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("stats"):
        is_remote = (
            ":" in node.value and not is_local(node.values[1].removeprefix("ipv4@")) if node.values[1:] else False
        )
        if node.values[:1] == ("socket",) and is_remote and not node.values[1].startswith(("/", "unix@", "fd@")):
            yield node


def _old_tls(configuration: Configuration) -> Iterator[Node]:
    for node in configuration.named("bind", "server", "ssl-default-bind-options", "ssl-default-server-options"):
        words = list(node.values)
        lowest = words[words.index("ssl-min-ver") + 1 :][:1] if "ssl-min-ver" in words else []
        if (lowest and names_old_tls(lowest[0])) or {"force-sslv3", "force-tlsv10", "force-tlsv11"} & set(words):
            yield node


def _weak_ciphers(configuration: Configuration) -> Iterator[Node]:
    yield from each(lambda node: names_weak_cipher(node.value), "ssl-default-bind-ciphers")(configuration)


def _unverified(node: Node) -> bool:
    words = list(node.values)
    return "verify" in words and words[words.index("verify") + 1 :][:1] == ["none"]


def _default_password(configuration: Configuration) -> Iterator[Node]:
    yield from (node for node in configuration.named("stats auth") if is_well_known(node.value))


HAPROXY = Service(
    name="haproxy",
    paths=pattern(r"(?:.*/)?haproxy[^/]*\.cfg | (?:.*/)?haproxy/(?:.*/)?[^/]+\.cfg"),
    read=lambda _, text: _split_passwords(_read(text)),
    keep=pattern(
        r"""frontend|backend|listen|defaults|global|stats|stats[ ]auth|acl|http-request|bind|server
        |ssl-default-bind-options|ssl-default-server-options|ssl-default-bind-ciphers"""
    ),
    secret=pattern("stats[ ]auth"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-haproxy-open-stats",
                Severity.MEDIUM,
                "HAProxy shows its statistics to everybody",
                "All backends can be looked at without a password, and changed where `stats admin` is set.",
                "Write `stats auth USER:PASSWORD`, or bind the page to 127.0.0.1.",
                "CWE-306",
            ),
            _open_stats,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-haproxy-default-password",
                Severity.HIGH,
                "HAProxy's statistics have a well-known password",
                "The password is one that anybody tries first.",
                "Give `stats auth` a long random password, from a variable of the environment.",
                "CWE-1392",
            ),
            _default_password,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-haproxy-remote-socket",
                Severity.HIGH,
                "HAProxy takes commands over the network",
                "The runtime API has no authentication; whoever reaches it takes servers out and reads tables.",
                "Write `stats socket /run/haproxy/admin.sock mode 660 level admin`.",
                "CWE-306",
            ),
            _remote_socket,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-haproxy-upstream-unverified",
                Severity.LOW,
                "HAProxy does not verify what it proxies to",
                "With `verify none` anybody between can answer for the backend.",
                "Write `verify required ca-file FILE`.",
                "CWE-295",
            ),
            each(_unverified, "server", "ssl-default-server-options"),
        ),
        old_tls("haproxy", "HAProxy", "ssl-default-bind-options ssl-min-ver TLSv1.2", _old_tls),
        weak_ciphers("haproxy", "HAProxy", "ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20", _weak_ciphers),
    ),
)
"""The row of HAProxy."""
