"""An Artifactory's images have the findings that its Xray states, and nobody else's do."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Row
from tests.server.scans.conftest import Scans
from tests.support.fleet import Fleet
from tests.support.images import debian, image, python
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.registries import serve_registry
from tests.support.xray import SCANNER, ArtifactoryWithXray, component, issue, node

from deadlight.model.event import EventType
from deadlight.model.image import ImageReference
from deadlight.model.scan_configuration import Scanner
from deadlight.server.assessment.image_page import build_detail
from deadlight.server.events.outbox import Event
from deadlight.server.findings.jobs import AssessImage, run_assess_image
from deadlight.server.jobs.queue import RetryLaterError
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import change_registry, find_registry, remove_registry
from deadlight.server.scans.handlers import scan_registry
from deadlight.server.scans.jobs import AskScanner, ask_scanner, rescan_stale
from deadlight.server.scans.processes import IsolatedProcesses
from deadlight.server.scans.statements import fetch_statement
from deadlight.server.services import Services

REPOSITORY = "docker-local/shop/web"
PLACE = f"{REPOSITORY}/1.0.0/manifest.json"
OPENSSL, FLASK = "deb://debian:bookworm:openssl:3.0.11-1", "pypi://Flask:3.0.0"
WEB = image(
    debian({"openssl": "3.0.11-1", "bash": "5.2-1"}, {"openssl": ("/usr/bin/openssl",)}), python("flask", "3.0.0")
)
FLAW, OURS = "CVE-2026-0001", "CVE-2026-0002"


@dataclass
class Xrayed:
    """Scans in a service to which an Artifactory has been added that scans with Xray."""

    double: ArtifactoryWithXray
    scans: Scans

    async def assess(self, image_tag_id: int) -> None:
        """What follows a scan."""
        image = await self.scans.image(image_tag_id)
        await run_assess_image(self.scans.services, AssessImage(image.id))

    async def observe(self, repository: str = REPOSITORY, built: Any = WEB) -> int:
        """Push an image and note that it runs."""
        return await self.scans.observe(built, repository)

    async def scan(self, image_tag_id: int) -> Row[Any]:
        """Scan, and find the vulnerabilities."""
        row = await self.scans.run(image_tag_id)
        await self.assess(image_tag_id)
        return row

    async def findings(self, image_tag_id: int) -> list[tuple[str, str, str, str, str]]:
        """Package, vulnerability, severity, fix version and applicability of what an image has."""
        rows = await self.scans.fleet.rows(
            """
            SELECT package.name, vulnerability.name AS vulnerability, severity, match.fix_version,
                   coalesce(applicability.status, '') AS applicability
            FROM image_tag_image JOIN image_package USING (image_id) JOIN package ON package.id = package_id
            JOIN vulnerability_match AS match ON match.package_id = package.id AND match.closed_at IS NULL
            JOIN advisory_vulnerability USING (advisory_id)
            JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
            LEFT JOIN applicability ON applicability.image_id = image_tag_image.image_id
                 AND applicability.package_id = package.id AND applicability.vulnerability_id = vulnerability.id
            WHERE image_tag_id = :id ORDER BY 1, 2
            """,
            id=image_tag_id,
        )
        return [tuple(row) for row in rows]

    async def risk(self, image_tag_id: int) -> Row[Any]:
        """The counts of an image."""
        query = "SELECT image_risk.* FROM image_tag_image JOIN image_risk USING (image_id) WHERE image_tag_id = :id"
        (row,) = await self.scans.fleet.rows(query, id=image_tag_id)
        return row

    async def ask_again(self) -> None:
        """Let the last answer be from long ago."""
        long_ago = "now() - interval '2 hours'"
        await self.scans.fleet.rows(f"UPDATE image_statement SET asked_at = {long_ago}, stated_at = {long_ago}")


@pytest.fixture
async def xrayed(services: Services, fleet: Fleet, processes: IsolatedProcesses) -> AsyncIterator[Xrayed]:
    double = ArtifactoryWithXray()
    async with serve_registry(double) as registry:
        scans = Scans(replace(services, processes=processes), registry, fleet)
        await scans.trust(type="artifactory", username=SCANNER.name, password=SCANNER.password, scan_with="xray")
        yield Xrayed(double, scans)


def changed(host: str) -> Event:
    """What is recorded when a registry is changed or removed."""
    return Event(1, uuid4(), EventType.REGISTRY_CHANGED, f"registry:{host}", {"host": host}, datetime.now(UTC))


async def jobs(fleet: Fleet) -> Sequence[str]:
    return [row.payload.decode() for row in await fleet.rows("SELECT payload FROM pgqueuer ORDER BY id")]


# --- what Xray says is what the image has -----------------------------------------------------------------


@pytest.mark.req("A8", "A9", "R13")
async def test_an_image_has_the_findings_that_xray_states_and_no_others(xrayed: Xrayed, fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(OURS, "bash", severity=CRITICAL))
    xrayed.double.scan(
        PLACE,
        issue(1, component(OPENSSL, "3.0.12-1"), severity="Critical", cve=FLAW),
        issue(2, component(FLASK), severity="Medium"),
        components=(node(OPENSSL), node(FLASK), node("gav://org.shaded:inside:1.0")),
        applicability={"XRAY-1": "applicable"},
    )
    image_tag_id = await xrayed.observe()
    row = await xrayed.scan(image_tag_id)
    assert (row.status, row.error) == ("done", "")
    assert await xrayed.findings(image_tag_id) == [
        ("flask", "XRAY-2", "Medium", "", ""),
        ("openssl", FLAW, "Critical", "3.0.12-1", "applicable"),
    ]
    risk = await xrayed.risk(image_tag_id)
    assert (risk.critical, risk.medium, risk.critical_applicable) == (1, 1, 1)
    async with fleet.engine.connect() as connection:
        page = await build_detail(connection, image_tag_id)
    assert (page.scan_with, page.scan_decision) == (
        "xray",
        f"Xray has scanned {PLACE}, of a local repository that it indexes",
    )
    names = [(item.ecosystem, item.name) for item in await xrayed.scans.packages(image_tag_id)]
    assert names == [("Debian:12", "bash"), ("PyPI", "flask"), ("Debian:12", "openssl"), ("Maven", "org.shaded:inside")]


async def test_what_xray_says_is_not_said_of_images_of_other_registries(xrayed: Xrayed, fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(OURS, "openssl", fixed="3.0.13-1"))
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW), components=(node(OPENSSL),))
    stated = await xrayed.observe()
    await xrayed.scan(stated)
    async with serve_registry() as other:
        await xrayed.scans.trust(other)
        matched = await xrayed.scans.observe(image(debian({"openssl": "3.0.11-1"})), registry=other)
        await xrayed.scan(matched)
    assert [name for _, name, *_ in await xrayed.findings(stated)] == [FLAW]
    assert [name for _, name, *_ in await xrayed.findings(matched)] == [OURS]


async def test_a_malicious_package_is_one_whatever_xray_says(xrayed: Xrayed, fleet: Fleet) -> None:
    await import_records(fleet.engine, osv("MAL-2026-7", "flask", ecosystem="PyPI", severity=""))
    xrayed.double.scan(PLACE, issue(3, component(OPENSSL), malicious_package=True))
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    found = [(package, severity) for package, _, severity, *_ in await xrayed.findings(image_tag_id)]
    assert found == [("flask", "Critical"), ("openssl", "Critical")]
    assert (await xrayed.risk(image_tag_id)).malicious == 2


async def test_a_rule_of_ours_has_the_word_before_xray_on_what_is_applicable(xrayed: Xrayed, fleet: Fleet) -> None:
    loading = "import yaml\nyaml.load(open('/etc/app.yaml').read())\n"
    built = image(python("pyyaml", "5.0"), {"app/main.py": loading.encode()})
    xrayed.double.scan(
        PLACE,
        issue(1, component("pypi://PyYAML:5.0", "5.1"), severity="Critical", cve="CVE-2017-18342"),
        issue(2, component("pypi://PyYAML:5.0"), severity="Critical", cve=FLAW),
        applicability={"XRAY-1": "not_applicable", "XRAY-2": "not_applicable"},
    )
    image_tag_id = await xrayed.observe(built=built)
    await xrayed.scan(image_tag_id)
    found = {name: applicability for _, name, _, _, applicability in await xrayed.findings(image_tag_id)}
    assert found == {"CVE-2017-18342": "applicable", FLAW: "not_applicable"}


# --- waiting for it ---------------------------------------------------------------------------------------


@pytest.mark.req("A3", "D9")
async def test_a_scan_is_asked_for_once_and_waited_for(xrayed: Xrayed, fleet: Fleet) -> None:
    image_tag_id = await xrayed.observe()
    row, later = await xrayed.scans.put_off(image_tag_id)
    assert row.status == "waiting"
    assert "has not scanned docker-local/shop/web/1.0.0/manifest.json" in row.error
    assert "although it indexes the repository: a scan was asked for" in row.error
    (kept,) = await fleet.rows("SELECT decision, statement FROM image_statement")
    assert kept.decision in row.error
    assert kept.statement is None
    row, again = await xrayed.scans.put_off(image_tag_id)
    assert row.error.endswith("Xray is scanning docker-local/shop/web/1.0.0/manifest.json")
    assert again.delay > later.delay
    assert xrayed.double.requested == [PLACE]
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    assert (await xrayed.scan(image_tag_id)).status == "done"
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == [FLAW]
    (kept,) = await fleet.rows("SELECT decision FROM image_statement")
    assert kept.decision == f"Xray has scanned {PLACE}, of a local repository that it indexes"


async def test_a_reason_that_somebody_has_to_change_ends_the_scan(xrayed: Xrayed) -> None:
    xrayed.double.xray_version = "3.90.1"
    image_tag_id = await xrayed.observe()
    row = await xrayed.scans.run(image_tag_id)
    assert row.status == "failed"
    assert row.error.endswith("Xray 3.90.1 is older than 3.104.8: upgrade it")


# --- what changes -----------------------------------------------------------------------------------------


@pytest.mark.req("A2", "R15")
async def test_a_fresh_answer_is_not_asked_for_again_and_an_old_one_follows_xray(xrayed: Xrayed, fleet: Fleet) -> None:
    scan = xrayed.double.scan(
        PLACE,
        issue(1, component(OPENSSL), cve=FLAW),
        components=(node(OPENSSL),),
        applicability={"XRAY-1": "applicable"},
    )
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    await fleet.deploy(image_tag_id)
    xrayed.scans.registry.asked.clear()
    await fleet.rows("UPDATE scan SET status = 'queued'")
    await xrayed.scans.run(image_tag_id)
    assert not [path for _, path in xrayed.scans.registry.asked if "xray" in path]
    await rescan_stale(xrayed.scans.services)
    assert (await xrayed.scans.row(image_tag_id)).status == "done"

    await xrayed.ask_again()
    await fleet.forget_events()
    await rescan_stale(xrayed.scans.services)
    assert f'"image_tag_id":{image_tag_id}' in "".join(await jobs(fleet))
    await ask_scanner(xrayed.scans.services, AskScanner(image_tag_id))
    assert await fleet.events("ImageScanned") == []
    await xrayed.ask_again()
    scan.issues = [issue(2, component(FLASK), cve="CVE-2026-0009")]
    await ask_scanner(xrayed.scans.services, AskScanner(image_tag_id))
    assert len(await fleet.events("ImageScanned")) == 1
    await xrayed.assess(image_tag_id)
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == ["CVE-2026-0009"]
    assert xrayed.double.asked_graphs == 1
    assert xrayed.double.asked_applicability == ["XRAY-1", "XRAY-2"]
    changes = [data for _, data in await fleet.events("VulnerabilitiesChanged")]
    assert [(len(data["added"]), len(data["removed"])) for data in changes] == [(1, 1)]


async def test_images_that_share_a_package_share_what_is_said_of_it(xrayed: Xrayed, fleet: Fleet) -> None:
    first = xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    one = await xrayed.observe()
    await xrayed.scan(one)
    xrayed.double.scan(PLACE.replace("shop/web", "shop/other"))
    two = await xrayed.observe("docker-local/shop/other", image(debian({"openssl": "3.0.11-1"})))
    await xrayed.scan(two)
    assert await xrayed.findings(one) == []
    refreshed = await xrayed.scans.image(one)
    assert f'"image_id":{refreshed.id}' in "".join(await jobs(fleet))
    assert first.issues


async def test_an_image_of_two_registries_keeps_what_the_scanner_of_one_says_while_that_is_asked(
    xrayed: Xrayed, fleet: Fleet
) -> None:
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    stored = await xrayed.scans.image(image_tag_id)
    copied = await fleet.add_image_tag("shop/web", "1.0.0", stored.digest, registry="copies.example")
    await fleet.rows("INSERT INTO registry (host, name, scan_with) VALUES ('copies.example', 'copies', 'xray')")
    await fleet.rows("INSERT INTO scan (image_tag_id, status) VALUES (:id, 'done')", id=copied)
    await fleet.rows(
        "INSERT INTO image_tag_image (image_tag_id, image_id) VALUES (:id, :image_id)", id=copied, image_id=stored.id
    )
    await fleet.deploy(copied)
    await fleet.rows("DELETE FROM pgqueuer")
    await rescan_stale(xrayed.scans.services)
    assert await jobs(fleet) == []
    await fleet.rows("UPDATE image_statement SET asked_at = now() - interval '3 h', stated_at = now() - interval '3 h'")
    await rescan_stale(xrayed.scans.services)
    await rescan_stale(xrayed.scans.services)
    (asked,) = await jobs(fleet)
    assert f'"image_tag_id":{copied}' in asked


async def test_nothing_is_kept_of_a_registry_that_changed_before_its_scanner_was_asked(
    xrayed: Xrayed, fleet: Fleet
) -> None:
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    stored = await xrayed.scans.image(image_tag_id)
    services, host = xrayed.scans.services, xrayed.scans.registry.host
    async with services.engine.connect() as connection:
        before = await find_registry(connection, host)
    assert before is not None
    await fleet.rows("UPDATE registry SET scan_with = 'deadlight'")
    async with services.engine.begin() as connection:
        await scan_registry(connection, changed(host))
    reference = ImageReference(host, "docker-local/shop/web", "1.0.0")
    await fetch_statement(services, before, reference, stored.digest, stored.id)
    await xrayed.assess(image_tag_id)
    assert await xrayed.findings(image_tag_id) == []
    assert await fleet.rows("SELECT * FROM image_statement") == []


async def test_while_xray_cannot_be_asked_what_it_said_stays_and_the_reason_is_kept(
    xrayed: Xrayed, fleet: Fleet
) -> None:
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    await xrayed.ask_again()
    xrayed.double.xray_version = "3.90.1"
    await ask_scanner(xrayed.scans.services, AskScanner(image_tag_id))
    await xrayed.assess(image_tag_id)
    assert (await xrayed.scans.row(image_tag_id)).status == "done"
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == [FLAW]
    (kept,) = await fleet.rows("SELECT decision FROM image_statement")
    assert kept.decision == "Xray 3.90.1 is older than 3.104.8: upgrade it"
    await xrayed.ask_again()
    xrayed.double.xray_version = "3.118.7"
    xrayed.double.scans.clear()
    with pytest.raises(RetryLaterError):
        await ask_scanner(xrayed.scans.services, AskScanner(image_tag_id))
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == [FLAW]


# --- ending it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("removed", [False, True], ids=["scanned by Deadlight again", "the registry removed"])
async def test_what_xray_said_and_nothing_else_is_withdrawn(xrayed: Xrayed, fleet: Fleet, *, removed: bool) -> None:
    await import_records(fleet.engine, osv(OURS, "openssl", fixed="3.0.13-1"))
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW), components=(node("npm://left-pad:1.0.0"),))
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    stored = await xrayed.scans.image(image_tag_id)
    await fleet.rows(
        """
        INSERT INTO package_use (image_id, package_id, grade, grade_rank, path, process, container_id, cluster_id,
                                 first_at, last_at)
        SELECT :image_id, id, 'loaded', 1, '/usr/bin/openssl', 'openssl', 'c', gen_random_uuid(), now(), now()
        FROM package WHERE name = 'openssl' AND findings_source <> ''
        """,
        image_id=stored.id,
    )
    services, host = xrayed.scans.services, xrayed.scans.registry.host
    async with services.engine.begin() as connection:
        (row,) = await fleet.rows("SELECT id FROM registry")
        if removed:
            await remove_registry(connection, row.id)
        else:
            body = RegistryIn(host=host, url=xrayed.scans.registry.url, type="artifactory", username=SCANNER.name)
            await change_registry(connection, services.cipher, row.id, body)
        await scan_registry(connection, changed(host))
    await xrayed.assess(image_tag_id)
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == [OURS]
    assert [item.name for item in await xrayed.scans.packages(image_tag_id)] == ["bash", "flask", "openssl"]
    assert (await xrayed.risk(image_tag_id)).validated == 1
    assert [row.source for row in await fleet.rows("SELECT DISTINCT source FROM advisory")] == ["test"]
    assert await fleet.rows("SELECT * FROM image_statement") == []


async def test_a_registry_that_changes_to_xray_has_its_running_images_asked_about(xrayed: Xrayed, fleet: Fleet) -> None:
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW))
    await fleet.rows("UPDATE registry SET scan_with = 'deadlight'")
    image_tag_id = await xrayed.observe()
    await xrayed.scan(image_tag_id)
    assert await xrayed.findings(image_tag_id) == []
    await fleet.deploy(image_tag_id)
    await fleet.rows("UPDATE registry SET scan_with = 'xray'")
    await rescan_stale(xrayed.scans.services)
    assert f'"image_tag_id":{image_tag_id}' in "".join(await jobs(fleet))
    await ask_scanner(xrayed.scans.services, AskScanner(image_tag_id))
    await xrayed.assess(image_tag_id)
    assert [name for _, name, *_ in await xrayed.findings(image_tag_id)] == [FLAW]


async def test_contextual_analysis_that_is_switched_off_says_nothing_for_xray_either(
    xrayed: Xrayed, fleet: Fleet
) -> None:
    xrayed.double.scan(PLACE, issue(1, component(OPENSSL), cve=FLAW), applicability={"XRAY-1": "applicable"})
    image_tag_id = await xrayed.observe()
    await fleet.deploy(image_tag_id)
    await fleet.rows(
        """
        INSERT INTO scan_configuration (cluster_id, scanners, retention_days, changed_by)
        SELECT id, ARRAY[:sca], 90, '' FROM cluster
        """,
        sca=Scanner.SCA.value,
    )
    await xrayed.scan(image_tag_id)
    assert [found[4] for found in await xrayed.findings(image_tag_id)] == ["not_scanned"]
