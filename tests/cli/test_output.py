"""What commands print of what containers chose."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from rich.markup import render

from deadlight.cli.output import Format, plain, show

TURNED = "cat \u202egnp.txt\u2069 \x9b31m größe שלום"


def test_what_turns_hides_or_commands_is_written_out() -> None:
    shown = render(plain("sh \u202e-c\u2066 \x1b[31m\u200b\U000e0041 [red] größe שלום\nnext")).plain
    assert shown == "sh \\u202e-c\\u2066 \\u001b[31m\\u200b\\U000e0041 [red] größe שלום\nnext"


@pytest.mark.parametrize(("output", "read"), [(Format.JSON, json.loads), (Format.YAML, yaml.safe_load)])
def test_documents_hold_it_escaped_and_are_read_as_it_was(
    output: Format, read: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    show({"arguments": TURNED}, output, lambda: None)
    printed = capsys.readouterr().out
    assert not {"\u202e", "\u2069", "\x9b"} & set(printed)
    assert read(printed) == {"arguments": TURNED}
