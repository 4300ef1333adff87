"""What tests of `deadlight scan` run it with."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from typer.testing import Result

Scan = Callable[..., Awaitable[Result]]


async def found(scan: Scan, *arguments: str) -> dict[str, Any]:
    """The JSON of a scan that must succeed."""
    result = await scan(*arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report
