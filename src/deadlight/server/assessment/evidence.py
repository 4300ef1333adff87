"""The evidence that a package is in use, and what it rests on where there is none."""

from datetime import datetime

from pydantic import BaseModel

from deadlight.server.runtime.coverage import Coverage, CoverageLevel

SEEN = """
    package_use.first_at AS first_seen_running_at,
    greatest(package_use.last_at, evidence.last_at) AS last_seen_running_at,
    coalesce(evidence.program, '') AS evidence_program, evidence.pid AS evidence_pid,
    evidence.user_id AS evidence_user, evidence.count AS evidence_count,
    CASE WHEN package_use.package_id IS NULL THEN coalesce(tool_read.process, '') ELSE '' END AS read_by_tool
"""

SEEN_BY = """
    LEFT JOIN LATERAL (
        SELECT * FROM observation AS seen
        WHERE seen.cluster_id = package_use.cluster_id AND seen.container_id = package_use.container_id
          AND seen.grade IN (package_use.grade, 'executed') AND seen.path = package_use.path
        ORDER BY seen.grade = package_use.grade DESC LIMIT 1) AS evidence ON true
    LEFT JOIN tool_read ON tool_read.image_id = {of}.image_id AND tool_read.package_id = {of}.package_id
"""
"""What `SEEN` selects from, of rows that have `package_use` joined. The strongest evidence is an observation, which is
counted on; what is linked into a program is mapped when that is executed."""


class Evidence(BaseModel):
    """Who used a package how: the strongest evidence there is. Nothing in it where the package was not seen in use."""

    grade: str | None
    evidence_path: str
    """The file of the package that was used."""
    evidence_process: str
    evidence_program: str
    """The executable of the process; empty where sensors did not say."""
    evidence_pid: int | None
    """As the host counts."""
    evidence_user: int | None
    """The uid as the host counts."""
    evidence_count: int | None
    """How often this was seen in that container."""
    first_seen_running_at: datetime | None
    last_seen_running_at: datetime | None
    read_by_tool: str
    """Of a package that was not seen in use: a program that reads whatever there is, and read its files too."""


class CoverageOut(BaseModel):
    """What it rests on that something was not seen in use: how completely the running containers are watched."""

    level: CoverageLevel
    """Only where it is complete does "not seen" say something."""
    statement: str
    """The same as a sentence."""
    reasons: list[str]
    containers: int
    watched: int
    from_start: int
    watched_seconds: float
    """For how long the container that is watched longest has been."""


def describe_coverage(coverage: Coverage) -> CoverageOut:
    """The same as a body."""
    return CoverageOut(
        level=coverage.level,
        statement=coverage.statement,
        reasons=list(coverage.reasons),
        containers=coverage.containers,
        watched=coverage.watched,
        from_start=coverage.from_start,
        watched_seconds=coverage.longest.total_seconds(),
    )
