"""What the log says of failures."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Literal

import pytest

from deadlight.server.logs import configure_logging

_LOCAL = "correct horse"
"""The value of a variable of the function that fails."""


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


def _fail(password: str) -> None:
    raise ValueError(f"not a password of {len(password)} characters")


def _log_failure(log_format: Literal["text", "json"], monkeypatch: pytest.MonkeyPatch) -> str:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(log_format)
    try:
        _fail(_LOCAL)
    except ValueError:
        logging.getLogger("deadlight.test").exception("it failed", extra={"image": "shop"})
    return stream.getvalue()


@pytest.mark.usefixtures("_logging_as_before")
def test_a_failure_is_told_with_its_traceback_and_without_local_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _log_failure("text", monkeypatch)
    assert "it failed" in told
    assert "image=shop" in told
    assert "ValueError: not a password of 13 characters" in told
    assert ", in _fail" in told
    assert _LOCAL not in told


@pytest.mark.usefixtures("_logging_as_before")
def test_json_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _log_failure("json", monkeypatch)
    line = json.loads(told)
    assert line["event"] == "it failed"
    assert line["exception"][0]["exc_value"] == "not a password of 13 characters"
    assert line["exception"][0]["frames"][-1]["name"] == "_fail"
    assert _LOCAL not in told
