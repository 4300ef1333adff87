"""Where what a sensor finds goes."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.options import parse_options
from deadlight.sensor.running import open_sink

AT = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 2_000
"""Observations that are several times what a pipe holds."""


@pytest.fixture
def signals() -> Iterator[None]:
    """Signals that come all the time, and that change nothing."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    main, end = threading.main_thread().ident, threading.Event()
    assert main

    def send() -> None:
        while not end.wait(0.0005):
            signal.pthread_kill(main, signal.SIGUSR1)

    sender = threading.Thread(target=send)
    sender.start()
    yield
    end.set()
    sender.join()
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("signals")
def test_what_is_printed_is_whole_whatever_interrupts_the_printing(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = os.pipe()
    unbuffered = io.TextIOWrapper(io.FileIO(target, "w"), write_through=True)  # as PYTHONUNBUFFERED has it
    monkeypatch.setattr(sys, "stdout", unbuffered)
    lines: list[bytes] = []

    def read() -> None:
        with io.FileIO(source) as printed:
            lines.extend(b"".join(iter(lambda: printed.read(512), b"")).splitlines())

    reader = threading.Thread(target=read)
    reader.start()
    found = [
        Observation(container_id="c1", grade=Grade.OPENED, path=f"/{number}", first_at=AT, last_at=AT)
        for number in range(MANY)
    ]
    with open_sink(parse_options(["--print"])) as sink:
        sink.send(found)
    unbuffered.close()
    reader.join()
    assert [msgspec.json.decode(line, type=Observation) for line in lines] == found
