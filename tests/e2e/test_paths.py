"""The four data paths in one go: one image from its registry to a person's mailbox and screen.

Nothing is simulated but the Kubernetes API and the person: a real registry, PostgreSQL and SMTP server, a container
started by runc from the image in the registry, the controller and the sensor as processes of their own with the real
BPF object, and a browser that reads the page. The tests are one story: each goes on where the one before it ended.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.support.agents import running_agent
from tests.support.console import open_console
from tests.support.containers import Runc, is_debian_12, own_packages, pull
from tests.support.database import PASSWORD
from tests.support.docker_registry import running_docker_registry
from tests.support.images import LABELS, OWNER
from tests.support.mail import MailServer, running_mail_server
from tests.support.osv import CRITICAL, MEDIUM, osv
from tests.support.receiver import Receiver, running_receiver
from tests.support.service import RunningService, eventually, running_service, service_settings

from deadlight.demo.images import BuiltImage, ImageSpec, build_image, push_image
from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.resources import NAMESPACES
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster

pytestmark = [
    pytest.mark.needs_bpf,
    pytest.mark.needs_runc,
    pytest.mark.needs_browser,
    pytest.mark.asyncio(loop_scope="module"),
]

DEADLIGHT = Path(sys.executable).with_name("deadlight")
HOST = "registry.test"
REPOSITORY = "lab/shell"
TAG = "1.0.0"
NODE = "node-1"
WORKLOAD = Workload(
    namespace="lab",
    name="shell",
    images={"shell": f"{HOST}/{REPOSITORY}:{TAG}"},
    annotations={"meta.helm.sh/release-name": "shell", "meta.helm.sh/release-namespace": "lab"},
    manager="helm",
)


@dataclass
class Lab:
    """Everything that runs, and the image the story is about."""

    service: RunningService
    registry_url: str
    http: aiohttp.ClientSession
    built: BuiltImage
    digest: str
    cluster: Cluster
    kubernetes: Controllers
    runc: Runc
    mail: MailServer
    receiver: Receiver
    folder: Path

    async def push(self, image: BuiltImage) -> str:
        """Push under the tag that runs; the digest."""
        return (await push_image(self.http, self.registry_url, REPOSITORY, TAG, image)).digest

    async def command(self, *arguments: str) -> Any:
        """What the command line answers, as JSON."""
        process = await asyncio.create_subprocess_exec(
            *(str(DEADLIGHT), *arguments, "-o", "json"),
            env={**os.environ, "DEADLIGHT_URL": self.service.url, "DEADLIGHT_TOKEN": self.service.api_token},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, problem = await process.communicate()
        assert process.returncode == 0, problem.decode()
        return json.loads(output)

    async def import_advisories(self, *records: dict[str, Any]) -> Any:
        """Import OSV files from a folder, as a person does."""
        folder = self.folder / "osv"
        folder.mkdir(exist_ok=True)
        for record in records:
            (folder / f"{record['id']}.json").write_text(json.dumps(record))
        return await self.command("advisories", "import", str(folder), "--source", "lab")

    async def funnel(self) -> list[int]:
        """The five counts."""
        return [stage["count"] for stage in (await self.command("funnel"))["stages"]]

    async def image(self) -> dict[str, Any]:
        """The page of the image tag."""
        (row,) = (await self.service.get("/api/v1/image-tags"))["image_tags"]
        page: dict[str, Any] = await self.service.get(f"/api/v1/image-tags/{row['id']}")
        return page

    async def part(self, name: str, key: str) -> dict[str, dict[str, Any]]:
        """A tab of that page, by a field of its rows."""
        rows = (await self.service.get(f"/api/v1/image-tags/{(await self.image())['id']}/{name}"))[name]
        return {row[key]: row for row in rows}

    async def until_status(self, status: str) -> dict[str, Any]:
        """Wait for a verdict; the page that has it."""

        async def reached() -> bool:
            rows = await self.service.rows("SELECT status FROM verdict")
            return [row.status for row in rows] == [status]

        await eventually(reached)
        return await self.image()

    async def until_alerts(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The webhook's bodies of an event, once there are that many."""

        def told() -> list[dict[str, Any]]:
            return [item.body for item in self.receiver.received if item.body["type"].endswith(event)]

        async def enough() -> bool:
            return len(told()) >= count

        await eventually(enough)
        return told()

    async def until_mailed(self, subject: str) -> str:
        """The text of a mail whose subject has these words, once it has come."""

        def found() -> list[str]:
            mails = [mail.message for mail in self.mail.mails if subject in str(mail.message["subject"])]
            return [body.get_content() for mail in mails if (body := mail.get_body(("plain",)))]

        async def come() -> bool:
            return bool(found())

        await eventually(come)
        return found()[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """A running world in which the image has been deployed once."""
    if not is_debian_12():
        pytest.skip("the advisories of this test are for Debian 12, and the image is made of this machine's packages")
    folder = tmp_path_factory.mktemp("lab")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        registry_url = await stack.enter_async_context(running_docker_registry(folder))
        receiver = await stack.enter_async_context(running_receiver())
        mail = await stack.enter_async_context(running_mail_server())
        settings = service_settings(database_url, smtp_url=mail.url, integrity_interval=1)
        service = await stack.enter_async_context(running_service(settings))
        built = build_image(ImageSpec(layers=[own_packages()], labels=LABELS))
        digest = (await push_image(http, registry_url, REPOSITORY, TAG, built)).digest
        cluster = Cluster("lab")
        standin = await stack.enter_async_context(Standin([cluster]))
        kubernetes = Controllers(cluster, lambda _image: f"{HOST}/{REPOSITORY}@{digest}")
        kubernetes.add_node(NODE)
        await _set_up(service, registry_url, receiver)
        kubeconfig = folder / "kubeconfig"
        write_kubeconfig(kubeconfig, {standin.url(cluster): cluster})
        following = ("--kubeconfig", str(kubeconfig))
        await stack.enter_async_context(
            running_agent("controller", service, folder / "controller", *following, says="the service holds")
        )
        uid = cluster.read(NAMESPACES, "kube-system").uid
        watching = (f"--cluster-uid={uid}", "--cluster-name=lab", f"--node-name={NODE}")
        await stack.enter_async_context(
            running_agent("sensor", service, folder / "sensor", *watching, says="watching:")
        )
        kubernetes.apply(WORKLOAD)
        (pod,) = cluster.list("Pod")
        container_id = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        await pull(registry_url, REPOSITORY, digest, folder / "bundle")
        runc = Runc(folder / "bundle", pod["metadata"]["uid"], container_id)
        yield Lab(service, registry_url, http, built, digest, cluster, kubernetes, runc, mail, receiver, folder)


async def _set_up(service: RunningService, registry_url: str, receiver: Receiver) -> None:
    """What an administrator enters: the registry, and a worker that tells a hook and a mailbox."""
    await service.post("/api/v1/registries", {"host": HOST, "url": registry_url})
    destinations = [
        {"type": "webhook", "config": {"url": receiver.url}},
        {"type": "email", "config": {"to": ["oncall@example.com"]}},
    ]
    events = ["IntegrityViolationDetected", "IntegrityViolationClosed", "VulnerabilitiesChanged"]
    worker = {"name": "tell", "event_types": events, "criteria": "event.workload.namespace == 'lab'"}
    await service.post("/api/v1/workers", worker | {"destinations": destinations})


@pytest.mark.req("R1", "R2", "R6", "R14", "R23", "R25", "R26", "R27", "R28", "I27", "M14", "F1", "F2", "F7")
async def test_path_a_proves_a_running_image_against_its_registry(lab: Lab) -> None:
    page = await lab.until_status("No Issues")
    assert (page["repository"], page["tag"], page["digest"]) == (REPOSITORY, TAG, lab.digest)
    assert page["build_owner"]["value"] == OWNER
    (workload,) = (await lab.service.get(f"/api/v1/image-tags/{page['id']}/workloads"))["workloads"]
    assert (workload["cluster"], workload["namespace"], workload["name"]) == ("lab", "lab", "shell")
    assert (workload["nodes"], workload["deployed_by"]["value"]) == ([NODE], "Helm release lab/shell")
    (cluster,) = (await lab.service.post("/runtime/api/v1/clusters", {}))["clusters"]
    assert cluster["name"] == "lab"
    assert lab.receiver.received == []


@pytest.mark.req("R3", "R9", "R12", "R13", "D16", "D17")
async def test_path_b_finds_what_is_in_the_image_and_what_is_known_of_it(lab: Lab) -> None:
    await lab.import_advisories(
        osv("LAB-1", "hostname", fixed="99:1", severity=CRITICAL, aliases=["CVE-2026-90001"]),
        osv("LAB-2", "sed"),
    )

    async def both_are_found() -> bool:
        return len(await lab.part("vulnerabilities", "package")) == 2

    await eventually(both_are_found)
    packages = await lab.part("packages", "name")
    assert packages.keys() == {"dash", "libc6", "hostname", "sed"}
    findings = await lab.part("vulnerabilities", "package")
    hostname = findings["hostname"]
    assert (hostname["vulnerability"], hostname["severity"]) == ("CVE-2026-90001", "Critical")
    assert hostname["fix_version"] == "99:1"
    assert (hostname["grade"], findings["sed"]["grade"]) == (None, None)
    told = await lab.until_alerts("VulnerabilitiesChanged")
    assert "CVE-2026-90001" in str(told)


@pytest.mark.req("R17", "R18", "R19", "R20", "R29", "R30", "R31", "R33", "D21", "D22")
async def test_path_c_sees_what_the_container_executes_and_validates_the_packages(lab: Lab) -> None:
    await lab.runc.run("/bin/sh", "-c", "hostname; hostname; read line < /etc/os-release")

    async def validated() -> bool:
        (row,) = await lab.service.rows("SELECT validated FROM image_risk")
        return bool(row.validated == 1)

    await eventually(validated)
    packages = await lab.part("packages", "name")
    assert {name: packages[name]["grade"] for name in packages} == {
        "dash": "executed",
        "hostname": "executed",
        "libc6": "mapped",
        "sed": None,
    }
    assert packages["hostname"]["evidence_path"] == "/usr/bin/hostname"
    findings = await lab.part("vulnerabilities", "package")
    assert (findings["hostname"]["grade"], findings["sed"]["grade"]) == ("executed", None)
    (workload,) = (await lab.service.post("/runtime/api/v1/workloads", {}))["workloads"]
    assert {"/usr/bin/dash", "/usr/bin/hostname"} <= {process["path"] for process in workload["processes"]}


@pytest.mark.req("R15", "R16", "F20")
async def test_path_d_follows_a_changed_advisory_to_the_funnel_and_the_people(lab: Lab) -> None:
    before = await lab.funnel()
    known = len(await lab.until_alerts("VulnerabilitiesChanged"))
    await lab.import_advisories(
        osv("LAB-2", "sed", severity=MEDIUM, modified="2026-02-01T00:00:00Z"),
        osv("LAB-3", "dash", severity=CRITICAL, aliases=["CVE-2026-90002"]),
    )
    told = await lab.until_alerts("VulnerabilitiesChanged", known + 1)
    assert told[-1]["data"]["images"][0]["digest"] == lab.digest
    assert "CVE-2026-90002" in str(told[-1]["data"])

    async def counted() -> bool:
        return (await lab.funnel())[0] == before[0] + 1

    await eventually(counted)
    after = await lab.funnel()
    assert after[1] == before[1]  # a critical one came, and a high one is medium now
    assert after == sorted(after, reverse=True)


@pytest.mark.req("R4", "R7", "I1", "I30", "I33", "F13", "F15", "F17", "F18", "F19")
async def test_path_a_finds_an_overwritten_tag_by_itself_and_tells_hook_and_mailbox(lab: Lab) -> None:
    other = build_image(ImageSpec(layers=[{"etc/motd": b"not what was reviewed"}]))
    expected = await lab.push(other)
    page = await lab.until_status("Invalid Image Integrity")
    assert page["verdict"]["violation_type"] == "Digest Mismatch"
    assert page["verdict"]["violation_severity"] == "Critical"
    assert page["verdict"]["expected_digest"] == expected
    (told,) = await lab.until_alerts("IntegrityViolationDetected")
    (image,) = told["data"]["images"]
    workload = told["data"]["workload"]
    assert (workload["name"], workload["namespace"], workload["cluster"]) == ("shell", "lab", "lab")
    assert (image["name"], image["tag"], image["digest"]) == (f"{HOST}/{REPOSITORY}:{TAG}", TAG, lab.digest)
    assert image["integrity_status"] == "Invalid Image Integrity"
    assert image["build_owner"]["value"] == OWNER

    mail = await lab.until_mailed("Digest Mismatch")
    for fact in ("shell", "lab", HOST, TAG, lab.digest, "Invalid Image Integrity", OWNER, "CVE-2026-90001"):
        assert fact in mail


@pytest.mark.req("F3", "F4", "F5", "F6", "F7", "I30")
async def test_a_person_reads_the_verdict_off_the_page(lab: Lab, browser: Browser) -> None:
    async with open_console(browser, lab.service.url) as console:
        await console.open(f"/runtime/live/images?search={REPOSITORY}")
        await console.sign_in("admin", PASSWORD)
        page = console.page
        await page.get_by_role("link", name=REPOSITORY.rpartition("/")[2], exact=True).click()
        verdict = page.get_by_role("region", name="Image integrity")
        await expect(verdict).to_contain_text("Invalid Image Integrity")
        await expect(verdict).to_contain_text("Digest Mismatch")
        await expect(page.get_by_role("link", name="Ada").first).to_be_visible()


@pytest.mark.req("I1", "I27")
async def test_the_violation_closes_by_itself_when_the_tag_is_put_right(lab: Lab) -> None:
    await lab.push(lab.built)
    await lab.until_status("No Issues")
    (closed,) = await lab.until_alerts("IntegrityViolationClosed")
    assert closed["data"]["violation"]["closed_at"]
    (violation,) = await lab.service.rows("SELECT first_detected_at, closed_at FROM violation")
    assert violation.first_detected_at < violation.closed_at
