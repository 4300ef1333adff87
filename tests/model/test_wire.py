"""The messages between agents and the service."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.inventory import batch, container, node, pod, workload

from deadlight.model import wire
from deadlight.model.observation import Grade

DIGEST = "sha256:" + "a" * 64


def test_a_batch_reads_back_as_it_was_written() -> None:
    message = batch(node(), workload(), pod(container("registry.example/a:1", DIGEST)))
    assert wire.decode(wire.encode(message), wire.InventoryBatch) == message


def test_an_unknown_field_is_ignored_and_a_future_schema_refused() -> None:
    known = msgspec.json.decode(wire.encode(wire.Heartbeat(version="1", started_at=datetime.now(UTC))))
    assert wire.decode(msgspec.json.encode(known | {"new": 1}), wire.Heartbeat).version == "1"
    with pytest.raises(wire.InvalidMessageError, match="upgrade the service"):
        wire.decode(msgspec.json.encode(known | {"schema": wire.SCHEMA + 1}), wire.Heartbeat)


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(wire.InvalidMessageError, match="InventoryBatch"):
        wire.decode(b'{"batch_id":"\xff"}', wire.InventoryBatch)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"batch_id": 7}, "batch_id"),
        ({"batch_id": "x" * 1000}, "batch_id"),
        ({"nodes": [{"uid": "u"}]}, "nodes"),
        ({"pods": [{}] * (wire.MAX_OBJECTS + 1)}, "pods"),
        ({"cluster": None}, "cluster"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], names: str) -> None:
    fields = msgspec.json.decode(wire.encode(batch()))
    with pytest.raises(wire.InvalidMessageError, match=names):
        wire.decode(msgspec.json.encode(fields | change), wire.InventoryBatch)


@given(st.binary(max_size=500))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    with pytest.raises(wire.InvalidMessageError):
        wire.decode(body, wire.InventoryBatch)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(wire.InvalidMessageError):
        wire.decode(b"[" * 100_000, wire.InventoryBatch)


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 5))
def test_equal_content_has_an_equal_hash_and_other_content_another(name: str, other: str, ready: int) -> None:
    record = wire.WorkloadRecord(
        uid="u", namespace="n", kind=workload().kind, name=name, hash=0, ready=ready, labels={"a": "1", "b": "2"}
    )
    same = msgspec.structs.replace(record, hash=99, labels={"b": "2", "a": "1"})
    assert wire.content_hash(record) == wire.content_hash(same)
    changed = msgspec.structs.replace(record, name=other)
    assert (wire.content_hash(changed) == wire.content_hash(record)) == (name == other)
    assert -(2**63) <= wire.content_hash(record) < 2**63


def test_grades_are_ordered_by_what_they_prove() -> None:
    assert Grade.EXECUTED.rank > Grade.MAPPED.rank > Grade.OPENED.rank
