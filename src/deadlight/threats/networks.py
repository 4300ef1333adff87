"""Whether an address belongs to one of several networks, at the price of a few look-ups."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

_BITS = {4: 32, 6: 128}


def compile_networks(networks: Sequence[object]) -> Callable[[str], bool]:
    """A function that says whether an address is in one of the networks, such as `10.0.0.0/8`, `::1` or `fc00::/7`.

    Addresses of IPv4 that are written as ones of IPv6 are looked for as what they are. A text that is no address is in
    no network.

    Raises:
        ValueError: one of the networks is none.
    """
    found: dict[tuple[int, int], set[int]] = {}
    for network in map(ip_network, map(str, networks)):
        shift = _BITS[network.version] - network.prefixlen
        found.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)

    def is_within(text: str) -> bool:
        version, number = _parse_address(text)
        return any(each == version and number >> shift in prefixes for (each, shift), prefixes in found.items())

    return is_within


@lru_cache(maxsize=256)
def _parse_address(text: str) -> tuple[int, int]:
    """The version and number of an address, or zeros."""
    try:
        address = ip_address(text)
    except ValueError:
        return 0, 0
    address = getattr(address, "ipv4_mapped", None) or address
    return address.version, int(address)
