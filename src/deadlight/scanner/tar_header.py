"""The fields of tar headers: texts, numbers, pax records and paths."""

from collections.abc import Mapping
from zlib import adler32

from deadlight.scanner.errors import ArchiveError

_PAX_KEYS = (b"path", b"linkpath", b"size")


def parse_text(field: bytes) -> str:
    """A field up to its first zero byte."""
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def parse_number(field: bytes) -> int:
    """Octal digits, or a big-endian number where the first bit is set (GNU, for sizes from 8 GiB)."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise ArchiveError("has a header with an impossible number")
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    if digits and not digits.isdigit():
        raise ArchiveError("has a header with a damaged number")
    try:
        return int(digits or b"0", 8)
    except ValueError as error:
        raise ArchiveError("has a header with a damaged number") from error


def is_intact(header: bytes) -> bool:
    """Whether a header's bytes, with spaces in place of the sum itself, add up to the sum that it states.

    POSIX pax, "ustar Interchange Format". The lower half of Adler-32 is one and the sum of all bytes, modulo 65521
    (RFC 1950, 9).
    """
    stated = header[148:156]
    digits = stated.strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    return (int(digits, 8) - 8 * 0x20 + sum(stated) + 1 - (adler32(header) & 0xFFFF)) % 65521 == 0


def header_path(header: bytes) -> str:
    """The name, with ustar's prefix in front where it has one."""
    name = parse_text(header[:100])
    prefix = parse_text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def parse_pax(content: bytes) -> dict[str, str]:
    """Records of `<length> <key>=<value><line feed>`, where the length counts the whole record (POSIX pax)."""
    records: dict[str, str] = {}
    position = 0
    while position < len(content) and content[position]:
        digits, space, _ = content[position : position + 20].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = content[position + len(digits) + 1 : position + length]
        if not record.endswith(b"\n"):
            raise ArchiveError("has a damaged pax header")
        key, _, value = record[:-1].partition(b"=")
        if key in _PAX_KEYS or key.startswith(b"GNU.sparse."):
            records[key.decode("ascii", "replace")] = value.decode("utf-8", "replace")
        position += length
    return records


def pax_size(overrides: Mapping[str, str], size: int) -> int:
    """The size that pax records give a member, else the one in its header; it may exceed what octal digits can say."""
    digits = overrides.get("size")
    if digits is None:
        return size
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ArchiveError(f"has a pax header with the size {digits[:40]!r}")
    return int(digits)


def normalise_path(path: str) -> str:
    """The path relative to the root without empty, `.` and `..` components.

    Raises:
        ArchiveError: the path leads out of the root.
    """
    if "//" not in path and "/." not in path and path[:1] not in {".", "/"}:
        return path.rstrip("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise ArchiveError(f"has a path that leads out of the image: {path[:200]!r}")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)
