"""What a change of advisories costs: from the import until every image that it concerns is flagged.

A fleet of 10,000 running images with 300 packages each and 50,000 advisories, of which 10,000 speak of packages of the
fleet, in a real PostgreSQL. Then 1, 100 and 10,000 of those change (one more version is affected, or one less) through
the import and the job that follows it, one after the other in this process as the service's own would do it; and one
that speaks of the package that most images have. The baseline is the same change in a tenth of that fleet, whose
packages lie in as many images each.

Advisories are imported and packages matched as the service does it; the risks that follow from that for all images are
computed at once and copied in, and held against the service's own computation for some of them. At full size that takes
six to nine minutes for the whole fleet and one for its tenth, which `--keep` saves the next run.

    make bench NAME=rematch
    python -m benchmarks.rematch --keep /tmp/rematch              fills databases of 2.7 GB there, or uses them again
    python -m benchmarks.rematch --share 0.1                      smaller, against a tenth of that
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from benchmarks.console_queries import cpu_seconds_of, database
from benchmarks.fleet import Fleet, FleetSize, Ints, summarise_all
from benchmarks.fleet_store import fill, package_name, write_risks
from benchmarks.result import Bar, describe_machine, finish
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.osv import parse_advisory
from deadlight.model.event import EventType
from deadlight.server.advisories.changes import merge_advisory_changes
from deadlight.server.advisories.service import import_advisories
from deadlight.server.db.engine import create_engine
from deadlight.server.events.outbox import Event
from deadlight.server.events.relay import TOGETHER
from deadlight.server.findings.matching import match_packages
from deadlight.server.findings.service import (
    Said,
    refresh_concerned,
    refresh_images,
    refresh_program_risks,
    rematch_buckets,
)
from deadlight.server.settings import with_driver

SOURCE = "benchmark"
ADVISORIES = 50_000
"""Four of five speak of packages that nothing has, as most advisories do."""

CHANGES = (1, 100, 10_000)
"""In a smaller fleet at most as many as speak of its packages."""

ROUNDS = 5
"""Of each change; the median counts. Of the largest there is one."""

COMMONEST = "1 for the commonest package"

CHECKED = 20
"""Images whose copied risk is held against the service's own computation."""

BAR_SECONDS = 2.0
BAR_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Cost:
    """What a change took."""

    seconds: float
    cpu: float
    """Of this process and its connections' server processes, in seconds."""
    rows: int
    """Inserted, updated or deleted."""
    packages: int
    """Whose matches changed."""
    images: int
    """Whose risk is another one now."""
    concerned: int
    """Images that have a version which a changed advisory affects from now on, or no more: so many are looked at. They
    may have the vulnerability by another version as well, and be what they were."""


class Rematch:
    """A fleet and its advisories."""

    def __init__(self, engine: AsyncEngine, url: str, fleet: Fleet) -> None:
        self._engine = engine
        self._url = url
        self._fleet = fleet
        self._names = fleet.size.packages // 9
        self.concerned = min(ADVISORIES // 5, 2 * self._names)
        """How many advisories speak of packages of the fleet, from the first on."""

    async def prepare(self) -> None:
        """Import everything and assess every image, which is not measured."""
        for start in range(0, ADVISORIES, 5_000):
            async with self._engine.begin() as connection:
                batch = [self._advisory(number) for number in range(start, start + 5_000)]
                await import_advisories(connection, SOURCE, batch, [])
        async with self._engine.begin() as connection:
            await connection.execute(_TAKE_EVENTS)
        for start in range(0, self._fleet.size.packages, 1_000):
            async with self._engine.begin() as connection:
                await match_packages(connection, range(start + 1, start + 1_001))
        await self._vacuum()  # as autovacuum does within minutes of an import: else plans are made for empty tables
        await asyncio.to_thread(self._copy_risks)
        for start in range(0, self._fleet.size.image_tags, 250):
            async with self._engine.begin() as connection:
                await refresh_program_risks(connection, range(start + 1, start + 251))
        await self._vacuum()
        await self._check()

    async def _vacuum(self) -> None:
        async with self._engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))

    def _copy_risks(self) -> None:
        """What follows from the matches there are; no rule is about any of these vulnerabilities."""
        with psycopg.connect(self._url) as connection:
            connection.execute("TRUNCATE image_risk, applicability")
            found = np.array(connection.execute(_MATCHES).fetchall(), np.int64).reshape(-1, 3)
            ranks = np.array(connection.execute(_RANKS).fetchall(), np.int64)
            severity: Ints = np.zeros(ranks[:, 0].max() + 1, np.int64)
            severity[ranks[:, 0]] = ranks[:, 1]
            findings = self._fleet.find((found[:, 0], found[:, 1]), found[:, 2].astype(bool))
            findings = replace(findings, status=np.zeros_like(findings.status))
            risks = summarise_all(self._fleet, findings, severity)
            write_risks(connection, self._fleet, replace(risks, malicious=np.zeros_like(risks.malicious)))

    async def _check(self) -> None:
        """Raises RuntimeError where the service computes another risk."""
        images = self._fleet.size.image_tags
        before = await self._state()
        async with self._engine.begin() as connection:
            await refresh_images(connection, range(1, images + 1, max(1, images // CHECKED)))
        computed = (await self._state())[2] - before[2]
        if computed:
            raise RuntimeError(f"{computed} of {CHECKED} images have another risk than was copied")

    async def change(self, count: int) -> Cost:
        """Have so many advisories affect one version more, or one less, and bring the images in line."""
        return await self._change(self._spread(count))

    async def change_commonest(self) -> Cost:
        """Have one do so for the package that most images have, of those that its next change can concern."""
        names = np.arange(self._names)
        images = np.bincount(self._fleet.packages_of_image[1], minlength=self._fleet.size.packages)
        return await self._change([int(images[_turning(names, self._names)].argmax())])

    async def _change(self, numbers: Sequence[int]) -> Cost:
        advisories = await self._turn(numbers)
        before, spent, begun = await self._state(), await self._cpu(), time.perf_counter()
        async with self._engine.begin() as connection:
            await import_advisories(connection, SOURCE, advisories, [])
        await self._follow()
        seconds, cpu, after = time.perf_counter() - begun, await self._cpu() - spent, await self._state()
        rows, packages, images = (new - old for new, old in zip(after, before, strict=True))
        return Cost(seconds, cpu, rows, packages, images, self._count_concerned(numbers))

    def _spread(self, count: int) -> list[int]:
        """Advisories for packages that applications bring rather than bases, until there are no others."""
        first = self._names // 2 if count < self._names // 2 else 0
        step = max(1, (self._names - first) // count) if first else 1
        return [first + number * step for number in range(count)]

    async def _follow(self) -> None:
        """What the relay, which merges the events of the import, and the jobs do."""
        async with self._engine.begin() as connection:
            rows = (await connection.execute(_TAKE_EVENTS)).all()
        events = sorted((_event(row) for row in rows), key=lambda event: event.id)
        for start in range(0, len(events), TOGETHER):
            told = merge_advisory_changes(events[start : start + TOGETHER]).data
            async with self._engine.begin() as connection:
                said = Said(told["advisory_ids"], told["vulnerability_ids"])
                concerned = await rematch_buckets(connection, told["buckets"], said)
            await refresh_concerned(self._engine, concerned)

    def _count_concerned(self, numbers: Sequence[int]) -> int:
        turning = _turning(np.array(numbers), self._names)
        images, packages = self._fleet.packages_of_image
        return len(np.unique(images[np.isin(packages, turning)]))

    async def _cpu(self) -> float:
        async with self._engine.connect() as connection:
            servers = (await connection.execute(_SERVERS)).scalars().all()
        return time.process_time() + sum(map(cpu_seconds_of, servers))

    async def _state(self) -> tuple[int, int, int]:
        """Rows written so far, the sum of states of packages, and the versions of images' risks."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT pg_stat_force_next_flush()"))
        async with self._engine.connect() as connection:
            row = (await connection.execute(_STATE)).one()
            return int(row.rows), int(row.matched), int(row.computed)

    async def _turn(self, numbers: Sequence[int]) -> list[Advisory]:
        """Of the two that each can be, the one that it is not."""
        async with self._engine.connect() as connection:
            hashes = set((await connection.execute(_HASHES)).scalars())
        both = [(self._advisory(number), self._advisory(number, 1)) for number in numbers]
        return [other if one.content_hash in hashes else one for one, other in both]

    def _advisory(self, number: int, revision: int = 0) -> Advisory:
        name = package_name(9 * (number % self._names)) if number < self.concerned else f"elsewhere-{number}"
        document = {
            "id": f"BENCH-{number}",
            "modified": "2026-01-01T00:00:00Z",
            "summary": f"A flaw of {name}",
            "aliases": [f"CVE-2025-{number + 10_000}"],
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
            "affected": [
                {
                    "package": {"ecosystem": "Debian:12", "name": name},
                    "ranges": [
                        {
                            "type": "ECOSYSTEM",
                            "events": [{"introduced": "0"}, {"fixed": f"1.{_first_fixed(number) + revision}.0"}],
                        }
                    ],
                }
            ],
        }
        return parse_advisory(json.dumps(document).encode(), "benchmark")


def _event(row: Row[Any]) -> Event:
    return Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)


def _first_fixed(number: int | Ints) -> Any:
    """Of the nine versions of a package; in turn it is this one and the next."""
    return number % 3 + 3


def _turning(numbers: Ints, names: int) -> Ints:
    """The package that a change of each advisory begins or ceases to concern."""
    turning: Ints = 9 * (numbers % names) + _first_fixed(numbers)
    return turning


_TAKE_EVENTS = text("DELETE FROM event WHERE type = 'AdvisoriesChanged' RETURNING *")
_HASHES = text("SELECT content_hash FROM advisory")
_SERVERS = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'benchmark'")
_MATCHES = """
    SELECT package_id - 1, vulnerability_id - 1, CAST(fix_version <> '' AS integer)
    FROM vulnerability_match JOIN advisory_vulnerability USING (advisory_id)
    WHERE closed_at IS NULL ORDER BY package_id, vulnerability_id
"""
_RANKS = "SELECT id - 1, severity_rank FROM vulnerability"
_STATE = text(
    """
    SELECT (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables) AS rows,
           (SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'vulnerability_match') AS matched,
           (SELECT last_value FROM risk_version) AS computed
    """
)


def sized(share: float) -> FleetSize:
    """A share of the whole fleet, without vulnerabilities but one: they come with the import."""
    whole = FleetSize()
    names = [
        field.name for field in fields(whole) if field.name not in {"packages_per_image", "files_seen_per_container"}
    ]
    scaled = {name: max(1, int(getattr(whole, name) * share)) for name in names}
    return replace(whole, **{**scaled, "vulnerabilities": 1})


async def prepare_fleet(url: str, fleet: Fleet) -> None:
    """Fill the empty database."""
    begun = time.perf_counter()
    fill(url, fleet)
    engine = create_engine(with_driver(url), application="benchmark")
    await Rematch(engine, url, fleet).prepare()
    await engine.dispose()
    print(f"{fleet.size.image_tags} images: prepared in {time.perf_counter() - begun:.0f} s", flush=True)


async def measure_fleet(url: str, fleet: Fleet, changes: Sequence[int]) -> Mapping[str, Cost]:
    """The cost of changes in one fleet."""
    engine = create_engine(with_driver(url), application="benchmark")
    rematch = Rematch(engine, url, fleet)
    questions: dict[str, Callable[[], Awaitable[Cost]]] = {COMMONEST: rematch.change_commonest}
    possible = sorted({min(count, rematch.concerned) for count in changes})
    questions |= {str(count): partial(rematch.change, count) for count in possible}
    costs = {}
    for name, change in questions.items():
        taken = [await change() for _ in range(1 if name == str(possible[-1]) else ROUNDS)]
        costs[name] = sorted(taken, key=lambda cost: cost.seconds)[len(taken) // 2]
        print(f"{fleet.size.image_tags} images, {name} changed: {costs[name]}", flush=True)
    await engine.dispose()
    return costs


def measure_share(share: float, keep: Path | None) -> Mapping[str, Cost]:
    """The cost of changes in a share of the whole fleet, which is prepared unless it was kept."""
    fleet = Fleet(sized(share))
    folder = keep and keep / f"images-{fleet.size.image_tags}"
    prepared = folder and folder / "prepared"
    with database(folder) as url:
        if prepared is None or not prepared.exists():
            asyncio.run(prepare_fleet(url, fleet))
        if prepared:
            prepared.touch()
        return asyncio.run(measure_fleet(url, fleet, CHANGES))


def measure(share: float, keep: Path | None) -> None:
    """Measure both fleets and end the process with the result."""
    print(describe_machine())
    tenth, whole = measure_share(share / 10, keep), measure_share(share, keep)
    comparable = [count for count in whole if count in tenth and count != COMMONEST]  # there nearly nothing changes
    ratios = {count: _per_image(whole[count]) / _per_image(tenth[count]) for count in comparable}
    finish(
        "rematch",
        {
            "images": sized(share).image_tags,
            "advisories": ADVISORIES,
            "changed": {count: _figures(cost) for count, cost in whole.items()},
            "a tenth of the fleet": {count: _figures(cost) for count, cost in tenth.items()},
            "CPU of an image, ratio to a tenth of the fleet": {
                count: round(ratio, 2) for count, ratio in ratios.items()
            },
        },
        [
            Bar(f"1 changed: all images flagged within {BAR_SECONDS:.0f} s", whole["1"].seconds < BAR_SECONDS),
            *(
                Bar(f"{count} changed: an image costs at most {BAR_RATIO} times as much", ratio <= BAR_RATIO)
                for count, ratio in ratios.items()
            ),
        ],
    )


def _per_image(cost: Cost) -> float:
    return cost.cpu / max(1, cost.concerned)


def _figures(cost: Cost) -> dict[str, object]:
    return {
        "seconds": round(cost.seconds, 2),
        "cpu": round(cost.cpu, 2),
        "rows": cost.rows,
        "packages": cost.packages,
        "images": cost.images,
        "concerned": cost.concerned,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the whole fleet, above 0 and at most 1")
    parser.add_argument("--keep", type=Path, help="folder for the prepared databases, which the next run uses again")
    arguments = parser.parse_args()
    measure(arguments.share, arguments.keep)
