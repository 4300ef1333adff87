"""Processes that read layers are started before the first image comes."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deadlight.server.scans.image_scan import PREPARED, prepare_processes
from deadlight.server.scans.processes import IsolatedProcesses
from deadlight.server.services import Services


@pytest.fixture
def two() -> Iterator[IsolatedProcesses]:
    executor = IsolatedProcesses(2)
    yield executor
    executor.shutdown()


@pytest.fixture
def unprepared(services: Services, two: IsolatedProcesses) -> Services:
    settings = services.settings.model_copy(update={"scan_processes": 2})
    return replace(services, settings=settings, processes=two)


async def test_every_process_has_been_started(
    unprepared: Services, two: IsolatedProcesses, caplog: pytest.LogCaptureFixture
) -> None:
    before = {child.pid for child in multiprocessing.active_children()}
    with caplog.at_level(logging.INFO):
        await prepare_processes(unprepared)
    started = {child.pid for child in multiprocessing.active_children()} - before
    assert len(started) == 2
    assert PREPARED in caplog.messages
    pids = [two.submit(os.getpid) for _ in range(2)]
    assert {await asyncio.wrap_future(pid) for pid in pids} <= started


async def test_a_service_goes_on_where_they_cannot_be_started(
    unprepared: Services, two: IsolatedProcesses, caplog: pytest.LogCaptureFixture
) -> None:
    for worker in two._workers:
        worker.end()
    with caplog.at_level(logging.INFO):
        await prepare_processes(unprepared)
    (message,) = caplog.messages
    assert "could not be prepared" in message
