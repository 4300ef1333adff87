"""What of a detection can be stored. What a container chose itself is cut; what a sensor says wrongly is refused."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY
from deadlight.server.errors import BadRequestError

MAX_COUNT = 2**31 - 1
MAX_ARGUMENT = 512
"""Characters of an argument that are kept. A command line may have two megabytes."""

MAX_PROGRAM = 1024
"""Characters of a program's path that tell it from others."""


def check_storable(detections: Sequence[wire.Detection]) -> None:
    """Refuse a batch before any of it is stored.

    Raises:
        BadRequestError: names the detection, the field and what is wrong with it.
    """
    for number, item in enumerate(detections):
        reason = _reason_against(item)
        if reason:
            raise BadRequestError(f"detections[{number}].{reason}")


def _reason_against(item: wire.Detection) -> str:
    for name in ("id", "rule"):
        if not getattr(item, name):
            return f"{name} is empty"
    if item.rule == BINARY_INTEGRITY:
        return f"rule {item.rule} is the service's own: it follows from observations"
    if not 1 <= item.count <= MAX_COUNT:
        return f"count {item.count} is not between 1 and {MAX_COUNT}"
    return "at has no time zone" if item.at.tzinfo is None else ""


def evidence_of(item: wire.Detection) -> dict[str, Any]:
    """What is kept of what a sensor saw: the process, what led to it, and the facts that the rule looked at."""
    return {
        "process": _process(item.process),
        "ancestors": [_process(process) for process in item.ancestors],
        "facts": dict(item.facts),
    }


def _process(process: wire.DetectedProcess) -> dict[str, Any]:
    arguments = [_cut(argument, MAX_ARGUMENT) for argument in process.arguments]
    return {
        "name": process.name,
        "path": process.path,
        "arguments": arguments,
        "pid": process.pid,
        "user": process.user,
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def program_of(evidence: Mapping[str, Any]) -> str:
    """What tells a program from others: its path, else its name; a very long one with a hash of all of it."""
    program: str = evidence["process"]["path"] or evidence["process"]["name"]
    if len(program) <= MAX_PROGRAM:
        return program
    return f"{_cut(program, MAX_PROGRAM)} ({blake2b(program.encode(), digest_size=16).hexdigest()})"
