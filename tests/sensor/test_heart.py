"""Whatever answers a heartbeat is read within bounds."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deadlight.model.wire import HeartbeatAck, encode
from deadlight.sensor.heart import _parse_answer
from deadlight.sensor.transport import UnavailableError


def test_an_answer_is_read_and_that_of_an_older_service_is_an_empty_one():
    answer = HeartbeatAck(policy="v1", resend=("c1",), wait_seconds=2.5)

    assert _parse_answer(encode(answer)) == answer
    assert _parse_answer(b"") == HeartbeatAck()
    assert _parse_answer(b'{"of a newer service": 1}') == HeartbeatAck()


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f'{{"policy": "{text}"}}'.encode()))
@example(b"[" * 100_000)
@example(b'{"resend": [' + b",".join([b'"c"'] * 5_001) + b"]}")
@example(b'{"wait_seconds": 1e999}')
def test_any_other_answer_breaks_nothing(body):
    with suppress(UnavailableError):
        _parse_answer(body)


def test_an_answer_that_names_too_many_containers_is_none():
    with pytest.raises(UnavailableError):
        _parse_answer(encode(HeartbeatAck(resend=("c",) * 5_001)))
