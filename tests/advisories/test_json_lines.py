import random
from collections import deque
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deadlight.advisories.document import Document, Rejected
from deadlight.advisories.errors import AdvisoryError, InvalidArchiveError
from deadlight.advisories.json_lines import iter_compressed_json_lines, iter_json_lines
from deadlight.advisories.limits import Limits

LIMITS = Limits()


def write(folder: Path, content: bytes, name: str = "all.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def incompressible(lines: int) -> bytes:
    generator = random.Random(7)
    return b"".join(generator.randbytes(40).hex().encode() + b"\n" for _ in range(lines))


def test_lines_are_numbered_and_empty_ones_passed_over(tmp_path: Path) -> None:
    documents = list(iter_json_lines(write(tmp_path, b"{}\n\n  \r\n[]"), LIMITS))
    assert documents == [Document("all.jsonl:1", b"{}"), Document("all.jsonl:4", b"[]")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(1, 20))
def test_lines_are_what_splitting_gives_however_long_they_may_be(tmp_path: Path, content: bytes, longest: int) -> None:
    expected = [line if len(line) <= longest else None for line in content.split(b"\n") if line.strip()]
    documents = iter_json_lines(write(tmp_path, content), Limits(document=longest))

    found = [document.content if isinstance(document, Document) else None for document in documents]
    assert [line for line in found if line] == [line for line in expected if line]


def test_a_line_longer_than_memory_should_hold_is_rejected_whole(tmp_path: Path) -> None:
    path = write(tmp_path, b"x" * 5_000_000 + b"\n{}\n" + b"y" * 5_000_000)
    first, second, third = iter_json_lines(path, LIMITS)

    assert isinstance(first, Rejected)
    assert first.reason == "all.jsonl:1: longer than 4194304 bytes"
    assert second == Document("all.jsonl:2", b"{}")
    assert isinstance(third, Rejected)


def test_frames_one_after_another_are_one_stream(tmp_path: Path) -> None:
    lines = incompressible(100)
    content = zstandard.compress(lines[:1234]) + zstandard.compress(lines[1234:])
    path = write(tmp_path, content, "all.jsonl.zst")

    documents = list(iter_compressed_json_lines(path, LIMITS))
    assert [document.content for document in documents if isinstance(document, Document)] == lines.split()


@pytest.mark.parametrize("cut", [5, 700, 2000, -1])
def test_a_stream_cut_short_is_never_taken_for_complete(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, zstandard.compress(incompressible(100))[:cut], "all.jsonl.zst")
    with pytest.raises(InvalidArchiveError, match=r"all\.jsonl\.zst: cut short"):
        list(iter_compressed_json_lines(path, LIMITS))


def test_what_is_not_zstd_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"id": "A-1"}', "all.jsonl.zst")
    with pytest.raises(InvalidArchiveError, match=r"all\.jsonl\.zst: not zstd"):
        list(iter_compressed_json_lines(path, LIMITS))


@pytest.mark.parametrize("filling", [b" ", b"\n", b"{               }\n"])
def test_a_bomb_is_refused_long_before_it_is_expanded(tmp_path: Path, filling: bytes) -> None:
    bomb = zstandard.compress(filling * (64 * 1024 * 1024 // len(filling)))
    documents = iter_compressed_json_lines(write(tmp_path, bomb, "all.jsonl.zst"), LIMITS)
    taken = count()
    with pytest.raises(InvalidArchiveError, match=r"all\.jsonl\.zst: the collection expands to more than 500 times"):
        deque(zip(documents, taken, strict=False), maxlen=0)
    assert next(taken) < 1_000_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(max_size=6))
def test_damaged_streams_raise_nothing_but_the_rooms_own_error(tmp_path: Path, position: int, damage: bytes) -> None:
    sound = zstandard.compress(b'{"id": "A-1"}\n' * 20 + incompressible(4))
    content = sound[:position] + damage + sound[position + 3 :]
    with suppress(AdvisoryError):
        list(iter_compressed_json_lines(write(tmp_path, content, "all.jsonl.zst"), LIMITS))
