"""What the console asks of a large fleet: lists, every filter, facets, quick filters, details and an export.

200 clusters, 60,000 running containers, 10,000 image tags with 300 packages each and 25,000 CVEs, made up
(`fleet`) and put into a real PostgreSQL. Each question is asked as the endpoints ask it, without HTTP. The baseline is
the plain list of images answered by joining tables, measured in the same run.

    make bench NAME=console_queries
    python -m benchmarks.console_queries --rounds 5 --share 0.1     a tenth of the fleet, and quickly
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmarks.fleet import Fleet, FleetSize
from benchmarks.fleet_runtime import process_name
from benchmarks.fleet_store import (
    cluster_name,
    cve_name,
    digest_of,
    fill,
    namespace_name,
    package_name,
    repository_name,
    tag_name,
    workload_name,
)
from benchmarks.result import Bar, describe_machine, finish, percentile
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server import migrations
from deadlight.server.assessment.export import ExportFormat, iter_export, select_for_export
from deadlight.server.assessment.facets import list_facet_values
from deadlight.server.assessment.filters import Component, ImageFilter, TimePeriod
from deadlight.server.assessment.grouping import ImagesOrder
from deadlight.server.assessment.image_contents import list_findings, list_packages
from deadlight.server.assessment.image_page import build_detail, build_rows
from deadlight.server.assessment.image_places import list_image_workloads
from deadlight.server.assessment.image_tags import ImageOrder, list_image_tags
from deadlight.server.assessment.images import list_images, summarise_images
from deadlight.server.assessment.images_schemas import Facet
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.db.engine import create_engine
from deadlight.server.settings import with_driver

BAR_MS = 50.0
UNFILTERED = "list: riskiest first"
BASELINE = "list by joining tables"

Question = Callable[[AsyncConnection], Awaitable[Any]]

# What the first page of the list costs where nothing is kept in memory: the plainest of its questions.
_BY_JOINING = text(
    """
    WITH tag AS MATERIALIZED (
        SELECT image_tag.registry, image_tag.repository,
               CAST(CASE WHEN risk.malicious > 0 THEN 8 ELSE 0 END
                    + CASE WHEN verdict.violation_type IS NOT NULL THEN 4 ELSE 0 END
                    + CASE WHEN risk.critical_applicable > 0 THEN 2 ELSE 0 END
                    + CASE WHEN verdict.status = 'Untrusted Registry' THEN 1 ELSE 0 END AS bigint) << 32
               | coalesce(risk.critical, 0) << 16 | coalesce(risk.high, 0) AS rank
        FROM image_tag
        LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
        LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
        LEFT JOIN image_risk AS risk ON risk.image_id = image_tag_image.image_id
        WHERE image_tag.id IN (SELECT image_tag_id FROM placement WHERE running)
    )
    SELECT registry, repository, max(rank) AS rank, count(*) AS tags, count(*) OVER () AS total
    FROM tag GROUP BY registry, repository ORDER BY max(rank) DESC, repository, registry LIMIT 50
    """
)

# As much as fifty changes a second bring between two questions.
_CHANGE = text("UPDATE placement SET running = NOT running WHERE workload_id = ANY(:workload_ids)")


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one question."""

    p50: float
    p95: float


def filters(fleet: Fleet) -> Mapping[str, ImageFilter]:
    """One of each; values that many have where there are such."""
    _, repository = repository_name(7)
    return {
        "search": ImageFilter(search="service-001"),
        "search that finds nothing": ImageFilter(search="no such image"),
        "period: 10 days": ImageFilter(period=TimePeriod.TEN_DAYS),
        "risk": ImageFilter(risks=[Risk.INTEGRITY_VIOLATION]),
        "severity": ImageFilter(severities=[Severity.CRITICAL]),
        "CVE": ImageFilter(cves=[_frequent_cve(fleet)]),
        "applicability": ImageFilter(applicabilities=[Applicability.APPLICABLE]),
        "integrity status": ImageFilter(integrity_statuses=[IntegrityStatus.INVALID_IMAGE_SOURCE]),
        "violation type": ImageFilter(violations=[ViolationType.DIGEST_MISMATCH]),
        "image name": ImageFilter(images=[repository]),
        "image tag": ImageFilter(tags=[tag_name(0)]),
        "image digest": ImageFilter(digests=[digest_of("image", 1)]),
        "repository": ImageFilter(repositories=["docker.io"]),
        "architecture": ImageFilter(architectures=["arm64"]),
        "package": ImageFilter(packages=[package_name(9)]),
        "package version": ImageFilter(packages=[package_name(9)], package_versions=["1.4.0"]),
        "component": ImageFilter(components=[Component(package_name(9), "1.4.0")]),
        "process name": ImageFilter(processes=[process_name(1)]),
        "process path": ImageFilter(paths=[f"/usr/bin/{process_name(1)}"]),
        "workload name": ImageFilter(workloads=[workload_name(5)]),
        "workload type": ImageFilter(workload_types=["StatefulSet"]),
        "node": ImageFilter(nodes=["node-00001"]),
        "cluster": ImageFilter(clusters=[cluster_name(3)]),
        "namespace": ImageFilter(namespaces=[namespace_name(0)]),
        "cluster, namespace, severity and search": ImageFilter(
            clusters=[cluster_name(3)], namespaces=[namespace_name(0)], severities=[Severity.HIGH], search="shop"
        ),
    }


def _frequent_cve(fleet: Fleet) -> str:
    """One that very many images have."""
    counts = [0] * fleet.size.vulnerabilities
    for number in fleet.findings.vulnerabilities.tolist():
        counts[number] += 1
    return cve_name(counts.index(max(counts)))


def questions(fleet: Fleet, live: LiveIndex) -> Iterator[tuple[str, Question]]:
    """Everything the console asks, by name."""
    everything = ImageFilter()
    yield BASELINE, lambda connection: connection.execute(_BY_JOINING)
    for order, name in (
        (ImagesOrder.RISK, UNFILTERED),
        (ImagesOrder.VULNERABILITIES, "list: most vulnerabilities first"),
        (ImagesOrder.WORKLOADS, "list: most workloads first"),
        (ImagesOrder.NAME, "list: by name"),
    ):
        yield name, _list(live, everything, order)
    yield "list: second page", _second_page(live)
    yield "quick filters and totals", lambda connection: summarise_images(connection, live, everything)
    yield "list after 25 changes", _after_changes(live)
    for name, wanted in filters(fleet).items():
        yield f"filter: {name}", _list(live, wanted)
        yield f"quick filters: {name}", _summary(live, wanted)
    for facet in Facet:
        yield f"facet: {facet.value}", _facet(live, facet, everything, "")
        yield f"facet: {facet.value}, filtered", _facet(live, facet, ImageFilter(severities=[Severity.HIGH]), "1")
    yield "tags of an image", _tags(live)
    for detail in (build_detail, list_findings, list_packages, list_image_workloads):
        yield f"detail: {detail.__name__}", _detail(detail)


def _list(live: LiveIndex, wanted: ImageFilter, order: ImagesOrder = ImagesOrder.RISK) -> Question:
    return lambda connection: list_images(connection, live, wanted, order=order, limit=50, next_key="")


def _summary(live: LiveIndex, wanted: ImageFilter) -> Question:
    return lambda connection: summarise_images(connection, live, wanted)


def _facet(live: LiveIndex, facet: Facet, wanted: ImageFilter, containing: str) -> Question:
    return lambda connection: list_facet_values(connection, live, facet, wanted, containing)


def _second_page(live: LiveIndex) -> Question:
    key = ""

    async def ask(connection: AsyncConnection) -> None:
        nonlocal key
        page = await list_images(connection, live, ImageFilter(), order=ImagesOrder.RISK, limit=50, next_key=key)
        key = page.next_key

    return ask


def _after_changes(live: LiveIndex) -> Question:
    async def ask(connection: AsyncConnection) -> None:
        await connection.execute(_CHANGE, {"workload_ids": list(range(1, 26))})
        await connection.commit()
        await list_images(connection, live, ImageFilter(), order=ImagesOrder.RISK, limit=50, next_key="")

    return ask


def _tags(live: LiveIndex) -> Question:
    wanted = ImageFilter(name="/".join(repository_name(1)))

    async def ask(connection: AsyncConnection) -> None:
        page = await list_image_tags(connection, live, wanted, order=ImageOrder.RISKS, limit=50, next_key="")
        await build_rows(connection, page.ids)

    return ask


def _detail(detail: Callable[[AsyncConnection, int], Awaitable[Any]]) -> Question:
    return lambda connection: detail(connection, 77)


async def measure(engine: AsyncEngine, question: Question, rounds: int) -> Measured:
    """Ask it again and again, each time on a connection of its own."""
    taken = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        async with engine.connect() as connection:
            await question(connection)
        taken.append((time.perf_counter() - started) * 1000)
    warm = taken[2:]
    return Measured(round(percentile(warm, 0.5), 1), round(percentile(warm, 0.95), 1))


async def run(url: str, fleet: Fleet, rounds: int) -> None:
    """Measure everything and say how it went."""
    engine = create_engine(with_driver(url), application="benchmark")
    live = LiveIndex()
    started = time.perf_counter()
    async with engine.connect() as connection:
        await live.read(connection)
    first_read = time.perf_counter() - started
    measured = {name: await measure(engine, question, rounds) for name, question in questions(fleet, live)}
    exported = await measure_export(engine, live)
    await engine.dispose()
    report(measured, first_read, exported, fleet)


async def measure_export(engine: AsyncEngine, live: LiveIndex) -> dict[str, float]:
    """The whole fleet as CSV: until its first rows, and altogether."""
    started = time.perf_counter()
    ids = await select_for_export(engine, live, ImageFilter())
    pieces, first = 0, 0.0
    async for _ in iter_export(engine, ids, TimePeriod.NOW, ExportFormat.CSV):
        pieces += 1
        first = first or time.perf_counter() - started
    return {"rows": len(ids), "first_piece_ms": round(first * 1000, 1), "seconds": time.perf_counter() - started}


def report(measured: Mapping[str, Measured], first_read: float, exported: Mapping[str, float], fleet: Fleet) -> None:
    """Print the table and end with the line of figures."""
    unfiltered = measured[UNFILTERED].p50
    for name, item in measured.items():
        ratio = f"{item.p50 / unfiltered:6.2f} x unfiltered" if name.startswith("filter:") else ""
        print(f"{name:55} p50 {item.p50:7.1f} ms   p95 {item.p95:7.1f} ms   {ratio}")
    print(f"export of {exported['rows']} rows: {exported['seconds']:.2f} s; first reading {first_read:.2f} s")
    asked = {name: item for name, item in measured.items() if name != BASELINE}
    slowest = max(asked, key=lambda name: asked[name].p95)
    figures = {
        "machine": describe_machine(),
        "fleet": {field.name: getattr(fleet.size, field.name) for field in fields(fleet.size)},
        "list_ms": [measured[UNFILTERED].p50, measured[UNFILTERED].p95],
        "baseline_ms": [measured[BASELINE].p50, measured[BASELINE].p95],
        "list_to_baseline": round(unfiltered / measured[BASELINE].p50, 2),
        "slowest": slowest,
        "slowest_ms": [asked[slowest].p50, asked[slowest].p95],
        "first_read_s": round(first_read, 2),
        "export": exported,
        "questions": {name: [item.p50, item.p95] for name, item in measured.items()},
    }
    slow = [name for name, item in asked.items() if item.p95 >= BAR_MS]
    print(f"above the bar: {', '.join(slow) or 'none'}")
    finish("console_queries", figures, [Bar(f"p95 of every question < {BAR_MS:.0f} ms", not slow)])


@contextmanager
def database() -> Iterator[str]:
    """The URL of a fresh, migrated database of our own."""
    folder = Path(tempfile.mkdtemp(prefix="dlb-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, settings={"fsync": "off"})
    try:
        url = server.start()
        migrations.upgrade(with_driver(url))
        asyncio.run(migrations.upgrade_job_queue(url))
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Read the arguments, make the fleet and measure."""
    parser = argparse.ArgumentParser(description="What the console asks of a large fleet.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--share", type=float, default=1.0, help="of the whole fleet, above 0 and at most 1")
    arguments = parser.parse_args()
    whole = FleetSize()
    scaled = {
        field.name: max(1, int(getattr(whole, field.name) * arguments.share))
        for field in fields(whole)
        if field.name not in {"packages_per_image", "files_seen_per_container"}
    }
    fleet = Fleet(replace(whole, **scaled))
    with database() as url:
        started = time.perf_counter()
        fill(url, fleet)
        print(f"{describe_machine()}; filled in {time.perf_counter() - started:.0f} s")
        asyncio.run(run(url, fleet, arguments.rounds))


if __name__ == "__main__":
    main()
