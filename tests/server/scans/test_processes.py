"""Processes that end take nothing along but their own task."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest

from deadlight.server.scans.processes import IsolatedProcesses, ProcessEndedError, TaskFailedError


@pytest.fixture(scope="module")
def executor() -> Iterator[IsolatedProcesses]:
    running = IsolatedProcesses(1)
    yield running
    running.shutdown()


def test_a_task_runs_in_another_process_which_stays_for_the_next(executor: IsolatedProcesses) -> None:
    first, second = executor.submit(os.getpid).result(), executor.submit(os.getpid).result()
    assert first == second != os.getpid()


def test_a_process_that_ends_fails_its_task_alone(executor: IsolatedProcesses) -> None:
    ending, waiting = executor.submit(os._exit, 1), executor.submit(os.getpid)
    with pytest.raises(ProcessEndedError, match="in the middle of its task"):
        ending.result()
    assert waiting.result() != os.getpid()


def test_a_task_that_takes_too_long_is_ended_with_its_process() -> None:
    executor = IsolatedProcesses(1, task_seconds=1.0)
    with pytest.raises(ProcessEndedError, match="took too long"):
        executor.submit(time.sleep, 60).result()
    assert executor.submit(int, "1").result() == 1
    executor.shutdown()


def test_a_killed_process_is_replaced(executor: IsolatedProcesses) -> None:
    before = executor.submit(os.getpid).result()
    sleeping = executor.submit(time.sleep, 60)
    os.kill(before, signal.SIGKILL)
    with pytest.raises(ProcessEndedError):
        sleeping.result()
    assert executor.submit(os.getpid).result() != before


def test_a_task_that_raises_tells_what_and_where(executor: IsolatedProcesses) -> None:
    with pytest.raises(TaskFailedError, match="ValueError: invalid literal for int"):
        executor.submit(int, "x").result()


async def test_shutting_down_ends_a_task_that_is_under_way() -> None:
    executor = IsolatedProcesses(1)
    loop = asyncio.get_running_loop()
    pid = await loop.run_in_executor(executor, os.getpid)
    (process,) = [child for child in multiprocessing.active_children() if child.pid == pid]
    sleeping = loop.run_in_executor(executor, time.sleep, 60)
    await asyncio.to_thread(executor.shutdown)
    with pytest.raises(ProcessEndedError):
        await sleeping
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
