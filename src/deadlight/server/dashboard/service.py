"""The dashboard's figures, and how far they can be relied on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.dashboard.risk_index import Funnel, RiskIndex, list_running_images
from deadlight.server.dashboard.schemas import FunnelOut, FunnelStage, InstallationStatus, ScanStatus

_SCANS = text(
    """
    SELECT count(DISTINCT container.image_tag_id) AS running,
           count(DISTINCT container.image_tag_id) FILTER (WHERE scan.status = 'done') AS scanned
    FROM container LEFT JOIN scan ON scan.image_tag_id = container.image_tag_id
    WHERE container.state = 'running' AND container.removed_at IS NULL AND container.image_tag_id IS NOT NULL
      AND (CAST(:clusters AS uuid[]) IS NULL OR container.cluster_id = ANY(:clusters))
      AND (CAST(:namespaces AS text[]) IS NULL OR EXISTS (
            SELECT FROM pod WHERE pod.id = container.pod_id AND pod.namespace = ANY(:namespaces)))
    """
)

_INSTALLATION = text(
    """
    SELECT count(*) AS clusters,
           count(*) FILTER (WHERE EXISTS (SELECT FROM agent WHERE agent.cluster_id = cluster.id
                                          AND agent.kind = 'sensor' AND agent.revoked_at IS NULL)) AS with_sensors
    FROM cluster WHERE removed_at IS NULL
    """
)

STAGES = (
    ("all_vulnerabilities", "All Vulnerabilities", "Distinct CVEs of scanned running images"),
    ("critical_and_high", "Critical & High", "Of these, severity Critical or High"),
    ("applicable", "Applicable", "Of these, confirmed by contextual analysis"),
    ("with_fix_version", "With Fix Version", "Of these, fixed by the maintainer"),
    ("validated_in_runtime", "Validated in Runtime", "Of these, in a package a sensor saw in use"),
)

_SCAN_ADVICE = {
    ScanStatus.NOT_SCANNED: "No running image has been scanned yet. Add the registries they come from.",
    ScanStatus.PARTIAL: "Some running images are not scanned: scans are under way, or their registry is not trusted.",
    ScanStatus.SCANNED: "",
}

_INSTALLATION_ADVICE = {
    InstallationStatus.NO_RUNTIME_INSTALLED: "No cluster is connected. Connect one to see what runs.",
    InstallationStatus.CONTROLLER_ONLY: "No cluster has sensors, so nothing can be validated in runtime.",
    InstallationStatus.FULL: "",
}


async def build_funnel(
    connection: AsyncConnection, index: RiskIndex, clusters: Sequence[str], namespaces: Sequence[str]
) -> FunnelOut:
    """The funnel of what runs, in these clusters and namespaces where any are given, with what it rests on."""
    scope: dict[str, Any] = {"clusters": list(clusters) or None, "namespaces": list(namespaces) or None}
    scans = (await connection.execute(_SCANS, scope)).one()
    installation = (await connection.execute(_INSTALLATION)).one()
    image_ids = await list_running_images(connection, clusters, namespaces)
    scan_status = rate_scans(scans.running, scans.scanned)
    installation_status = rate_installation(installation.clusters, installation.with_sensors)
    return FunnelOut(
        stages=_stages(index.funnel(image_ids)),
        running_images=scans.running,
        scanned_images=scans.scanned,
        scan_status=scan_status,
        scan_advice=_SCAN_ADVICE[scan_status],
        installation_status=installation_status,
        installation_advice=_INSTALLATION_ADVICE[installation_status],
    )


def _stages(funnel: Funnel) -> list[FunnelStage]:
    return [
        FunnelStage(key=key, label=label, description=description, count=count)
        for (key, label, description), count in zip(STAGES, funnel.counts, strict=True)
    ]


def rate_scans(running: int, scanned: int) -> ScanStatus:
    """Whether running images have been scanned. Pure."""
    if scanned == 0:
        return ScanStatus.NOT_SCANNED
    return ScanStatus.SCANNED if scanned == running else ScanStatus.PARTIAL


def rate_installation(clusters: int, with_sensors: int) -> InstallationStatus:
    """How much is installed: sensors on one cluster make it full, as documented. Pure."""
    if clusters == 0:
        return InstallationStatus.NO_RUNTIME_INSTALLED
    return InstallationStatus.FULL if with_sensors else InstallationStatus.CONTROLLER_ONLY
