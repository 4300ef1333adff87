"""Memcached: nothing but flags, in the command or in a file of one a line.

https://docs.memcached.org/serverguide/configuring/
"""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_local
from deadlight.scanner.exposures.services.formats.lines import word_lines
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting

_read_words = word_lines(first="flag")


def _read(_: str, text: str) -> Iterator[Setting]:
    """`-l 127.0.0.1` a line; the file is there when the service is."""
    for setting in _read_words(text):
        yield Setting(setting.values[0].lstrip("-"), setting.values[1:] or ("true",), setting.line)


def _open(configuration: Configuration) -> Iterator[Node]:
    """Without `-l` it listens on all interfaces; `-S` and `-Y` ask for a password."""
    listens = configuration.named("l", "listen")
    start = configuration.first("program")
    if configuration.named("S", "enable-sasl", "Y", "auth-file", "s", "unix-socket"):
        return
    if listens and not all(is_local(one) for one in listens[-1].value.split(",")):
        yield listens[-1]
    elif start and not listens:
        yield start


MEMCACHED = Service(
    name="memcached",
    paths=pattern(r"etc/memcached\.conf"),
    read=_read,
    programs=frozenset({"memcached"}),
    keep=pattern("l|listen|S|enable-sasl|Y|auth-file|U|udp-port|s|unix-socket"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-memcached-open",
                Severity.MEDIUM,
                "Memcached answers everybody",
                "It listens beyond the machine without a password: whoever reaches it reads and writes the cache.",
                "Write `-l 127.0.0.1`, or ask for a password with `-Y FILE`.",
                "CWE-306",
            ),
            _open,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-memcached-udp",
                Severity.HIGH,
                "Memcached answers over UDP",
                "Long answers go to whatever sender a packet claims to have: a tool for flooding others.",
                "Write `-U 0`.",
                "CWE-406",
            ),
            each(lambda node: node.value not in {"", "0", "true"}, "U", "udp-port"),
        ),
    ),
)
"""The row of Memcached."""
