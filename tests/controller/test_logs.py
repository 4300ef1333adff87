import json
import logging
import sys

import pytest

from deadlight.controller.logs import JsonFormatter, configure_logging


def test_a_json_log_line_is_one_object_with_the_traceback_in_it() -> None:
    try:
        int("inside")
    except ValueError:
        record = logging.LogRecord("deadlight.x", logging.ERROR, "", 0, "failed: %s", ("why",), sys.exc_info())

    line = JsonFormatter().format(record)

    fields = json.loads(line)
    assert "\n" not in line
    assert (fields["level"], fields["logger"], fields["message"]) == ("error", "deadlight.x", "failed: why")
    assert "ValueError: invalid literal" in fields["exception"]
    assert fields["time"].endswith("Z") or fields["time"].endswith("+00:00")


@pytest.mark.parametrize(("log_format", "starts"), [("text", "2"), ("json", "{")])
def test_logs_go_to_standard_error_in_the_format_asked_for(
    log_format: str, starts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        configure_logging("json" if log_format == "json" else "text")
        logging.getLogger("deadlight.x").info("hello %s", "there")
    finally:
        logging.root.handlers, logging.root.level = handlers, level

    assert capsys.readouterr().err.startswith(starts)
