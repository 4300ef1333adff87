"""Tokens from a child process."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deadlight.sensor.credentials import NoTokenError, Tokens

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def child(output: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({output!r}); sys.exit({code})"]


def token_line(name: str = "t1", *, lasts: timedelta = timedelta(minutes=15)) -> str:
    return json.dumps(
        {"access_token": name, "expires_at": (NOW + lasts).isoformat(), "agent_id": "a", "cluster_id": "c"}
    )


def counting_child(log: Path, *, lasts: timedelta = timedelta(minutes=15)) -> list[str]:
    """Prints a token and adds a letter to `log`."""
    program = f"print({token_line(lasts=lasts)!r}); open({str(log)!r}, 'a').write('x')"
    return [sys.executable, "-c", program]


def test_a_token_is_fetched_once_while_it_lasts(tmp_path):
    log = tmp_path / "log"
    tokens = Tokens(counting_child(log), now=lambda: NOW)

    assert tokens.get() == tokens.get() == "t1"
    assert log.read_text() == "x"


def test_a_token_about_to_end_is_replaced(tmp_path):
    log = tmp_path / "log"
    tokens = Tokens(counting_child(log, lasts=timedelta(seconds=59)), now=lambda: NOW)
    tokens.get()
    tokens.get()

    assert log.read_text() == "xx"


def test_a_token_that_the_service_refused_is_replaced(tmp_path):
    log = tmp_path / "log"
    tokens = Tokens(counting_child(log), now=lambda: NOW)
    tokens.get()
    tokens.discard()
    tokens.get()

    assert log.read_text() == "xx"


def test_the_childs_reason_and_advice_are_passed_on():
    failure = child(json.dumps({"error": "token is used up", "advice": "create another"}), 3)

    with pytest.raises(NoTokenError, match=r"token is used up \(create another\)"):
        Tokens(failure).get()


@pytest.mark.parametrize(("output", "code"), [("", 1), ("Traceback", 1), ("{}", 0), (token_line(), 7)])
def test_an_answer_that_is_none_is_an_error(output, code):
    with pytest.raises(NoTokenError, match=f"ended with {code}"):
        Tokens(child(output, code)).get()


def test_a_child_that_cannot_be_started_is_an_error():
    with pytest.raises(NoTokenError, match="No such file"):
        Tokens(["/nonexistent/program"]).get()
