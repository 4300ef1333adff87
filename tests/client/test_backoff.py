import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.client.backoff import LONGEST_RETRY_AFTER, Backoff, parse_retry_after


@given(st.integers(0, 10_000), st.floats(0, 100))
def test_a_delay_lies_between_what_was_asked_and_the_ceiling(attempt: int, at_least: float) -> None:
    delay = Backoff(base=0.5, cap=30.0).delay(attempt, at_least=at_least)

    assert at_least <= delay <= at_least + min(30.0, 0.5 * 2.0 ** min(attempt, 32))


def test_delays_are_jittered() -> None:
    assert len({Backoff().delay(5) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("0", 0.0),
        ("7", 7.0),
        ("-7", 0.0),
        ("1.5", 0.0),
        ("٣", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("9" * 5000, LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_is_read_as_bounded_seconds(header: str | None, seconds: float) -> None:
    assert parse_retry_after(header) == seconds
