"""What a change of advisories costs: from the import until every image that it concerns is flagged.

A fleet of 10,000 running images with 300 packages each and 50,000 advisories, of which 10,000 speak of packages of the
fleet, in a real PostgreSQL. Then 1, 100 and 10,000 of those change (one more version is affected) through the import
and the job that follows it, one after the other in this process as the service's own would do it. The baseline is the
same change in a tenth of that fleet, whose packages lie in as many images each.

    make bench NAME=rematch
    python -m benchmarks.rematch --share 0.1      smaller, against a tenth of that
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from benchmarks.console_queries import database
from benchmarks.fleet import Fleet, FleetSize
from benchmarks.fleet_store import fill, package_name
from benchmarks.result import Bar, describe_machine, finish
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.osv import parse_advisory
from deadlight.server.advisories.service import import_advisories
from deadlight.server.db.engine import create_engine
from deadlight.server.findings.service import rematch_buckets
from deadlight.server.settings import with_driver

SOURCE = "benchmark"
ADVISORIES = 50_000
"""Four of five speak of packages that nothing has, as most advisories do."""

CHANGES = (1, 100, 10_000)
ROUNDS = 5
"""Of each change; the median counts. Of the largest there is one."""

BAR_SECONDS = 2.0
BAR_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Cost:
    """What a change took."""

    seconds: float
    rows: int
    """Inserted, updated or deleted."""
    packages: int
    """Whose matches changed."""
    images: int
    """Whose risk was computed anew and is another one."""


class Rematch:
    """A fleet and its advisories."""

    def __init__(self, engine: AsyncEngine, names: int, concerned: int) -> None:
        self._engine = engine
        self._names = names
        self._concerned = concerned
        """How many advisories speak of packages of the fleet, from the first on."""
        self._revisions = dict.fromkeys(range(concerned), 0)

    async def prepare(self) -> None:
        """Import everything and assess every image, which is not measured."""
        for start in range(0, ADVISORIES, 5_000):
            async with self._engine.begin() as connection:
                batch = [self._advisory(number) for number in range(start, start + 5_000)]
                await import_advisories(connection, SOURCE, batch, [])
        await self._follow()
        async with self._engine.connect() as connection:
            # As autovacuum does within minutes of an import: without it plans are made for empty tables.
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))

    async def change(self, count: int) -> Cost:
        """Have so many advisories affect one version more, or one less, and bring the images in line."""
        numbers = self._spread(count)
        for number in numbers:
            self._revisions[number] += 1
        advisories = [self._advisory(number) for number in numbers]
        before, begun = await self._state(), time.perf_counter()
        async with self._engine.begin() as connection:
            await import_advisories(connection, SOURCE, advisories, [])
        await self._follow()
        seconds, after = time.perf_counter() - begun, await self._state()
        return Cost(seconds, *(new - old for new, old in zip(after, before, strict=True)))

    def _spread(self, count: int) -> list[int]:
        """Advisories for packages that applications bring rather than bases, until there are no others."""
        first = self._names // 2 if count < self._names // 2 else 0
        step = max(1, (self._names - first) // count) if first else 1
        return [first + number * step for number in range(count)]

    async def _follow(self) -> None:
        """What the job does for each event of the import."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(_TAKE_EVENTS)
            events = rows.all()
        for event in events:
            async with self._engine.begin() as connection:
                buckets = [(ecosystem, name) for ecosystem, name in event.data["buckets"]]
                await rematch_buckets(connection, buckets, event.recorded_at, event.data["vulnerability_ids"])

    async def _state(self) -> tuple[int, int, int]:
        """Rows written so far, the sum of states of packages, and the versions of images' risks."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT pg_stat_force_next_flush()"))
        async with self._engine.connect() as connection:
            row = (await connection.execute(_STATE)).one()
            return int(row.rows), int(row.matched), int(row.computed)

    def _advisory(self, number: int) -> Advisory:
        revision = self._revisions.get(number, 0)
        name = package_name(9 * (number % self._names)) if number < self._concerned else f"elsewhere-{number}"
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
                            "events": [{"introduced": "0"}, {"fixed": f"1.{number % 3 + 3 + revision % 2}.0"}],
                        }
                    ],
                }
            ],
        }
        return parse_advisory(json.dumps(document).encode(), "benchmark")


_TAKE_EVENTS = text("DELETE FROM event WHERE type = 'AdvisoriesChanged' RETURNING data, recorded_at")
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


async def measure_fleet(url: str, fleet: Fleet, changes: Sequence[int]) -> Mapping[int, Cost]:
    """The cost of changes in one fleet."""
    engine = create_engine(with_driver(url), application="benchmark")
    names = fleet.size.packages // 9
    rematch = Rematch(engine, names, min(ADVISORIES // 5, 2 * names))
    begun = time.perf_counter()
    await rematch.prepare()
    print(f"{fleet.size.image_tags} images: all advisories imported and matched in {time.perf_counter() - begun:.0f} s")
    costs = {}
    for count in changes:
        if count <= min(ADVISORIES // 5, 2 * names):
            taken = [await rematch.change(count) for _ in range(ROUNDS if count < 1_000 else 1)]
            costs[count] = sorted(taken, key=lambda cost: cost.seconds)[len(taken) // 2]
            print(f"{fleet.size.image_tags} images, {count} changed: {costs[count]}", flush=True)
    await engine.dispose()
    return costs


def measure(share: float) -> None:
    """Measure both fleets and end the process with the result."""
    print(describe_machine())
    measured = []
    for part in (share / 10, share):
        fleet = Fleet(sized(part))
        with database() as url:
            fill(url, fleet)
            measured.append(asyncio.run(measure_fleet(url, fleet, CHANGES)))
    tenth, whole = measured
    both = sorted(tenth.keys() & whole.keys())
    ratios = {count: _per_image(whole[count]) / _per_image(tenth[count]) for count in both}
    finish(
        "rematch",
        {
            "images": sized(share).image_tags,
            "advisories": ADVISORIES,
            "changed": {count: _figures(cost) for count, cost in whole.items()},
            "a tenth of the fleet": {count: _figures(cost) for count, cost in tenth.items()},
            "time of an image, ratio to a tenth of the fleet": {
                count: round(ratio, 2) for count, ratio in ratios.items()
            },
        },
        [
            Bar(f"1 changed: all images flagged within {BAR_SECONDS:.0f} s", whole[1].seconds < BAR_SECONDS),
            *(
                Bar(f"{count} changed: an image costs at most {BAR_RATIO} times as much", ratio <= BAR_RATIO)
                for count, ratio in ratios.items()
            ),
        ],
    )


def _per_image(cost: Cost) -> float:
    return cost.seconds / max(1, cost.images)


def _figures(cost: Cost) -> dict[str, object]:
    return {"seconds": round(cost.seconds, 2), "rows": cost.rows, "packages": cost.packages, "images": cost.images}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the whole fleet, above 0 and at most 1")
    measure(parser.parse_args().share)
