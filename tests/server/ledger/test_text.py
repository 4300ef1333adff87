"""Lengths of time and cells in words."""

from datetime import timedelta

import pytest

from deadlight.server.ledger.text import csv_line, describe_length


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=3, seconds=5), "3 min 5 s"),
        (timedelta(hours=2), "2 h 0 min"),
        (timedelta(days=400, hours=5, minutes=9), "400 d 5 h"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(length: timedelta, said: str) -> None:
    assert describe_length(length) == said


def test_no_cell_is_a_formula() -> None:
    assert csv_line(["=1", "+1", "-1", "@x", 'a"b', None, 5]) == "'=1,'+1,'-1,'@x,\"a\"\"b\",,5\r\n"
