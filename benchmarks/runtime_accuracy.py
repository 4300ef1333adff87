"""Which packages does the sensor prove to be in use, against the labelled truth, in real containers.

Applications in Python, Node, Java, Go and a shell job (`labelled_workloads`) lie in a real registry as images of real
packages. The service scans them there; runc runs them here; the sensor watches. While each runs, it is asked once for
what it imports only then, and tools read everything in it (`dpkg -l`, `find`, `tar`, `grep -r`). What the service then
holds to be in use is compared with the labels, for each ecosystem and grade. One Python container is older than the
sensor, and one lives for a moment only.

The baseline is what the same observations would say if every opened file counted, whoever opened it.

    make bench NAME=runtime_accuracy
    python -m benchmarks.runtime_accuracy --only node java  some workloads

The images are built on the first run, which takes minutes and 1 GB below `~/.cache/deadlight-bench`.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import psycopg
from benchmarks.image_fleet import FleetImage, PushedImage, build_images, push_images
from benchmarks.labelled_workloads import PORT_VARIABLE, WORKLOADS, Labelled
from benchmarks.machinery import Deployment, Process, deployment, free_port
from benchmarks.real_containers import Container, check_machine, container, pull_image
from benchmarks.registries import TaggedRegistry, tagged_registry
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.watched_node import find_missing, start_sensor

from deadlight.client.rest import RestClient
from deadlight.model.observation import Grade
from deadlight.sensor.archives import UNSEEN

PRECISION_BAR = 0.95
RECALL_BAR = 0.95
WAIT_SECONDS = 600.0
QUIET_SECONDS = 6.0
"""So long nothing new has to come before everything is held to have come."""

CLUSTER = "benchmark"
NODE = "node-1"

Uses = Mapping[str, tuple[Grade, str, str]]
"""Package -> grade, path and process of the evidence."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the service says of one image."""

    packages: frozenset[str]
    """All that it has."""
    used: Uses
    read_by_tools: frozenset[str]
    from_start: bool
    """Whether its container was watched from its first moment on."""
    unseen: str
    """What its coverage says could not be seen; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A package of which service and label say different things."""

    workload: str
    package: str
    labelled: str
    said: str
    evidence: str


@dataclass(slots=True)
class Tally:
    """Right, wrong and missing."""

    right: int = 0
    wrong: int = 0
    missing: int = 0

    def add(self, *, said: bool, true: bool) -> None:
        """Count one package."""
        self.right += said and true
        self.wrong += said and not true
        self.missing += true and not said

    @property
    def precision(self) -> float:
        """Of those said to be used, the share that is."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of those used, the share that is said to be."""
        return self.right / (self.right + self.missing) if self.right + self.missing else 1.0

    def figures(self) -> dict[str, float]:
        """As they are printed."""
        return {
            "right": self.right,
            "wrong": self.wrong,
            "missing": self.missing,
            "precision": round(self.precision, 3),
            "recall": round(self.recall, 3),
        }


def short(purl: str) -> str:
    """`<type>/<name>` of a package URL."""
    return unquote(purl.removeprefix("pkg:").partition("?")[0].rpartition("@")[0])


# --- running ------------------------------------------------------------------------------------------------


class Laboratory:
    """The service, the registry, the sensor once it runs, and the unpacked images."""

    def __init__(self, deployed: Deployment, registry: TaggedRegistry, images: Mapping[str, PushedImage]) -> None:
        self.deployed = deployed
        self.sensor: Process | None = None
        self._registry = registry
        self._images = images
        self._roots: dict[str, Path] = {}

    async def prepare(self) -> None:
        """Tell the service of registry and images, have it scan them, and unpack them here meanwhile."""
        async with RestClient(self.deployed.url, self.deployed.token) as client:
            body = {"host": self._registry.host, "url": self._registry.url, "checks_per_second": 1000}
            await client.post("/api/v1/registries", body)
            names, digests = zip(*((one.name, one.digest) for one in self._images.values()), strict=True)
            parameters = {"host": self._registry.host, "names": list(names), "digests": list(digests)}
            self._write(_INVENTORY, parameters)
            for name in names:
                await client.post("/api/v1/scans", {"image": f"{self._registry.host}/{name}:1.0"})
        for image in self._images.values():
            place = self.deployed.folder
            root = await pull_image(self._registry.http, self._registry.url, image.name, image.digest, place)
            self._roots[image.name] = root
        async with asyncio.timeout(WAIT_SECONDS):
            while self.deployed.query("SELECT 1 FROM scan WHERE status <> 'done'"):
                failed = self.deployed.query("SELECT error FROM scan WHERE status NOT IN ('queued', 'running', 'done')")
                assert not failed, failed
                await asyncio.sleep(0.2)

    async def start_sensor(self) -> None:
        """Start the sensor and wait until it watches."""
        self.sensor = await start_sensor(self.deployed, CLUSTER, CLUSTER, NODE)
        async with asyncio.timeout(120):
            while "watching:" not in self.sensor.log.read_text():
                assert self.sensor.running
                assert self.sensor.running.returncode is None, self.sensor.log.read_text()
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def running(self, workload: Labelled) -> AsyncIterator[tuple[Container, str]]:
        """A started container of a workload, and where it serves."""
        port = free_port()
        variables = (*workload.environment, f"{PORT_VARIABLE}={port}")
        with container([self._roots[workload.name]], self.deployed.folder, workload.command, variables) as made:
            self._write(_POD, {"name": workload.name, "pod": made.pod_uid, "container": made.container_id})
            try:
                await made.start()
                url = f"http://127.0.0.1:{port}"
                if workload.asked:
                    await made.until_answering(f"{url}/")
                yield made, url
            finally:
                await made.end()

    async def finish(self, workload: Labelled, made: Container, url: str) -> None:
        """Do with a running container what there is to do."""
        if workload.asked:
            await made.until_answering(f"{url}/report")
            if workload.searched:
                await self._search(workload, made)
            await made.end()
        else:
            await made.wait()

    async def _search(self, workload: Labelled, made: Container) -> None:
        await made.execute("dpkg", "-l")
        await made.execute("find", "/", "-xdev", "-type", "f", "-name", "*.md")
        await made.execute("sh", "-c", f"tar cf - {workload.searched} | wc -c")
        await made.execute("sh", "-c", f"grep -rl 'no such text is anywhere' {workload.searched} || true")

    async def settle(self) -> None:
        """Wait until nothing more comes, everything that came has been looked up, and coverage was told since."""
        async with asyncio.timeout(WAIT_SECONDS):
            ((began,),) = self.deployed.query("SELECT now()")
            known: list[tuple[object, ...]] = []
            while (now := self.deployed.query(_PROGRESS)) != known or now[0][0] or not now[0][1]:
                known = now
                await asyncio.sleep(QUIET_SECONDS)
            while self.deployed.query(_UNCOVERED.format(began=began)):
                await asyncio.sleep(QUIET_SECONDS)

    def seen(self, name: str) -> Seen:
        """What the service holds of a workload's image."""
        rows = self.deployed.query(_PACKAGES.format(name=name))
        packages = frozenset(short(str(purl)) for purl, *_ in rows)
        used = {short(str(purl)): (Grade(str(grade)), str(path), str(by)) for purl, grade, path, by, _ in rows if grade}
        read = frozenset(short(str(purl)) for purl, *_, by_tool in rows if by_tool)
        coverage = self.deployed.query(_COVERAGE.format(name=name))
        assert len(coverage) == 1, f"{name}: {coverage}"
        return Seen(packages, used, read, from_start=bool(coverage[0][0]), unseen=str(coverage[0][1]))

    def _write(self, statements: Iterable[str], parameters: Mapping[str, object]) -> None:
        with psycopg.connect(self.deployed.database_url) as connection:
            for statement in statements:
                connection.execute(statement.encode(), parameters)


@asynccontextmanager
async def laboratory(workloads: Sequence[Labelled]) -> AsyncIterator[Laboratory]:
    """Everything but the sensor runs, and the images are scanned and unpacked."""
    built = await asyncio.to_thread(build_images, [FleetImage(one.name, one.recipes) for one in workloads])
    async with AsyncExitStack() as stack:
        deployed = await stack.enter_async_context(deployment(free_port()))
        (folder := deployed.folder / "registry").mkdir()
        registry = await stack.enter_async_context(tagged_registry(folder, free_port(), 0))
        pushed = await push_images(registry.http, registry.url, built)
        made = Laboratory(deployed, registry, {image.name: image for image in pushed})
        await made.prepare()
        print(f"{len(pushed)} images are scanned and unpacked", flush=True)
        yield made


async def observe(workloads: Sequence[Labelled]) -> tuple[dict[str, Seen], str]:
    """Run every workload under the sensor; what the service holds of each, and the sensor's log."""
    async with laboratory(workloads) as lab, AsyncExitStack() as stack:
        older = [(one, await stack.enter_async_context(lab.running(one))) for one in workloads if one.older]
        await lab.start_sensor()
        for workload, (made, url) in older:
            await lab.finish(workload, made, url)
        for workload in workloads:
            if not workload.older:
                async with lab.running(workload) as (made, url):
                    await lab.finish(workload, made, url)
                print(f"{workload.name} has run", flush=True)
        await lab.settle()
        assert lab.sensor
        return {one.name: lab.seen(one.name) for one in workloads}, lab.sensor.log.read_text()


# --- judging ------------------------------------------------------------------------------------------------


def ecosystem(package: str) -> str:
    """The ecosystem of `<type>/<name>`."""
    return package.partition("/")[0]


def judge(workload: Labelled, seen: Seen) -> Iterable[tuple[str, bool, bool]]:
    """For each package of an image: its name, whether it is said to be used and whether it is."""
    for package in sorted(seen.packages | workload.used.keys() | seen.used.keys()):
        if package not in workload.invisible:
            yield package, package in seen.used, package in workload.used


def is_complete(workload: Labelled, seen: Seen) -> bool:
    """Whether all that is used is said to be."""
    return all(said or not true for _, said, true in judge(workload, seen))


def disagreements(workload: Labelled, seen: Seen) -> list[Disagreement]:
    """What service and labels differ in, grades included."""
    found = []
    for package, said, true in judge(workload, seen):
        grade, path, process = seen.used.get(package, (None, "", ""))
        if said != true or grade != workload.used.get(package):
            unknown = "" if package in seen.packages else " (the scan does not know it)"
            labelled = workload.used.get(package)
            evidence = f"{path} by {process}" if path else ""
            found.append(
                Disagreement(
                    workload.name, package, str(labelled or "unused"), str(grade or "unused") + unknown, evidence
                )
            )
    return found


def tally(workloads: Sequence[Labelled], seen: Mapping[str, Seen]) -> dict[str, dict[str, Tally]]:
    """By ecosystem, and by grade: of what is said on such evidence, and of what such evidence is there for."""
    totals: dict[str, dict[str, Tally]] = {
        "ecosystem": defaultdict(Tally),
        "grade": defaultdict(Tally),
        "workload": defaultdict(Tally),
        "": defaultdict(Tally),
        "naive": defaultdict(Tally),
    }
    for workload in workloads:
        own = seen[workload.name]
        for package, said, true in judge(workload, own):
            grade = own.used[package][0] if said else workload.used.get(package)
            if grade:
                totals["grade"][f"{ecosystem(package)} {grade}"].add(said=said, true=true)
            totals["ecosystem"][ecosystem(package)].add(said=said, true=true)
            totals["workload"][workload.name].add(said=said, true=true)
            totals[""]["all"].add(said=said, true=true)
            if ecosystem(package) != "maven":
                totals[""]["all but jars"].add(said=said, true=true)
            if grade in (Grade.EXECUTED, Grade.MAPPED):
                totals[""]["executed or mapped"].add(said=said, true=true)
            naive = said or package in own.read_by_tools
            totals["naive"][ecosystem(package)].add(said=naive, true=true)
            totals["naive"]["all"].add(said=naive, true=true)
    return totals


async def measure(workloads: Sequence[Labelled]) -> None:
    """Run everything and end the process with the result."""
    print(describe_machine())
    check_machine()
    if missing := await find_missing():
        raise SystemExit(f"no sensor can run here: {missing}")
    seen, log = await observe(workloads)
    print(log[-1500:])
    totals = tally(workloads, seen)
    found = [one for workload in workloads for one in disagreements(workload, seen[workload.name])]
    for one in found:
        print(f"{one.workload}: {one.package}: labelled {one.labelled}, said {one.said} {one.evidence}")
    for kind, rows in totals.items():
        for name, row in sorted(rows.items()):
            print(f"{kind:10} {name:24} {row.figures()}")
    everything, code = totals[""]["all"], totals[""]["executed or mapped"]
    others = totals[""]["all but jars"]
    figures: dict[str, object] = {
        "all": {name: row.figures() for name, row in totals[""].items()},
        "opened before the sensor came, unseen": {
            one.name: len(one.invisible - seen[one.name].used.keys()) for one in workloads if one.older
        },
        **{kind: {name: row.figures() for name, row in rows.items()} for kind, rows in totals.items() if kind},
        "not seen, by their coverage": {one.name: seen[one.name].unseen for one in workloads},
        "disagreements": len(found),
        "machine": describe_machine(),
    }
    finish(
        "runtime_accuracy",
        figures,
        [
            Bar(f"precision >= {PRECISION_BAR:g}", everything.precision >= PRECISION_BAR),
            Bar(f"recall >= {RECALL_BAR:g}", everything.recall >= RECALL_BAR),
            Bar(f"precision >= {PRECISION_BAR:g} of all but jars", others.precision >= PRECISION_BAR),
            Bar("what was executed or mapped is exact", code.precision == code.recall == 1),
            Bar(
                "coverage tells which container is older than the sensor",
                all(seen[one.name].from_start != one.older for one in workloads),
            ),
            Bar(
                "coverage tells which container's uses were not all seen",
                all(
                    is_complete(one, seen[one.name]) or UNSEEN in seen[one.name].unseen
                    for one in workloads
                    if not one.older
                ),
            ),
        ],
    )


_INVENTORY = (
    f"INSERT INTO cluster (uid, name) VALUES ('{CLUSTER}', '{CLUSTER}')",
    """
    INSERT INTO image_tag (registry, repository, tag, digest, platform, pinned_digest)
    SELECT %(host)s, name, '1.0', digest, 'linux/amd64', ''
    FROM unnest(CAST(%(names)s AS text[]), CAST(%(digests)s AS text[])) AS row(name, digest)
    """,
    "INSERT INTO scan (image_tag_id, status, error) SELECT id, 'failed', '' FROM image_tag",
    """
    INSERT INTO workload (cluster_id, uid, namespace, kind, kind_name, name, desired, ready, status, content_hash,
                          image_tag_ids)
    SELECT cluster.id, image_tag.repository, 'shop', 'Deployment', '', image_tag.repository, 1, 1, 'running', 0,
           ARRAY[image_tag.id]
    FROM cluster, image_tag
    """,
    """
    INSERT INTO placement (workload_id, image_tag_id, running, first_seen_at)
    SELECT id, image_tag_ids[1], true, now() FROM workload
    """,
)
_POD = (
    """
    INSERT INTO pod (cluster_id, uid, workload_id, workload_uid, namespace, name, node_name, phase, content_hash)
    SELECT cluster_id, %(pod)s, id, uid, namespace, name, 'node-1', 'Running', 0 FROM workload WHERE uid = %(name)s
    """,
    """
    INSERT INTO container (cluster_id, pod_id, role, name, image, image_id, image_tag_id, container_id, state)
    SELECT pod.cluster_id, pod.id, 'container', 'main', '', '', workload.image_tag_ids[1], %(container)s, 'running'
    FROM pod JOIN workload ON workload.id = pod.workload_id WHERE pod.uid = %(pod)s
    """,
)
_PROGRESS = """
    SELECT count(*) FILTER (WHERE observation.image_id IS NULL), count(*), (SELECT count(*) FROM package_use)
    FROM observation JOIN container USING (cluster_id, container_id)
"""
_PACKAGES = """
    SELECT DISTINCT package.purl, package_use.grade, package_use.path, package_use.process,
           tool_read.package_id IS NOT NULL
    FROM image_tag JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    JOIN image_package ON image_package.image_id = image_tag_image.image_id
    JOIN package ON package.id = coalesce(image_package.owner_package_id, image_package.package_id)
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id AND package_use.package_id = package.id
    LEFT JOIN tool_read ON tool_read.image_id = image_package.image_id AND tool_read.package_id = package.id
    WHERE image_tag.repository = '{name}'
"""
_UNCOVERED = """
    SELECT 1 FROM container LEFT JOIN container_coverage USING (cluster_id, container_id)
    WHERE seen_at IS NULL OR seen_at < '{began}'
"""
_COVERAGE = """
    SELECT from_start, array_to_string(unseen, ', ')
    FROM container_coverage JOIN container USING (cluster_id, container_id)
    JOIN image_tag ON image_tag.id = container.image_tag_id WHERE image_tag.repository = '{name}'
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[one.name for one in WORKLOADS], help="some workloads")
    arguments = parser.parse_args()
    asyncio.run(measure([one for one in WORKLOADS if not arguments.only or one.name in arguments.only]))
