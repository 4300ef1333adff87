"""The page of a workload: its images, its pods and who deployed it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import TimePeriod
from deadlight.server.assessment.evidence import describe_coverage
from deadlight.server.assessment.image_page import build_rows
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.workload_schemas import WorkloadDetail, WorkloadPod
from deadlight.server.assessment.workloads import find_workload
from deadlight.server.errors import NotFoundError
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by
from deadlight.server.owners.attributions import attribution
from deadlight.server.runtime.watch import coverage_of_workload

PODS_LISTED = 100

_WORKLOAD = text(
    "SELECT desired, ready, created_at, annotations, labels, template, deployer FROM workload WHERE id = :workload_id"
)

# What it has now; of one that is gone, what it had last.
_IMAGE_TAGS = text(
    """
    SELECT image_tag_id FROM placement
    WHERE workload_id = :workload_id
      AND (gone_at IS NULL OR NOT EXISTS (
            SELECT FROM placement AS other WHERE other.workload_id = :workload_id AND other.gone_at IS NULL))
    ORDER BY image_tag_id LIMIT 100
    """
)

_PODS = text(
    """
    SELECT pod.name, pod.node_name, pod.phase, count(*) OVER () AS pods,
           ARRAY(SELECT image FROM container WHERE container.pod_id = pod.id AND container.removed_at IS NULL
                 ORDER BY container.role, container.name) AS containers
    FROM pod WHERE pod.workload_id = :workload_id AND pod.removed_at IS NULL
    ORDER BY pod.name LIMIT :limit
    """
)


async def build_workload(connection: AsyncConnection, live: LiveIndex, workload_id: int) -> WorkloadDetail:
    """The page's head; raises NotFoundError."""
    listed = await find_workload(connection, live, workload_id)
    row = (await connection.execute(_WORKLOAD, {"workload_id": workload_id})).first()
    if listed is None or row is None:
        raise NotFoundError("no such workload: what has not run for ten days is forgotten")
    ids = (await connection.execute(_IMAGE_TAGS, {"workload_id": workload_id})).scalars().all()
    pods = (await connection.execute(_PODS, {"workload_id": workload_id, "limit": PODS_LISTED})).all()
    return WorkloadDetail(
        **listed.model_dump(),
        desired=row.desired,
        ready=row.ready,
        created_at=row.created_at,
        deployed_by=attribution(find_deployed_by(DeploymentEvidence.of(row))),
        pods=[
            WorkloadPod(name=pod.name, node=pod.node_name, phase=pod.phase, containers=list(pod.containers))
            for pod in pods
        ],
        pods_count=pods[0].pods if pods else 0,
        coverage=describe_coverage(await coverage_of_workload(connection, workload_id)),
        images=await build_rows(connection, ids, TimePeriod.TEN_DAYS),
    )
