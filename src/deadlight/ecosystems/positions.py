"""Version keys as bytes that a database can compare: cut short, they still never turn an order round."""

from deadlight.ecosystems.ecosystem import VersionKey

POSITION_BYTES = 32
"""Tells apart what differs in its first few numbers, which is most versions there are."""

_ELEMENT = b"\x01"
_END = b"\x00"
_ZERO = 0x80
_LONGEST = 0x7E
"""Bytes of a number above which its length is written in two bytes."""


def position_of(key: VersionKey) -> bytes:
    """Where a version stands: of keys a <= b, the position of a is at most that of b.

    Keys are nested tuples of whole numbers and texts, equal positions of which have equal types. A tuple is written
    element by element with an end mark below any element, a number behind its length, so that bytes compare as keys
    do; of that the first `POSITION_BYTES` bytes count, and a prefix keeps the order.
    """
    written = bytearray()
    _write_tuple(written, key)
    return bytes(written[:POSITION_BYTES])


def _write_tuple(written: bytearray, key: VersionKey) -> None:
    for element in key:
        if len(written) >= POSITION_BYTES:
            return
        written += _ELEMENT
        if isinstance(element, tuple):
            _write_tuple(written, element)
        elif isinstance(element, str):
            written += element[:POSITION_BYTES].encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + _END + _END
        else:
            _write_number(written, element)
    written += _END


def _write_number(written: bytearray, number: int) -> None:
    content = abs(number).to_bytes((abs(number).bit_length() + 7) // 8, "big")
    size = bytes([len(content)]) if len(content) < _LONGEST else bytes([_LONGEST, *len(content).to_bytes(2, "big")])
    if number >= 0:
        written += bytes([_ZERO + size[0], *size[1:]]) + content
    else:
        written += bytes([_ZERO - size[0], *(0xFF - byte for byte in (*size[1:], *content))])
