from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.errors import MalformedAnswerError
from deadlight.controller.sources.kubernetes.lines import iter_lines


async def chunks_of(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@given(lines=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"-"))), cuts=st.lists(st.integers(1, 40)))
async def test_however_a_stream_is_cut_its_lines_are_the_same(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    chunks, position = [], 0
    for size in [*cuts, len(stream) or 1]:
        chunks.append(stream[position : position + size])
        position += size

    assert [line async for line in iter_lines(chunks_of(chunks))] == [line for line in lines if line]


async def test_a_last_line_that_was_cut_off_is_dropped() -> None:
    assert [line async for line in iter_lines(chunks_of([b"whole\nhal"]))] == [b"whole"]


async def test_a_line_longer_than_the_limit_is_an_error_before_it_fills_the_memory() -> None:
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        while True:
            seen += 1
            yield b"x" * 1000

    with pytest.raises(MalformedAnswerError, match="more than 10000 bytes"):
        _ = [line async for line in iter_lines(endless(), limit=10_000)]
    assert seen <= 11
