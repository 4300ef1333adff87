"""The demonstration as people get it: its own process and real controllers against a real service, a tiny world."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.database import fresh_database
from tests.support.service import RunningService, eventually, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.demo.script import BEGIN_AGAIN, STEPS

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORLD = ("--clusters", "2", "--nodes", "3", "--pods", "30")


@dataclass
class Demonstration:
    """A running `python -m deadlight.demo` and what it said."""

    service: RunningService
    state: Path
    lines: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        environment = {
            "DEADLIGHT_URL": self.service.url,
            "DEADLIGHT_TOKEN": self.service.api_token,
            "DEADLIGHT_REGISTRATION_TOKEN": self.service.registration_token,
        }
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deadlight.demo", "--state", str(self.state), "--speed", "100", *WORLD),
            env={**os.environ, **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process
        assert self.process.stderr
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode().rstrip())

    async def until_said(self, text: str, *, within: float = 90.0) -> None:
        async def said() -> bool:
            assert self.process
            assert self.process.returncode is None, "\n".join(self.lines)
            return any(text in line for line in self.lines)

        await eventually(said, within=within)

    async def until_ended(self) -> int:
        assert self.process
        async with asyncio.timeout(30):
            code = await self.process.wait()
        assert self._reading
        await self._reading
        return code

    async def stop(self) -> int:
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.until_ended()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demonstration(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Demonstration]:
    """Running, with the script played through once and everything put right again."""
    with fresh_database(postgres) as url:
        async with running_service(service_settings(url)) as service:
            running = Demonstration(service, tmp_path_factory.mktemp("demo"))
            await running.start()
            try:
                await running.until_said(BEGIN_AGAIN.text)
                yield running
            finally:
                await running.stop()


@pytest.fixture
def service(demonstration: Demonstration) -> RunningService:
    return demonstration.service


@pytest.mark.req("F22", "R4", "R5", "R3")
async def test_every_event_of_the_script_reaches_the_inbox_within_seconds(demonstration: Demonstration):
    for step in (*STEPS, BEGIN_AGAIN):
        line = next(line for line in demonstration.lines if step.text in line)
        assert "alert after" in line, line
        assert "/runtime/live/images/" in line


@pytest.mark.req("I1", "I29", "I30", "I31", "F13", "R2", "R4")
async def test_each_kind_of_violation_was_opened_for_its_cause_and_closed_by_itself(service: RunningService):
    closed = """
        SELECT workload.name, violation.type, violation.severity, violation.close_reason FROM violation
        JOIN violation_location ON violation_location.violation_id = violation.id
        JOIN workload ON workload.id = violation_location.workload_id WHERE violation.closed_at IS NOT NULL
        """

    async def all_closed() -> bool:
        return {tuple(row) for row in await service.rows(closed)} >= {
            ("storefront", "Post-Deployment Tag Update", "Medium", "now No Issues"),
            ("checkout", "Digest Mismatch", "Critical", "now No Issues"),
            ("invoices", "Missing Source", "High", "now No Issues"),
            ("indexer-hotfix", "Digest Mismatch", "Critical", "no longer deployed"),
        }

    await eventually(all_closed)


@pytest.mark.req("I28", "F14", "R5", "R7", "R8")
async def test_an_untrusted_registry_is_a_risk_of_its_own_and_never_a_violation(service: RunningService):
    (verdict,) = await service.rows(
        """
        SELECT DISTINCT verdict.status, verdict.violation_type FROM verdict JOIN image_tag
        ON image_tag.id = verdict.image_tag_id WHERE image_tag.registry = 'mirror.elsewhere.demo'
        """
    )
    assert tuple(verdict) == ("Untrusted Registry", None)
    assert not await service.rows(
        """
        SELECT violation.id FROM violation JOIN image_tag ON image_tag.id = violation.image_tag_id
        WHERE image_tag.registry = 'mirror.elsewhere.demo'
        """
    )


@pytest.mark.req("F24", "F13", "F14")
async def test_every_alert_was_delivered_and_says_that_it_is_a_demonstration(service: RunningService):
    async def delivered() -> bool:
        return not await service.rows("SELECT id FROM alert WHERE status <> 'delivered'")

    await eventually(delivered)
    rows = await service.rows("SELECT event_type, body -> 'data' ->> 'demonstration' AS flag FROM alert")
    assert {row.flag for row in rows} == {"true"}
    assert {row.event_type for row in rows} == {
        "IntegrityViolationDetected",
        "IntegrityViolationClosed",
        "UntrustedRegistryDetected",
        "VulnerabilitiesChanged",
        "WorkloadChanged",
    }


@pytest.mark.req("D16", "D17", "D18", "D19", "D20", "D21", "D22", "R16")
async def test_the_funnel_narrows_at_every_stage_and_never_to_nothing(service: RunningService):
    counts = [stage["count"] for stage in (await service.get("/api/v1/funnel"))["stages"]]
    assert len(counts) == 5
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[1] > counts[2] >= counts[-1] > 0


@pytest.mark.req("D21", "R33")
async def test_a_package_that_starts_to_execute_is_validated_in_runtime(service: RunningService):
    found = await service.get("/api/v1/image-tags?search=ml/recommender&limit=1")
    findings = await service.get(f"/api/v1/image-tags/{found['image_tags'][0]['id']}/vulnerabilities")
    (joblib,) = (item for item in findings["vulnerabilities"] if item["vulnerability"] == "CVE-2022-21797")
    assert (joblib["applicability"], joblib["grade"], joblib["fix_version"]) == ("applicable", "opened", "1.2.0")
    assert joblib["evidence_path"].endswith("/joblib/__init__.py")


@pytest.mark.req("R33")
async def test_processes_are_shown_with_their_arguments(service: RunningService):
    body = {"filters": {"workloads": [{"name": "storefront"}]}, "limit": 10}
    answer = await service.post("/runtime/api/v1/workloads", body)
    processes = [process for workload in answer["workloads"] for process in workload["processes"]]
    assert {(process["path"], process["arguments"]) for process in processes} == {("/usr/sbin/nginx", "-g daemon off;")}


@pytest.mark.req("R3")
async def test_a_new_advisory_concerned_the_image_that_calls_the_vulnerable_function(service: RunningService):
    rows = await service.rows(
        """
        SELECT body -> 'data' -> 'workload' ->> 'name' AS workload FROM alert
        WHERE body -> 'data' -> 'vulnerabilities_added' @> '[{"cve_id": "CVE-2023-50447"}]'
        """
    )
    assert {row.workload for row in rows} == {"thumbnailer"}


@pytest.mark.req("R1")
async def test_builders_and_deployers_are_known(service: RunningService):
    (image,) = (await service.get("/api/v1/image-tags?search=shop/cart&limit=1"))["image_tags"]
    detail = await service.get(f"/api/v1/image-tags/{image['id']}")
    assert detail["build_owner"]["value"] == "Checkout team <checkout@company.demo>"
    workloads = await service.get(f"/api/v1/image-tags/{image['id']}/workloads")
    assert {row["deployed_by"]["value"] for row in workloads["workloads"]} == {"Argo CD application shop"}
    people = await service.get(f"/api/v1/image-tags/{image['id']}/owners")
    assert {item["owner"]["team"] for item in people["owners"]} == {"Checkout"}
    assert {other["confidence"] for item in people["deployed_by"] for other in item["known"]["others"]} == {"recorded"}


async def test_everything_carries_the_flag(service: RunningService):
    answer = await service.post("/runtime/api/v1/clusters", {"limit": 10})
    assert [(row["name"], row["demonstration"]) for row in answer["clusters"]] == [
        ("demo-eu-production", True),
        ("demo-us-production", True),
    ]
    assert all(row["controller_status"] == "running" for row in answer["clusters"])
    for path in ("/api/v1/registries", "/api/v1/workers"):
        assert all(row["demonstration"] for row in await service.get(path))
    assert all(row["demonstration"] for row in (await service.get("/api/v1/image-tags?limit=100"))["image_tags"])


async def test_a_second_one_on_the_same_folder_is_refused(demonstration: Demonstration):
    other = Demonstration(demonstration.service, demonstration.state)
    await other.start()
    assert await other.until_ended() == 1
    assert "already running" in other.lines[0]


async def test_a_restart_goes_on_and_doubles_nothing(demonstration: Demonstration, service: RunningService):
    things = """
        SELECT (SELECT count(*) FROM cluster), (SELECT count(*) FROM registry), (SELECT count(*) FROM worker),
               (SELECT count(*) FROM agent), (SELECT count(DISTINCT uid) FROM node)
        """
    before = await service.rows(things)
    pods = {row.uid for row in await service.rows("SELECT uid FROM pod WHERE removed_at IS NULL")}
    assert await demonstration.stop() == 0
    demonstration.lines.clear()
    await demonstration.start()
    await demonstration.until_said("every image is scanned")
    assert await service.rows(things) == before
    after = {row.uid for row in await service.rows("SELECT uid FROM pod WHERE removed_at IS NULL")}
    assert len(pods & after) > len(after) / 2


async def test_removing_it_stops_it_and_leaves_nothing_behind(demonstration: Demonstration, service: RunningService):
    removed = await service.request("DELETE", "/api/v1/demonstration")
    assert removed["clusters"] == 2
    assert await demonstration.until_ended() == 0
    assert "has been removed" in demonstration.lines[-1]
    await service.settle()
    for table in (
        *("cluster", "node", "workload", "pod", "container", "image_tag", "agent", "registry", "worker", "alert"),
        *("violation", "verdict", "observation", "advisory", "vulnerability", "vulnerability_match"),
    ):
        ((count,),) = await service.rows(f"SELECT count(*) FROM {table}")
        assert count == 0, f"{count} rows of {table} are left"
