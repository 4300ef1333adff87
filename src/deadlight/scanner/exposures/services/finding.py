"""The ways of finding a setting at fault that many rules share."""

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address

from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.keeping import WELL_KNOWN

Find = Callable[[Configuration], Iterable[Node]]

_OLD_TLS = re.compile(r"(?i)(?<![\w!-])[+]?(?:sslv[23](?:\.0)?|tls(?:_?v)?_?(?:1|1[._]0|1[._]1|10|11))(?![\w.])")
_WEAK_CIPHER = re.compile(
    r"(?i)RC4|(?<![A-Z])3?DES(?![A-Z])|NULL|(?<![A-Z])EXP(?:ORT)?(?![A-Z])|(?<![A-Z])MD5|ADH|AECDH"
)
_EVERYWHERE = frozenset({"", "*", "::", "[::]", "0", "0.0.0.0", "0:0:0:0:0:0:0:0"})  # noqa: S104 - what is looked for
_ADDRESS = re.compile(r"(?:[a-z+]{1,20}://)?(\[[^\]]*\]|[^:/]*)(?::.*)?")


def names_old_tls(value: str) -> bool:
    """Whether a list of protocols, or a lowest one, has SSL 2, SSL 3, TLS 1.0 or TLS 1.1 (RFC 8996)."""
    return _OLD_TLS.search(value) is not None


def names_weak_cipher(value: str) -> bool:
    """Whether a list of ciphers, in OpenSSL's or IANA's names, has RC4, DES, NULL, export or anonymous ones."""
    ciphers = re.split(r"[:,;\s]+", value)
    return any(cipher[:1] not in {"!", "-"} and _WEAK_CIPHER.search(cipher.replace("_", "-")) for cipher in ciphers)


def host_of(address: str) -> str:
    """The host in `host`, `host:port`, `:port` or `scheme://host:port`."""
    if address.count(":") > 1 and "/" not in address and not address.startswith("["):
        return address
    match = _ADDRESS.fullmatch(address.lower())
    return match[1] if match else address


def is_everywhere(address: str) -> bool:
    """Whether it is the address of all interfaces."""
    return host_of(address) in _EVERYWHERE


def is_local(address: str) -> bool:
    """Whether only processes of the same machine reach it."""
    host = host_of(address).strip("[]")
    if address.startswith(("/", "unix")) or host in {"localhost", "ip6-localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def last_is_on(*names: str) -> Find:
    """The last setting of these names, where it says yes."""
    return lambda configuration: _where(configuration.last(*names), lambda node: node.is_on)


def last_is_off(*names: str) -> Find:
    """The last setting of these names, where it says no."""
    return lambda configuration: _where(configuration.last(*names), lambda node: node.is_off)


def last_has(test: Callable[[str], bool], *names: str) -> Find:
    """The last setting of these names, where its value passes a test."""
    return lambda configuration: _where(configuration.last(*names), lambda node: test(node.value))


def each(test: Callable[[Node], bool], *names: str) -> Find:
    """Every setting of these names that passes a test."""
    return lambda configuration: (node for node in configuration.named(*names) if test(node))


def each_ending(test: Callable[[Node], bool], *suffixes: str) -> Find:
    """Every setting whose dotted name ends in one of these and that passes a test."""
    return lambda configuration: (node for node in configuration.ending(*suffixes) if test(node))


def is_one_of(*words: str) -> Callable[[str], bool]:
    """A test for one of these values, in whatever case."""
    return lambda value: value.lower() in words


def is_well_known(value: str) -> bool:
    """Whether a masked password is one that anybody tries first."""
    return value == WELL_KNOWN


def _where(node: Node | None, test: Callable[[Node], bool]) -> Iterator[Node]:
    if node is not None and test(node):
        yield node
