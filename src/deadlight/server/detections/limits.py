"""What of a detection can be stored, and for how long.

What a container chose itself is cut; what a sensor says wrongly is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY
from deadlight.server.errors import BadRequestError
from deadlight.server.runtime.limits import MAX_CONTAINER_ID_BYTES
from deadlight.threats.rule import MAX_ID, RULE_ID

MAX_COUNT = 2**31 - 1
MAX_ARGUMENT = 512
"""Characters of an argument that are kept. A command line may have two megabytes."""

MAX_EVIDENCE = 16_384
"""Characters of all that a sensor saw of one detection that are kept, the process itself first."""

MAX_TITLE = 512
"""Characters. A rule's title has at most 200."""

MAX_PROGRAM = 1024
"""Characters of a program's path that tell it from others."""

REPORTS_KEPT = timedelta(days=7)
"""How long single reports are kept, and known when they come again."""


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
    if not item.id:
        return "id is empty"
    if len(item.rule) > MAX_ID or not RULE_ID.fullmatch(item.rule):
        return "rule is no rule's id: lower-case words with dashes"
    if item.rule == BINARY_INTEGRITY:
        return f"rule {item.rule} is the service's own: it follows from observations"
    if len(item.container_id.encode()) > MAX_CONTAINER_ID_BYTES:
        return f"container_id has more than {MAX_CONTAINER_ID_BYTES} bytes"
    if not 1 <= item.count <= MAX_COUNT:
        return f"count {item.count} is not between 1 and {MAX_COUNT}"
    return "at has no time zone" if item.at.tzinfo is None else ""


def evidence_of(item: wire.Detection) -> dict[str, Any]:
    """What is kept of what a sensor saw: the process, what led to it, and the facts that the rule looked at."""
    room = _Room(MAX_EVIDENCE)
    process = _process(item.process, room)
    facts = {name: room.take(text) for name, text in item.facts.items()}
    return {"process": process, "ancestors": [_process(one, room) for one in item.ancestors], "facts": facts}


class _Room:
    """How many characters of an evidence's texts are still kept."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, text: str, most: int = MAX_EVIDENCE) -> str:
        kept = _cut(text, min(most, self._left))
        self._left = max(0, self._left - len(kept))
        return kept


def _process(process: wire.DetectedProcess, room: _Room) -> dict[str, Any]:
    return {
        "name": room.take(process.name),
        "path": room.take(process.path),
        "arguments": [room.take(argument, MAX_ARGUMENT) for argument in process.arguments],
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
