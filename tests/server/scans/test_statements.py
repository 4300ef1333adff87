"""An Artifactory's images have the findings that its Xray states, and nobody else's do."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Row
from tests.server.scans.conftest import Scans
from tests.support.fleet import Fleet
from tests.support.images import debian, image, python
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.registries import serve_registry
from tests.support.xray import SCANNER, ArtifactoryWithXray, component, issue, node

from deadlight.model.scan_configuration import Scanner
from deadlight.server.events.outbox import Event
from deadlight.server.findings.jobs import AssessImage, run_assess_image
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import change_registry, remove_registry
from deadlight.server.scans.handlers import scan_registry
from deadlight.server.scans.jobs import rescan_stale
from deadlight.server.scans.processes import IsolatedProcesses
from deadlight.server.services import Services

REPOSITORY = "docker-local/shop/web"
PLACE = f"{REPOSITORY}/1.0.0/manifest.json"
OPENSSL, FLASK = "deb://debian:bookworm:openssl:3.0.11-1", "pypi://Flask:3.0.0"
WEB = image(debian({"openssl": "3.0.11-1", "bash": "5.2-1"}, {"openssl": ("/usr/bin/openssl",)}), python("flask", "3.0.0"))
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
        await self.scans.fleet.rows(f"UPDATE image_statement SET asked_at = {long_ago}, stated_at = {long_ago}")  # noqa: S608


@pytest.fixture
async def xrayed(services: Services, fleet: Fleet, processes: IsolatedProcesses) -> AsyncIterator[Xrayed]:
    double = ArtifactoryWithXray()
    async with serve_registry(double) as registry:
        scans = Scans(replace(services, processes=processes), registry, fleet)
        await scans.trust(type="artifactory", username=SCANNER.name, password=SCANNER.password, scan_with="xray")
        yield Xrayed(double, scans)


async def jobs(fleet: Fleet) -> Sequence[str]:
    return [row.payload.decode() for row in await fleet.rows("SELECT payload FROM pgqueuer ORDER BY id")]


# --- what Xray says is what the image has -----------------------------------------------------------------


@pytest.mark.req("A1", "A2", "A8", "A9", "D2", "R13")
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
    names = [(item.ecosystem, item.name) for item in await xrayed.scans.packages(image_tag_id)]
    assert names == [("Debian:12", "bash"), ("PyPI", "flask"), ("Debian:12", "openssl"), ("Maven", "org.shaded:inside")]
