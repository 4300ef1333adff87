"""Detections wait in a bounded queue until the service has them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from deadlight.model.vulnerability import Severity
from deadlight.model.wire import DetectedProcess, Detection
from deadlight.sensor import database
from deadlight.sensor.spool import Spool

AT = datetime(2026, 1, 1, tzinfo=UTC)


def detection(name: str, **others: str) -> Detection:
    return Detection(
        id=name,
        rule="shell",
        title="A shell",
        severity=Severity.HIGH,
        at=AT,
        container_id="c1",
        process=DetectedProcess(name="sh"),
        facts=others,
    )


@pytest.fixture
def open_spool() -> Iterator[Callable[..., Spool]]:
    with closing(database.open_memory()) as connection:
        yield lambda most=100, most_bytes=1 << 20: Spool(connection, most=most, most_bytes=most_bytes)


def names(spool: Spool, most: int = 100, most_bytes: int = 1 << 20) -> list[str]:
    return [found.id for found in spool.first(most, most_bytes)]


def test_detections_keep_their_order_and_go_when_the_service_has_them(open_spool):
    spool = open_spool()
    spool.add([detection("d1"), detection("d2"), detection("d3")])

    assert spool.first(1, 1 << 20) == (detection("d1"),)
    spool.remove([detection("d1")])
    assert names(spool) == ["d2", "d3"]
    assert spool.counters.detections == 2


def test_the_same_detection_is_kept_once(open_spool):
    spool = open_spool()
    spool.add([detection("d1"), detection("d1")])
    spool.add([detection("d1")])

    assert names(spool) == ["d1"]
    assert spool.counters.detections == 1


@pytest.mark.parametrize("bounds", [{"most": 3}, {"most_bytes": 700}])
def test_a_full_spool_refuses_the_newest_and_counts_them(open_spool, bounds):
    spool = open_spool(**bounds)
    spool.add([detection(f"d{number}") for number in range(10)])

    assert names(spool) == ["d0", "d1", "d2"]
    assert spool.counters.lost == 7
    spool.remove([detection("d0")])
    spool.add([detection("late")])
    assert names(spool) == ["d1", "d2", "late"]


def test_what_is_told_at_once_is_bounded_in_bytes_but_is_never_nothing(open_spool):
    spool = open_spool()
    spool.add([detection(f"d{number}") for number in range(10)])

    assert 1 < len(names(spool, most_bytes=1_000)) < 10
    assert len(names(spool, most_bytes=1)) == 1


def test_a_spool_that_is_opened_again_goes_on(tmp_path):
    for number in range(2):
        with closing(database.open_file(tmp_path / "journal.db")) as connection:
            spool = Spool(connection, most=10, most_bytes=1 << 20)
            spool.add([detection(f"d{number}")])
            assert spool.counters.detections == number + 1
