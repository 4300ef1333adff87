"""A rule held to what sensors reported before it: what it would have told, before anybody switches it on.

The records know less than a sensor does. A comparison of something that they do not hold is neither true nor false, and
what a rule says of a record is then perhaps. Pure but for `read_records`, and `replay_in_time` with its clock.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.condition import AllOf, AnyOf, Comparison, Condition, Not, comparisons_of, compile_condition
from deadlight.threats.rule import Rule

MAX_RECORDS = 20_000
"""Different records of each source that a rule is held to, the latest first."""

MAX_SECONDS = 10.0
"""For the records of one source: what containers choose can keep a rule's expressions busy."""

MAX_SHOWN = 50
"""Records of a source that are shown."""


class Source(StrEnum):
    """Which records a rule is held to."""

    EXECUTIONS = "executions"
    """Programs that containers executed."""
    OBSERVATIONS = "observations"
    """Files that processes opened or mapped."""


RECORDED: Mapping[Source, frozenset[ActivityKind]] = {
    Source.EXECUTIONS: frozenset({ActivityKind.EXECUTED}),
    Source.OBSERVATIONS: frozenset({ActivityKind.OPENED, ActivityKind.MAPPED}),
}
"""What is recorded at all; of everything else only detections are kept."""

_ALWAYS = ("activity.kind", "process.name", "process.arguments", "process.command", "process.argument_count")
HELD = frozenset({*_ALWAYS, "process.path", "process.programs", "process.user", "file.path", "file.changed"})
"""The fields that records hold, each unless it is empty."""

_EXECUTED = """
    SELECT 'executed' AS kind, program.name, program.path, program.arguments, execution.user_id,
           program.path AS file_path, execution.changed, execution.cluster_id, execution.container_id, execution.count,
           execution.last_at
    FROM execution JOIN program ON program.id = execution.program_id
"""
_OBSERVED = """
    SELECT grade AS kind, process AS name, program AS path, arguments, user_id, path AS file_path, changed, cluster_id,
           container_id, count, last_at
    FROM observation
"""


def _latest(records: str) -> TextClause:
    """The latest of each that differ in what a rule can look at, with the workload of the last container."""
    return text(
        f"""
        WITH latest AS (
            SELECT kind, name, path, arguments, user_id, file_path, changed, count(*) AS containers,
                   sum(count) AS times, max(last_at) AS last_at,
                   (array_agg(cluster_id ORDER BY last_at DESC))[1] AS cluster_id,
                   (array_agg(container_id ORDER BY last_at DESC))[1] AS container_id
            FROM ({records}) AS record WHERE last_at >= :since AND kind = ANY(:kinds)
            GROUP BY kind, name, path, arguments, user_id, file_path, changed
            ORDER BY max(last_at) DESC LIMIT :limit
        )
        SELECT latest.*, (SELECT cluster.name || '/' || workload.namespace || '/' || workload.name
                          FROM container JOIN pod ON pod.id = container.pod_id
                          JOIN workload ON workload.id = pod.workload_id
                          JOIN cluster ON cluster.id = workload.cluster_id
                          WHERE container.container_id = latest.container_id
                            AND container.cluster_id = latest.cluster_id LIMIT 1) AS workload
        FROM latest ORDER BY last_at DESC
        """  # noqa: S608 - constants
    )


_QUERIES: Mapping[Source, TextClause] = {
    Source.EXECUTIONS: _latest(_EXECUTED),
    Source.OBSERVATIONS: _latest(_OBSERVED),
}


@dataclass(frozen=True, slots=True)
class Record:
    """What sensors reported of the same process, over all containers."""

    activity: Activity
    held: frozenset[str]
    """The fields that are known of it."""
    containers: int
    times: int
    last_at: datetime
    workload: str
    """Of the last container in which it was; empty where nobody knows it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A record that a rule would match, or perhaps would."""

    record: Record
    perhaps: bool


Verdict = Callable[[Record], bool | None]
"""Whether a record meets a condition; None where it does not hold what that takes."""


def compile_verdict(condition: Condition) -> Verdict:
    """The condition over records that do not hold all of its fields."""
    match condition:
        case Comparison():
            field, holds = condition.field, compile_condition(condition)
            return lambda record: holds(record.activity) if field in record.held else None
        case AllOf():
            return _first_or_unknown(tuple(map(compile_verdict, condition.parts)), decides=False)
        case AnyOf():
            return _first_or_unknown(tuple(map(compile_verdict, condition.parts)), decides=True)
        case Not():
            part = compile_verdict(condition.part)
            return lambda record: None if (found := part(record)) is None else not found
        case _ as never:
            assert_never(never)


def _first_or_unknown(parts: Sequence[Verdict], *, decides: bool) -> Verdict:
    def verdict(record: Record) -> bool | None:
        found = [part(record) for part in parts]
        return decides if decides in found else None if None in found else not decides

    return verdict


def replay(rule: Rule, records: Iterable[Record]) -> Iterator[Replayed]:
    """The records that a rule matches, or perhaps does, in their order."""
    verdict = compile_verdict(rule.condition)
    for record in records:
        found = verdict(record) if record.activity.kind in rule.kinds else False
        if found is not False:
            yield Replayed(record, perhaps=found is None)


def replay_in_time(rule: Rule, records: Sequence[Record], seconds: float = MAX_SECONDS) -> tuple[list[Replayed], int]:
    """What a rule matches of the first records, and how many of them it was held to before the time was over."""
    ends = time.monotonic() + seconds
    looked_at = 0

    def in_time() -> Iterator[Record]:
        nonlocal looked_at
        for record in records:
            if time.monotonic() >= ends:
                return
            looked_at += 1
            yield record

    return list(replay(rule, in_time())), looked_at


def describe_gaps(rule: Rule) -> list[str]:
    """What of a rule cannot be tried on records, for people."""
    recorded = frozenset[ActivityKind]().union(*RECORDED.values())
    kinds = sorted(kind.value.replace("_", " ") for kind in rule.kinds - recorded)
    fields = sorted({each.field for each in comparisons_of(rule.condition)} - HELD)
    gaps = []
    if kinds:
        gaps.append(f"Not recorded, and so not tried: {', '.join(kinds)}.")
    if fields:
        gaps.append(f"Records do not hold {', '.join(fields)}: what depends on them matches perhaps.")
    if rule.kinds & RECORDED[Source.OBSERVATIONS]:
        gaps.append("Of a file in a container only the process that used it last is recorded.")
    if rule.kinds & recorded:
        gaps.append("Arguments are tried as they are kept: without secrets, and cut.")
    return gaps


async def read_records(connection: AsyncConnection, source: Source, since: datetime) -> list[Record]:
    """The latest different records of a source, at most one more than `MAX_RECORDS`."""
    kinds = [kind.value for kind in RECORDED[source]]
    parameters = {"since": since, "limit": MAX_RECORDS + 1, "kinds": kinds}
    return [_record(row) for row in await connection.execute(_QUERIES[source], parameters)]


def _record(row: Row[Any]) -> Record:
    process = ProcessFacts(name=row.name, path=row.path, arguments=tuple(row.arguments), user=row.user_id)
    activity = Activity(
        kind=ActivityKind(row.kind),
        at=0,
        container_id="",
        process=process,
        file_path=row.file_path,
        changed=row.changed,
    )
    unknown = {"process.path", "process.programs"} if not row.path else set()
    unknown |= {"process.user"} if row.user_id is None else set()
    return Record(activity, HELD - unknown, row.containers, int(row.times), row.last_at, row.workload or "")
