"""What the sensor said last, on disk: how it is, for whoever stands before a node that the service does not hear of.

It is the heartbeat without its coverage, as it was sent or could not be, written with each.
"""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from deadlight.model.wire import Heartbeat, InvalidMessageError, decode, encode
from deadlight.sensor.probe import Check
from deadlight.sensor.replacing import replace_file

FILE = "health.json"
MAX_BYTES = 1 << 20

SILENCE = timedelta(minutes=2)
"""A sensor that has said nothing for four heartbeats does not run, or hangs."""

SCARCE_BYTES = 16 << 20
"""A disk with less room soon has none for what the service does not know yet."""

_WAITING = {"journal_waiting": "observations", "spool_detections": "detections"}
_LOST = ("journal_lost", "spool_lost", "report_refused", "detections_refused", "overflow", "untold_detections")

logger = logging.getLogger(__name__)


def keep_last_word(state: Path, beat: Heartbeat) -> None:
    """Keep a heartbeat in the directory `state`, if that takes it: where it does not, the journal says so already."""
    try:
        replace_file(state / FILE, encode(replace(beat, coverage=())), lasting=False)
    except OSError as error:
        logger.debug("cannot keep %s: %s", state / FILE, error)


def examine_state(state: Path, now: datetime) -> tuple[Check, ...]:
    """What the sensor of this machine said last, and whether its disk has room. A sensor runs all the same."""
    return (_examine_disk(state), *_examine_last_word(state / FILE, now))


def _examine_disk(state: Path) -> Check:
    try:
        found = os.statvfs(state)
    except OSError as error:
        return Check("state directory", ok=False, detail=f"{state}: {error.strerror}", needed=False)
    free = found.f_bavail * found.f_frsize
    writable = os.access(state, os.W_OK)
    room = f"{free >> 20} MiB free" if writable else "cannot be written"
    return Check("state directory", ok=writable and free >= SCARCE_BYTES, detail=f"{state}: {room}", needed=False)


def _examine_last_word(path: Path, now: datetime) -> Iterator[Check]:
    try:
        with path.open("rb") as file:
            said_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            beat = decode(file.read(MAX_BYTES), Heartbeat)
    except FileNotFoundError:
        yield Check("sensor", ok=False, detail=f"none has said how it is yet (no {path})", needed=False)
        return
    except (OSError, InvalidMessageError) as error:
        yield Check("sensor", ok=False, detail=f"cannot read {path}: {error}", needed=False)
        return
    silence = timedelta(seconds=round(abs(now - said_at).total_seconds()))
    yield Check("sensor", ok=silence <= SILENCE, detail=f"{beat.version}, said how it is {silence} ago", needed=False)
    waiting = ", ".join(f"{beat.counters.get(name, 0)} {what}" for name, what in _WAITING.items())
    yield Check("waiting for the service", ok=True, detail=waiting, needed=False)
    lost = ", ".join(f"{name} {beat.counters[name]}" for name in _LOST if beat.counters.get(name))
    yield Check("lost", ok=not lost, detail=lost or "nothing", needed=False)
    yield from (Check("problem", ok=False, detail=problem, needed=False) for problem in beat.problems)
