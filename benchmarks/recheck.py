"""What a round of re-checks costs when nothing has changed, and when 1 in 100 tags has.

10,000 tags in 5 real docker-registry processes run in one cluster. After every tag has been checked once, rounds are
measured: one in which nothing has changed and one in which 1 % of the tags name another image, which all have to be
found. The baselines, in the same run: an unconditional GET of every manifest by the same client (requests and bytes),
and a job for each tag with its own statements, which is how a check is done alone (CPU of service and database).

    make bench NAME=recheck
    python -m benchmarks.recheck --registries 2 --tags 200     a smaller load
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from benchmarks.machinery import Deployment, deployment, free_port
from benchmarks.registries import TaggedRegistry, tagged_registry
from benchmarks.result import Bar, describe_machine, finish

from deadlight.client.rest import RestClient
from deadlight.registry import Endpoint, Limits, RegistryClient

AT_ONCE = 16
"""Questions under way in the baseline, as many as in a part of a round."""

ROUND_SECONDS = 1800.0
CHANGED_PART = 0.01


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took."""

    seconds: float
    service_cpu: float
    database_cpu: float
    requests: int
    received: int

    def figures(self, checks: int) -> dict[str, object]:
        """For the last line."""
        return {
            "seconds": round(self.seconds, 1),
            "service CPU s": round(self.service_cpu, 2),
            "database CPU s": round(self.database_cpu, 2),
            "CPU ms a check": round(1000 * self.cpu / checks, 2),
            "requests": self.requests,
            "KB": round(self.received / 1000),
        }

    @property
    def cpu(self) -> float:
        """Of service and database, in seconds."""
        return self.service_cpu + self.database_cpu


class Fleet:
    """The service, the registries and the tags that run."""

    def __init__(self, deployed: Deployment, registries: Sequence[TaggedRegistry]) -> None:
        self.deployed = deployed
        self.registries = registries
        self.tags = sum(len(registry.tags) for registry in registries)

    async def add_registries(self) -> None:
        """As an administrator does, without a bound on their pace that would be measured instead."""
        async with RestClient(self.deployed.url, self.deployed.token) as client:
            for registry in self.registries:
                body = {"host": registry.host, "url": registry.url, "checks_per_second": 1000}
                await client.post("/api/v1/registries", body)

    def run_everything(self) -> None:
        """Workloads of ten images each, straight into the database: inventory is not what is measured."""
        rows = [
            {"registry": registry.host, "repository": tag.repository, "tag": tag.name, "digest": tag.digest}
            for registry in self.registries
            for tag in registry.tags
        ]
        with psycopg.connect(self.deployed.database_url) as connection:
            connection.execute(_RUN_EVERYTHING, {"rows": json.dumps(rows)})

    async def round(self) -> Cost:
        """Make everything due and wait until it has been answered."""
        return await self._measure("UPDATE source_record SET next_check_at = now()")

    async def round_of_jobs(self) -> Cost:
        """The same with a job for each tag."""
        return await self._measure(_A_JOB_EACH)

    async def _measure(self, start: str) -> Cost:
        before = self._counters()
        with psycopg.connect(self.deployed.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS begun (at timestamptz)")
            connection.execute("TRUNCATE begun")
            connection.execute("INSERT INTO begun SELECT clock_timestamp()")
            connection.execute(start.encode())
            async with asyncio.timeout(ROUND_SECONDS):
                while self._left(connection):
                    await asyncio.sleep(0.2)
        after = self._counters()
        return Cost(
            seconds=after.seconds - before.seconds,
            service_cpu=after.service_cpu - before.service_cpu,
            database_cpu=after.database_cpu - before.database_cpu,
            requests=after.requests - before.requests,
            received=after.received - before.received,
        )

    def _left(self, connection: psycopg.Connection[Any]) -> int:
        """Sources without an answer since the round began, and jobs that are not done."""
        row = connection.execute(_LEFT).fetchone()
        assert row
        return int(row[0])

    def _counters(self) -> Cost:
        rows = self.deployed.query("SELECT coalesce(sum(requests), 0), coalesce(sum(bytes_received), 0) FROM registry")
        assert self.deployed.service.running
        cpu = cpu_seconds(self.deployed.service.running.pid), self._database_cpu()
        return Cost(time.monotonic(), *cpu, requests=int(str(rows[0][0])), received=int(str(rows[0][1])))

    def _database_cpu(self) -> float:
        """Of all server processes, those that have ended included."""
        rows = self.deployed.query("SELECT pg_postmaster_start_time(), current_setting('data_directory')")
        postmaster = int((Path(str(rows[0][1])) / "postmaster.pid").read_text().split()[0])
        return cpu_seconds(postmaster) + sum(map(cpu_seconds, children(postmaster)))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that have ended (proc(5), /proc/pid/stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0  # it ended in between
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Processes that any thread of this one has started and that run."""
    lists = (file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for children in lists for child in children.split()]


async def measure_gets(registries: Sequence[TaggedRegistry]) -> Cost:
    """The baseline: GET every manifest."""
    begun, cpu = time.monotonic(), time.process_time()
    async with aiohttp.ClientSession() as http:
        unbound = Limits(requests_per_second=1e6)
        clients = [RegistryClient(Endpoint(each.host, each.url), http, limits=unbound) for each in registries]
        await asyncio.gather(*(_get_all(client, each) for client, each in zip(clients, registries, strict=True)))
        traffic = [client.traffic.take() for client in clients]
    requests, received = sum(each.requests for each in traffic), sum(each.bytes_received for each in traffic)
    return Cost(time.monotonic() - begun, time.process_time() - cpu, 0.0, requests, received)


async def _get_all(client: RegistryClient, registry: TaggedRegistry) -> None:
    waiting = iter(registry.tags)

    async def get_in_turn() -> None:
        for tag in waiting:
            await client.fetch_manifest(tag.repository, tag.name)

    await asyncio.gather(*(get_in_turn() for _ in range(AT_ONCE)))


@asynccontextmanager
async def scene(registries: int, tags: int) -> AsyncIterator[Fleet]:
    """Everything runs and has been checked once."""
    async with AsyncExitStack() as stack:
        deployed = await stack.enter_async_context(deployment(free_port(), DEADLIGHT_INTEGRITY_INTERVAL="36000"))
        served = []
        for number in range(registries):
            folder = deployed.folder / f"registry-{number}"
            folder.mkdir()
            served.append(await stack.enter_async_context(tagged_registry(folder, free_port(), tags // registries)))
        fleet = Fleet(deployed, served)
        await fleet.add_registries()
        fleet.run_everything()
        first = await fleet.round()
        print(f"pushed and checked for the first time in {first.seconds:.0f} s")
        yield fleet


async def measure(registries: int, tags: int) -> None:
    """Run everything and end the process with the result."""
    print(describe_machine())
    async with scene(registries, tags) as fleet:
        gets = await measure_gets(fleet.registries)
        unchanged = await fleet.round()
        changed_tags = round(fleet.tags * CHANGED_PART)
        for registry in fleet.registries:
            await registry.change(changed_tags // registries)
        changed = await fleet.round()
        (found,) = fleet.deployed.query("SELECT count(*) FROM violation WHERE closed_at IS NULL")
        jobs = await fleet.round_of_jobs()
    finish(
        "recheck",
        {
            "tags": fleet.tags,
            "registries": registries,
            "unchanged": unchanged.figures(fleet.tags),
            "1% changed": changed.figures(fleet.tags),
            "baseline, a job for each tag": jobs.figures(fleet.tags) | {"requests": "as above", "KB": "as above"},
            "baseline, GET of every manifest": gets.figures(fleet.tags),
            "changed": changed_tags,
            "found": found[0],
            "CPU ratio to a job for each": round(unchanged.cpu / jobs.cpu, 2),
            "bytes ratio to GET": round(unchanged.received / gets.received, 2),
            "CPU ratio 1% changed to unchanged": round(changed.cpu / unchanged.cpu, 2),
        },
        [
            Bar("unchanged: one request for each tag", unchanged.requests == fleet.tags),
            Bar("unchanged: less than a third of the CPU of a job for each tag", unchanged.cpu < jobs.cpu / 3),
            Bar("unchanged: less than half the bytes of GET", unchanged.received < gets.received / 2),
            Bar("1% changed: all found and nothing else", found[0] == changed_tags),
            Bar("1% changed: less than twice the CPU of unchanged", changed.cpu < 2 * unchanged.cpu),
        ],
    )


_RUN_EVERYTHING = """
    WITH made AS (
        INSERT INTO cluster (uid, name) VALUES ('benchmark', 'benchmark') RETURNING id
    ), tags AS (
        INSERT INTO image_tag (registry, repository, tag, digest, platform, pinned_digest)
        SELECT registry, repository, tag, digest, 'linux/amd64', ''
        FROM jsonb_to_recordset(CAST(%(rows)s AS jsonb)) AS row(registry text, repository text, tag text, digest text)
        RETURNING id, registry, repository, tag
    ), sources AS (
        INSERT INTO source_record (registry, repository, reference, next_check_at)
        SELECT registry, repository, tag, now() + interval '1 day' FROM tags
    )
    INSERT INTO workload (cluster_id, uid, namespace, kind, kind_name, name, desired, ready, status, content_hash,
                          image_tag_ids)
    SELECT made.id, 'workload-' || tags.id / 10, 'shop', 'Deployment', '', 'workload-' || tags.id / 10, 1, 1, 'running',
           0, array_agg(tags.id ORDER BY tags.id)
    FROM made, tags GROUP BY made.id, tags.id / 10
"""

_A_JOB_EACH = """
    INSERT INTO pgqueuer (priority, status, entrypoint, payload)
    SELECT 0, 'queued', 'check_source', convert_to(jsonb_build_object('source_id', id)::text, 'UTF8')
    FROM source_record
"""

_LEFT = """
    SELECT (SELECT count(*) FROM source_record, begun WHERE answered_at IS NULL OR answered_at < begun.at)
         + (SELECT count(*) FROM pgqueuer WHERE entrypoint LIKE 'check_source%' AND status IN ('queued', 'picked'))
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registries", type=int, default=5)
    parser.add_argument("--tags", type=int, default=10_000, help="in all of them together")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.registries, arguments.tags))
