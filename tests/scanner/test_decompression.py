import contextlib
import gzip
import io
import random
import threading
import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.scanner import LayerError, scan_layer
from deadlight.scanner.decompression import ByteReader, open_layer
from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits

PLAIN = random.Random(3).randbytes(300_000) + bytes(300_000)
SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def read_all(compressed: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes:
    reader = open_layer(io.BytesIO(compressed), limits)
    return b"".join(iter(lambda: reader.read(70_000), b""))


@pytest.mark.parametrize(
    "compressed",
    [
        PLAIN,
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:]),
        gzip.compress(PLAIN) + bytes(5000),
        zstd(PLAIN),
        zstd(PLAIN[:1000]) + zstd(PLAIN[1000:]),
        zstd(PLAIN) + SKIPPABLE_FRAME,
    ],
    ids=["plain", "gzip", "two gzip members", "padded gzip", "zstd", "two zstd frames", "zstd and a skippable frame"],
)
def test_each_compression_is_recognised_and_undone(compressed):
    assert read_all(compressed) == PLAIN


class Dribble(io.BytesIO):
    """A stream that gives one byte at a time, as a slow network may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1, size or 0))


def test_a_stream_may_give_less_than_asked_for():
    reader = open_layer(Dribble(gzip.compress(b"layer")), DEFAULT_LIMITS)
    assert reader.read(100) == b"layer"


@pytest.mark.parametrize("flag", [4, 8, 16], ids=["extra field", "file name", "comment"])
def test_a_gzip_header_without_an_end_is_damage(flag):
    header = b"\x1f\x8b\x08" + bytes([flag]) + bytes(6)
    with pytest.raises(ArchiveError, match="damaged gzip data"):
        open_layer(io.BytesIO(header + b"\xff" * 2_000_000), DEFAULT_LIMITS).read(1)


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
@pytest.mark.parametrize("kept", [0.3, 0.99])
def test_data_cut_short_is_an_error_however_much_came_out(compress, kept):
    compressed = compress(PLAIN)
    with pytest.raises(ArchiveError, match="cut short"):
        read_all(compressed[: int(len(compressed) * kept)])


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
@given(data=st.data())
@settings(max_examples=60)
def test_damage_raises_nothing_but_an_archive_error(compress, data):
    compressed = bytearray(compress(PLAIN[:5000]))
    position = data.draw(st.integers(4, len(compressed) - 1))
    compressed[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ArchiveError):
        read_all(bytes(compressed))


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_a_bomb_is_stopped_by_its_ratio_in_bounded_memory(compress):
    bomb = compress(bytes(256 * 1024 * 1024))
    limits = Limits(expansion_floor_bytes=1024 * 1024)
    tracemalloc.start()
    with pytest.raises(ArchiveError, match="zip bomb"):
        read_all(bomb, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 1024 * 1024


def test_zeros_below_the_floor_are_no_bomb():
    assert len(read_all(gzip.compress(bytes(10_000_000)))) == 10_000_000


@pytest.mark.parametrize("compressed", [PLAIN, gzip.compress(PLAIN), gzip.compress(b"") * 50_000])
def test_no_more_bytes_are_read_than_a_layer_may_hold(compressed):
    with pytest.raises(ArchiveError, match="more than 500000 bytes"):
        read_all(compressed, Limits(max_layer_bytes=500_000))


@given(
    st.lists(st.binary(max_size=9), max_size=12),
    st.lists(st.tuples(st.sampled_from(["read", "skip", "peek", "view"]), st.integers(0, 12)), max_size=20),
)
def test_each_way_of_reading_follows_the_bytes(pieces, steps):
    reader = ByteReader(iter(pieces), proves_its_end=False)
    expected = io.BytesIO(b"".join(pieces))
    for step, size in steps:
        if step == "peek":
            assert reader.peek(size) == expected.getvalue()[expected.tell() :][:size]
            continue
        data = expected.read(size)
        if step == "skip":
            assert reader.skip(size) == len(data)
        elif step == "read":
            assert reader.read(size) == data
        else:
            assert reader.read_view(size) == data


class Failing(io.BytesIO):
    """A stream whose source goes away after the first bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise ConnectionError("gone")
        return super().read(size)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "decompression"]


def test_what_goes_wrong_with_the_source_is_raised_where_it_is_read():
    reader = open_layer(Failing(gzip.compress(PLAIN)), DEFAULT_LIMITS)
    with pytest.raises(ConnectionError, match="gone"):
        reader.drain()
    assert not threads()


def test_nothing_is_read_ahead_any_more_once_a_layer_was_refused():
    no_archive = gzip.compress(random.Random(5).randbytes(8_000_000), compresslevel=0)
    with pytest.raises(LayerError, match="is not a tar archive") as refused:
        scan_layer(io.BytesIO(no_archive), digest="sha256:damaged")
    assert not threads(), refused
