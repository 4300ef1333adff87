"""From what sensors say to rows that PostgreSQL can store: bounded, and one for each key. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.moments import plausible

MAX_PATH_BYTES = 2_000

_SEEN_BY = ("pid", "process", "arguments", "program", "user_id")
"""What says who it was. A program that uses a file takes the place of a tool that reads whatever there is."""


def observation_rows(observations: Iterable[wire.Observation], now: datetime) -> list[dict[str, Any]]:
    """One row for each container, grade and path: PostgreSQL updates a row once per statement."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in observations:
        row = _row(item, now)
        known = rows.setdefault((row["container_id"], row["grade"], row["path"]), row)
        if known is not row:
            _add_up(known, row)
            known["sha256"] = row["sha256"] or known["sha256"]
            if known["tool"] and not row["tool"]:
                known.update({name: row[name] for name in _SEEN_BY}, tool=False)
    return list(rows.values())


def execution_rows(observations: Iterable[wire.Observation], now: datetime) -> list[dict[str, Any]]:
    """One row for each program that a container executed: its name, path, arguments and hash."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in observations:
        if item.grade is Grade.EXECUTED:
            row = _row(item, now)
            key = (row["container_id"], row["process"], row["path"], tuple(row["arguments"]), row["sha256"])
            known = rows.setdefault(key, row)
            if known is not row:
                _follow(known, row)
    return list(rows.values())


def _follow(known: dict[str, Any], row: Mapping[str, Any]) -> None:
    """What was said last of whether it runs, and as which process, holds."""
    if row["last_at"] >= known["last_at"]:
        running = known["running"] if row["running"] is None else row["running"]
        known.update({name: row[name] for name in ("pid", "parent_pid", "user_id")}, running=running)
    _add_up(known, row)


def _add_up(known: dict[str, Any], row: Mapping[str, Any]) -> None:
    known["count"] += row["count"]
    known["first_at"] = min(known["first_at"], row["first_at"])
    known["last_at"] = max(known["last_at"], row["last_at"])
    known["changed"] = known["changed"] or row["changed"]


def _row(item: wire.Observation, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = without_zero_bytes(msgspec.structs.asdict(item))
    row |= {"first_at": plausible(item.first_at, now), "last_at": plausible(item.last_at, now)}
    digest = subject_digest(item.grade, item.path)  # of what the sensor said, whatever of it can be stored
    return row | {"path": bounded(row["path"]), "user_id": row.pop("user"), "digest": digest}


def subject_digest(grade: Grade, path: str) -> int:
    """A subject's part of its container's `observation_digest`, as PostgreSQL's signed bigint."""
    return signed(wire.observation_digest([(grade, path)]))


def signed(digest: str) -> int:
    """An `observation_digest` as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(digest), signed=True)


def bounded(path: str) -> str:
    """A path that PostgreSQL's index can hold. No package has a longer one; a process may well make one up."""
    raw = path.encode()
    if len(raw) <= MAX_PATH_BYTES:
        return path
    return f"{raw[:MAX_PATH_BYTES].decode(errors='ignore')}… ({blake2b(raw, digest_size=16).hexdigest()})"
