"""The funnel: distinct vulnerabilities of scanned running images, each stage part of the one before."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import CRITICAL, HIGH, LOW, import_records, osv
from tests.support.rematching import follow_advisories
from tests.support.service import RunningService, eventually

from deadlight.model.vulnerability import Applicability, Severity, Stage
from deadlight.server.dashboard.risk_index import furthest_stages
from deadlight.server.dashboard.schemas import InstallationStatus, ScanStatus
from deadlight.server.dashboard.service import rate_installation, rate_scans
from deadlight.server.findings.risk import Finding, summarise
from deadlight.server.findings.service import assess_image
from deadlight.server.findings.stored_risk import update_risk

LABELS = ["All Vulnerabilities", "Critical & High", "Applicable", "With Fix Version", "Validated in Runtime"]


# --- any fleet -------------------------------------------------------------------------------------------

FINDINGS = st.builds(
    Finding,
    image_id=st.integers(1, 3),
    package_id=st.integers(1, 4),
    vulnerability_id=st.integers(1, 12),
    severity=st.sampled_from(Severity),
    malicious=st.just(False),
    fixable=st.booleans(),
    applicability=st.sampled_from(Applicability),
    validated=st.booleans(),
)

CONDITIONS = (
    lambda _: True,
    lambda finding: finding.severity in {Severity.CRITICAL, Severity.HIGH},
    lambda finding: finding.applicability is Applicability.APPLICABLE,
    lambda finding: finding.fixable,
    lambda finding: finding.validated,
)
"""Of the stages, in words of the documentation."""


def counted_by_hand(findings: list[Finding]) -> list[set[int]]:
    """The distinct vulnerabilities of which some finding meets a stage's condition and all before it."""
    return [
        {item.vulnerability_id for item in findings if all(holds(item) for holds in CONDITIONS[: stage + 1])}
        for stage in Stage
    ]


@pytest.mark.req("D16", "D17", "D18", "D19", "D20", "D21", "D22")
@given(st.lists(FINDINGS, max_size=40))
def test_a_fleets_funnel_is_what_one_counts_by_hand(findings: list[Finding]) -> None:
    images = {finding.image_id for finding in findings}
    packed = [summarise(item for item in findings if item.image_id == image).packed for image in images]
    furthest = furthest_stages(np.concatenate([np.frombuffer(item, "<u4") for item in packed] or [np.array([], "<u4")]))
    reached = [int((furthest >= stage).sum()) for stage in Stage]
    expected = counted_by_hand(findings)
    assert reached == [len(stage) for stage in expected]
    assert all(later <= earlier for earlier, later in pairwise(expected))


# --- the service's own -----------------------------------------------------------------------------------


async def funnel(service: RunningService, query: str = "") -> Mapping[str, Any]:
    found: Mapping[str, Any] = await service.get(f"/api/v1/funnel?{query}")
    return found


async def until_counted(service: RunningService, *counts: int, query: str = "") -> Mapping[str, Any]:
    """The funnel, once the index has heard of what was written."""

    async def so() -> bool:
        return tuple(stage["count"] for stage in (await funnel(service, query))["stages"]) == counts

    await eventually(so)
    return await funnel(service, query)


_APPLICABLE = """
    INSERT INTO applicability (image_id, package_id, vulnerability_id, status)
    SELECT DISTINCT CAST(:image_id AS bigint), match.package_id, vulnerability.id, 'applicable'
    FROM vulnerability_match AS match
    JOIN advisory_vulnerability USING (advisory_id) JOIN vulnerability ON vulnerability.id = vulnerability_id
    WHERE vulnerability.name = ANY(:names)
"""
_USED = """
    INSERT INTO package_use (image_id, package_id, grade, grade_rank, path, process, container_id, cluster_id,
                             first_at, last_at)
    SELECT :image_id, package.id, 'executed', 3, '', '', '', gen_random_uuid(), now(), now()
    FROM package WHERE name = ANY(:names)
"""


async def assess(fleet: Fleet, image_id: int, *, applicable: Sequence[str] = (), used: Sequence[str] = ()) -> None:
    """Match an image, and let contextual analysis and a sensor have said something about its packages."""
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image_id)
    await fleet.rows(_APPLICABLE, image_id=image_id, names=list(applicable))
    await fleet.rows(_USED, image_id=image_id, names=list(used))
    async with fleet.engine.begin() as connection:
        await update_risk(connection, [image_id], "by hand")


@pytest.mark.req("D16", "D17", "D18", "D19", "D20", "D21", "D22", "R16")
async def test_the_funnel_counts_distinct_vulnerabilities_of_scanned_running_images(
    service: RunningService, fleet: Fleet
) -> None:
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", severity=CRITICAL, fixed="9"),
        osv("CVE-2026-0002", severity=HIGH),
        osv("CVE-2026-0003", severity=LOW, fixed="9"),
        osv("CVE-2026-0004", "curl", severity=HIGH, fixed="9"),
        osv("CVE-2026-0005", "zlib", severity=CRITICAL),
    )
    openssl, curl, zlib = (installed(package(name)) for name in ("openssl", "curl", "zlib"))
    web = await fleet.add_image(openssl, curl)
    api = await fleet.add_image(openssl, repository="shop/api")
    stopped = await fleet.add_image(zlib, repository="shop/stopped")
    await assess(fleet, web.image_id, applicable=["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"], used=["openssl"])
    await assess(fleet, api.image_id)
    await assess(fleet, stopped.image_id)
    await fleet.deploy(web.image_tag_id, api.image_tag_id, cluster="east")
    await fleet.deploy(api.image_tag_id, name="api", namespace="staging", cluster="west")
    await fleet.deploy(stopped.image_tag_id, name="stopped", cluster="east", state="terminated")
    everything = await until_counted(service, 4, 3, 2, 1, 1)
    assert [stage["label"] for stage in everything["stages"]] == LABELS
    assert (everything["running_images"], everything["scanned_images"], everything["scan_status"]) == (2, 2, "scanned")
    west = await fleet.add_cluster("west")
    await until_counted(service, 3, 2, 0, 0, 0, query=f"cluster={west}")
    await until_counted(service, 3, 2, 0, 0, 0, query="namespace=staging")
    await until_counted(service, 0, 0, 0, 0, 0, query=f"cluster={west}&namespace=shop")
    await fleet.deploy(await fleet.add_image_tag("shop/unscanned"), name="unscanned", cluster="west")
    partly = await until_counted(service, 4, 3, 2, 1, 1)
    assert (partly["running_images"], partly["scanned_images"], partly["scan_status"]) == (3, 2, "partial")
    assert partly["scan_advice"]
    await import_records(fleet.engine, osv("CVE-2026-0006", "curl", severity=HIGH))
    await follow_advisories(fleet.engine, [("Debian:12", "curl")])
    await until_counted(service, 5, 4, 0, 0, 0)  # contextual analysis was asked again, and covers none of these


@pytest.mark.req("R22")
async def test_the_funnel_says_what_it_rests_on(service: RunningService, fleet: Fleet) -> None:
    empty = await until_counted(service, 0, 0, 0, 0, 0)
    assert (empty["scan_status"], empty["installation_status"]) == ("not_scanned", "no_runtime_installed")
    assert empty["scan_advice"]
    assert empty["installation_advice"]
    await fleet.add_agent("controller", cluster="east")
    assert (await funnel(service))["installation_status"] == "controller_only"
    await fleet.add_agent("sensor", "node-1", cluster="west")
    assert (await funnel(service))["installation_status"] == "full"
    await fleet.rows("UPDATE agent SET revoked_at = now() WHERE kind = 'sensor'")
    assert (await funnel(service))["installation_status"] == "controller_only"


def test_statuses_have_the_documented_spellings() -> None:
    assert [rate_scans(*counts) for counts in ((0, 0), (3, 0), (3, 1), (3, 3))] == [
        ScanStatus.NOT_SCANNED,
        ScanStatus.NOT_SCANNED,
        ScanStatus.PARTIAL,
        ScanStatus.SCANNED,
    ]
    assert [rate_installation(*counts) for counts in ((0, 0), (2, 0), (2, 1), (2, 2))] == [
        InstallationStatus.NO_RUNTIME_INSTALLED,
        InstallationStatus.CONTROLLER_ONLY,
        InstallationStatus.FULL,
        InstallationStatus.FULL,
    ]
