"""How every benchmark ends: one line of JSON, and exit code 1 where a bar does not hold."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A number to meet."""

    text: str
    holds: bool


def describe_machine() -> str:
    """What it ran on and how busy that was: figures mean little without."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{system}, {os.cpu_count()} CPUs, load {load}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of all are not above; raises ValueError without any."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1))]


def finish(name: str, figures: Mapping[str, object], bars: Sequence[Bar]) -> None:
    """Print the last line and end the process."""
    holds = all(bar.holds for bar in bars)
    line = {"name": name, "figures": dict(figures), "bars": {bar.text: bar.holds for bar in bars}, "holds": holds}
    print(json.dumps(line))
    sys.exit(0 if holds else 1)
