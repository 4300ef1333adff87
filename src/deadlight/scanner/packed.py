"""The stored form that layer facts and file indexes share: MessagePack, compressed with zstd, behind a version mark."""

from typing import Any, TypeVar

import msgspec
import zstandard

from deadlight.scanner.errors import InvalidFactsError

_MAX_UNPACKED_BYTES = 1024 * 1024 * 1024

T = TypeVar("T")


def pack(mark: bytes, value: Any, *, level: int) -> bytes:
    """Bytes that `unpack` reads back; `mark` names form and version."""
    return mark + zstandard.ZstdCompressor(level=level).compress(msgspec.msgpack.encode(value))


def unpack(mark: bytes, stored: bytes, kind: type[T]) -> T:
    """Read what `pack` wrote.

    Raises:
        InvalidFactsError: damaged, or of another version.
    """
    if not stored.startswith(mark):
        raise InvalidFactsError(f"not {kind.__name__} of this version: scan again")
    frame = stored[len(mark) :]
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= _MAX_UNPACKED_BYTES:
            raise InvalidFactsError(f"{kind.__name__} of an impossible size: scan again")
        return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(frame), type=kind)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFactsError(f"damaged {kind.__name__} ({error}): scan again") from error
