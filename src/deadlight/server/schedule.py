"""What happens by itself: the table of jobs and the table of what is done every so often."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from deadlight.server.advisories.refresh import RefreshFeed, collect_advisory_garbage, refresh_due_feeds, refresh_feed
from deadlight.server.attestations.jobs import CheckAttestations, check_attestations, check_due_attestations
from deadlight.server.detections.handlers import follow_detections, forget_detections
from deadlight.server.findings.jobs import (
    AssessImage,
    RefreshConcerned,
    RefreshImage,
    RefreshPrograms,
    RematchBuckets,
    reassess_stale,
    run_assess_image,
    run_refresh_concerned,
    run_refresh_image,
    run_refresh_programs,
    run_rematch_buckets,
)
from deadlight.server.integrity.comparison import CompareImages, run_compare_images
from deadlight.server.integrity.jobs import CheckSource, check_source
from deadlight.server.integrity.rechecks import CheckSources, check_due_sources, check_sources
from deadlight.server.inventory.forget import forget_gone
from deadlight.server.jobs.queue import Entry
from deadlight.server.ledger.jobs import end_suppressions, repair_windows
from deadlight.server.registries.facts import FetchFacts, fetch_due_facts, fetch_facts
from deadlight.server.runtime.handlers import join_waiting
from deadlight.server.scans.jobs import (
    AskScanner,
    RescanCluster,
    RescanImage,
    ScanImage,
    ask_scanner,
    rescan_stale,
    run_rescan_cluster,
    scan_image,
)
from deadlight.server.services import Services
from deadlight.server.workers.jobs import DeliverAlert, deliver_alert, sweep_alerts

logger = logging.getLogger(__name__)

JOBS: Sequence[Entry[Services]] = (
    Entry(CheckSource, check_source),
    Entry(CheckSources, check_sources),
    Entry(CompareImages, run_compare_images),
    Entry(FetchFacts, fetch_facts),
    Entry(ScanImage, scan_image),
    Entry(RescanImage, scan_image),
    Entry(RescanCluster, run_rescan_cluster),
    Entry(AskScanner, ask_scanner, at_once=8),
    Entry(AssessImage, run_assess_image),
    Entry(RefreshImage, run_refresh_image),
    Entry(RefreshPrograms, run_refresh_programs),
    Entry(RematchBuckets, run_rematch_buckets),
    Entry(RefreshConcerned, run_refresh_concerned),
    Entry(DeliverAlert, deliver_alert),
    Entry(CheckAttestations, check_attestations),
    Entry(RefreshFeed, refresh_feed, at_once=2),
)
"""THE table of jobs: which function runs which."""


async def forget_old(services: Services) -> None:
    """Delete what is of no use any more: handled events, ended sessions, what has been gone for long."""
    for statement in _FORGET:
        async with services.engine.begin() as connection:
            await connection.execute(text(statement), {"retention": services.settings.retention})
    await forget_gone(services.engine, services.settings.retention)


_FORGET = (
    "DELETE FROM event WHERE status = 'handled' AND handled_at < now() - interval '7 days'",
    "DELETE FROM session WHERE expires_at < now()",
    "DELETE FROM sign_in_failure WHERE failed_at < now() - interval '1 day'",
    """
    WITH gone AS (
        DELETE FROM observation WHERE last_at < now() - CAST(:retention AS interval) AND NOT EXISTS (
            SELECT FROM container WHERE container.container_id = observation.container_id
                                    AND container.cluster_id = observation.cluster_id AND container.removed_at IS NULL)
        RETURNING cluster_id, container_id
    )
    UPDATE observed_container AS observed SET kept = kept - old.rows
    FROM (SELECT cluster_id, container_id, count(*) AS rows FROM gone GROUP BY cluster_id, container_id) AS old
    WHERE observed.cluster_id = old.cluster_id AND observed.container_id = old.container_id
    """,
    """
    DELETE FROM execution WHERE last_at < now() - CAST(:retention AS interval) AND NOT EXISTS (
        SELECT FROM container WHERE container.container_id = execution.container_id
                                AND container.cluster_id = execution.cluster_id AND container.removed_at IS NULL)
    """,
    """
    DELETE FROM observed_container AS observed
    WHERE kept <= 0
      AND NOT EXISTS (SELECT FROM observation WHERE observation.container_id = observed.container_id
                                                AND observation.cluster_id = observed.cluster_id)
      AND NOT EXISTS (SELECT FROM container WHERE container.container_id = observed.container_id
                                              AND container.cluster_id = observed.cluster_id
                                              AND container.removed_at IS NULL)
    """,
    """
    DELETE FROM container_coverage AS coverage
    WHERE seen_at < now() - CAST(:retention AS interval)
       OR seen_at < now() - interval '1 day' AND NOT EXISTS (
              SELECT FROM container WHERE container.container_id = coverage.container_id
                                      AND container.cluster_id = coverage.cluster_id)
    """,
    """
    DELETE FROM program WHERE first_seen_at < now() - CAST(:retention AS interval)
      AND NOT EXISTS (SELECT FROM process WHERE process.program_id = program.id)
      AND NOT EXISTS (SELECT FROM execution WHERE execution.program_id = program.id)
    """,
    "DELETE FROM pgqueuer_log WHERE created < now() - interval '3 days'",
)


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something done every so often by every replica; each is safe to be done by several at once."""

    run: Callable[[Services], Awaitable[None]]
    every: timedelta


PERIODIC = (
    Periodic(check_due_sources, timedelta(seconds=1)),
    Periodic(check_due_attestations, timedelta(seconds=5)),
    Periodic(join_waiting, timedelta(seconds=5)),
    Periodic(follow_detections, timedelta(seconds=5)),
    Periodic(sweep_alerts, timedelta(seconds=15)),
    Periodic(fetch_due_facts, timedelta(minutes=1)),
    Periodic(rescan_stale, timedelta(minutes=1)),
    Periodic(reassess_stale, timedelta(minutes=1)),
    Periodic(end_suppressions, timedelta(seconds=10)),
    Periodic(repair_windows, timedelta(minutes=2)),
    Periodic(refresh_due_feeds, timedelta(seconds=5)),
    Periodic(collect_advisory_garbage, timedelta(hours=1)),
    Periodic(forget_old, timedelta(hours=1)),
    Periodic(forget_detections, timedelta(hours=1)),
)
"""THE table of what is done every so often."""


async def run_periodic(services: Services, periodic: Periodic) -> None:
    """Do it until cancelled, also after it failed; replicas drift apart by a little chance."""
    while True:
        await asyncio.sleep(periodic.every.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        try:
            await periodic.run(services)
        except Exception:
            logger.exception("periodic work failed, trying again", extra={"work": periodic.run.__name__})
