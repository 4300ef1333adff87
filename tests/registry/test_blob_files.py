"""A blob that is read while it arrives: whole, in order, and never left hanging at either end."""

from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO, cast

import pytest

from deadlight.registry.blob_files import CHUNK_BYTES, read_as_file
from deadlight.registry.client import RegistryClient
from deadlight.registry.errors import UnavailableError


class Pieces:
    """In place of a registry's client: a blob that comes in given pieces, and may break off."""

    def __init__(self, pieces: Sequence[bytes], error: Exception | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.given = 0

    async def iter_blob(self, _repository: str, _digest: str, *, size_limit: int) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.given += len(piece)
            assert self.given <= size_limit
            yield piece
        if self._error:
            raise self._error


async def read(pieces: Pieces, how: str = "all") -> bytes:
    def reader(stream: BinaryIO) -> bytes:
        return stream.read() if how == "all" else stream.read(int(how))

    return await read_as_file(cast(RegistryClient, pieces), "team/app", "sha256:0", 1 << 30, reader)


@pytest.mark.parametrize("size", [1, 1000, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
async def test_a_blob_arrives_whole_and_in_order_whatever_its_pieces(size: int):
    content = bytes(range(256)) * (5 * CHUNK_BYTES // 256) + b"end"

    pieces = [content[start : start + size] for start in range(0, min(len(content), size * 2000), size)]

    assert await read(Pieces(pieces)) == b"".join(pieces)


async def test_a_blob_of_nothing_is_an_empty_file():
    assert await read(Pieces([])) == b""


async def test_who_stops_reading_early_has_the_rest_pulled_all_the_same():
    pieces = Pieces([b"x" * CHUNK_BYTES] * 20)

    assert await read(pieces, how="10") == b"x" * 10
    assert pieces.given == 20 * CHUNK_BYTES


async def test_a_transfer_that_breaks_off_is_told_rather_than_what_the_reader_made_of_it():
    broken = Pieces([b"x" * 100], UnavailableError("registry.example", "connection reset"))

    def reader(stream: BinaryIO) -> bytes:
        if len(stream.read()) < 1000:
            raise ValueError("cut short")
        return b""

    with pytest.raises(UnavailableError, match="connection reset"):
        await read_as_file(cast(RegistryClient, broken), "team/app", "sha256:0", 1 << 30, reader)
