"""What sensors saw in a made-up fleet: files, programs, processes, and which packages these use."""

from uuid import UUID

import numpy as np
from benchmarks.fleet import Fleet, Ints, distinct_pairs
from benchmarks.fleet_copy import Connection, copy_columns, indexed_afterwards

from deadlight.model.vulnerability import Severity

MOMENTS = ("2026-11-01 12:00:00+00", "2026-11-20 12:00:00+00")
NAMES = 400
ARGUMENTS = 7
EXECUTED = 2
"""Programs that every watched container executes; what else is seen of it are files."""

_EXECUTIONS = """
    INSERT INTO execution (cluster_id, container_id, program_id, pid, parent_pid, count, first_at, last_at, changed,
                           placed)
    SELECT cluster_id, container_id, program_id, max(pid), 0, sum(count), min(first_at), max(last_at), false, true
    FROM observation WHERE grade = 'executed' GROUP BY cluster_id, container_id, program_id
"""

_PROCESSES = """
    INSERT INTO process (workload_id, image_tag_id, program_id, changed, first_at, last_at)
    SELECT pod.workload_id, container.image_tag_id, observation.program_id, false, min(first_at), max(last_at)
    FROM observation
    JOIN container ON container.container_id = observation.container_id
    JOIN pod ON pod.id = container.pod_id
    WHERE observation.grade = 'executed'
    GROUP BY pod.workload_id, container.image_tag_id, observation.program_id
"""


def cluster_id(number: int) -> UUID:
    """Of a cluster."""
    return UUID(int=number + 1)


def container_name(number: int) -> str:
    """What sensors know it by."""
    return f"{number:064x}"


def process_name(number: int) -> str:
    """A few hundred programs; every container runs its own main one."""
    return f"process-{number % NAMES:03d}"


def program_of(tags: Ints, item: Ints) -> Ints:
    """The number of a program that containers of an image tag execute: it has a name and arguments."""
    return (tags * 3 + item % EXECUTED) % NAMES * ARGUMENTS + tags % ARGUMENTS


def program_id(number: int) -> UUID:
    """Of a program."""
    return UUID(int=number + 1)


def write_runtime(connection: Connection, fleet: Fleet) -> None:
    """Write it; containers and images are there."""
    _write_programs(connection)
    _write_observations(connection, fleet)
    connection.execute(_EXECUTIONS)
    connection.execute(_PROCESSES)
    _write_uses(connection, fleet)
    _write_uses_by_programs(connection, fleet)
    _write_program_risks(connection, fleet)


def _write_programs(connection: Connection) -> None:
    numbers = range(NAMES * ARGUMENTS)
    names = [process_name(item // ARGUMENTS) for item in numbers]
    copy_columns(
        connection,
        "program",
        ("id", "name", "path", "arguments"),
        [str(program_id(item)) for item in numbers],
        names,
        [f"/usr/bin/{name}" for name in names],
        [f'{{{name},"--listen=:{8000 + item % ARGUMENTS}"}}' for item, name in zip(numbers, names, strict=True)],
    )


def _write_observations(connection: Connection, fleet: Fleet) -> None:
    size = fleet.size
    clusters = fleet.cluster_of_workload[fleet.workload_of_pod[fleet.pod_of_container]]
    watched = np.flatnonzero(clusters % 2 == 0)
    number = np.tile(np.arange(size.files_seen_per_container), len(watched))
    container: Ints = np.repeat(watched, size.files_seen_per_container)
    grades = [("executed", "mapped", "opened")[min(item // EXECUTED, 2)] for item in number.tolist()]
    tags = fleet.tag_of_container[container]
    programs = program_of(tags, number).tolist()
    names = [process_name(program // ARGUMENTS) for program in programs]
    with indexed_afterwards(connection, "observation"):
        copy_columns(
            connection,
            "observation",
            ("cluster_id", "container_id", "grade", "path", "node_name", "count", "first_at", "last_at", "pid",
             "process", "arguments", "changed", "image_id", "program_id", "placed"),
            [str(cluster_id(item)) for item in clusters[container].tolist()],
            [container_name(item) for item in container.tolist()],
            grades,
            [f"/usr/bin/{name}" if grade == "executed" else f"/usr/lib/file-{item}.so"
             for name, grade, item in zip(names, grades, number.tolist(), strict=True)],
            *("node", "1", *MOMENTS, "1"),
            names,
            *("{}", "f"),
            tags + 1,
            [str(program_id(item)) if grade == "executed" else "\\N"
             for item, grade in zip(programs, grades, strict=True)],
            "t",
        )  # fmt: skip


def _write_uses(connection: Connection, fleet: Fleet) -> None:
    used = fleet.used
    images, packages = (column[used] for column in fleet.packages_of_image)
    copy_columns(
        connection,
        "package_use",
        ("image_id", "package_id", "grade", "grade_rank", "path", "process", "container_id", "cluster_id", "first_at",
         "last_at"),
        images + 1,
        packages + 1,
        *("mapped", "2", "/usr/lib/libshared.so", "server", container_name(0), str(cluster_id(0)), *MOMENTS),
    )  # fmt: skip


def _write_uses_by_programs(connection: Connection, fleet: Fleet) -> None:
    images, packages = (column[fleet.used] for column in fleet.packages_of_image)
    copy_columns(
        connection,
        "program_package",
        ("image_id", "program_id", "package_id", "grade", "grade_rank", "path"),
        images + 1,
        [str(program_id(item)) for item in program_of(images, packages).tolist()],
        packages + 1,
        *("mapped", "2", "/usr/lib/libshared.so"),
    )


def _write_program_risks(connection: Connection, fleet: Fleet) -> None:
    """Of every program that uses a package with a finding."""
    findings, levels = fleet.findings, len(Severity)
    which = np.flatnonzero(findings.validated)
    images = findings.images[which]
    programs = images << 16 | program_of(images, findings.packages[which])
    programs, vulnerabilities = distinct_pairs(programs, findings.vulnerabilities[which])
    keys, groups = np.unique(programs, return_inverse=True)
    ranks = fleet.severity_of_vulnerability[vulnerabilities]
    counts = np.bincount(groups * levels + ranks, minlength=len(keys) * levels).reshape(-1, levels)
    copy_columns(
        connection,
        "program_risk",
        ("image_id", "program_id", "critical_applicable", "malicious", *(level.value.lower() for level in Severity)),
        (keys >> 16) + 1,
        [str(program_id(item)) for item in (keys & 0xFFFF).tolist()],
        ((counts[:, Severity.CRITICAL.rank] > 0) & (keys % 5 == 0)).astype(np.int64),
        "0",
        *(counts[:, level.rank] for level in Severity),
    )
