"""Tokens from a child process."""

import json
import sys
import threading
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
    tokens.discard(tokens.get())
    tokens.get()

    assert log.read_text() == "xx"


def test_a_token_that_was_replaced_already_is_not_forgotten(tmp_path):
    log = tmp_path / "log"
    tokens = Tokens(counting_child(log), now=lambda: NOW)
    tokens.get()
    tokens.discard("the one before")
    tokens.get()

    assert log.read_text() == "x"


def slow_child(started: Path, go: Path, log: Path) -> list[str]:
    """Prints a token at once the first time, and afterwards only when the file `go` is there."""
    program = (
        f"import os, time\nlog = {str(log)!r}\n"
        f"if os.path.exists(log):\n    open({str(started)!r}, 'w').close()\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
        f"open(log, 'a').write('x')\nprint({token_line(lasts=timedelta(seconds=59))!r})"
    )
    return [sys.executable, "-S", "-c", program]


def test_while_one_thread_fetches_a_token_the_others_use_the_one_that_still_lasts(tmp_path):
    started, go, log = (tmp_path / name for name in ("started", "go", "log"))
    moments = [NOW]
    tokens = Tokens(slow_child(started, go, log), now=lambda: moments[0])
    tokens.get()
    thread = threading.Thread(target=tokens.get)
    thread.start()
    while not started.exists():
        thread.join(0.01)

    assert tokens.get() == "t1"
    assert thread.is_alive()
    go.touch()
    thread.join(30)


def test_many_threads_fetch_one_token(tmp_path):
    log = tmp_path / "log"
    tokens = Tokens(counting_child(log), now=lambda: NOW)
    threads = [threading.Thread(target=tokens.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert log.read_text() == "x"


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
