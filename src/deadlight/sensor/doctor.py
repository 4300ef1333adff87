"""Prints what the probe found, for people or for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from deadlight.sensor.probe import Check


def table(checks: Sequence[Check]) -> str:
    """One line a check, its name and verdict in columns."""
    width = max(len(check.name) for check in checks)
    return "".join(f"{check.name:<{width}}  {_verdict(check):<8}  {check.detail}\n" for check in checks)


def document(checks: Sequence[Check]) -> str:
    """A JSON object: `ok` says whether a sensor can run here."""
    return json.dumps({"ok": is_fit(checks), "checks": [asdict(check) for check in checks]}, indent=2) + "\n"


def is_fit(checks: Sequence[Check]) -> bool:
    """Whether a sensor can run here at all."""
    return all(check.ok for check in checks if check.needed)


def _verdict(check: Check) -> str:
    if check.ok:
        return "ok"
    return "missing" if check.needed else "limited"
