"""Where an image is: its workloads, clusters, namespaces and, for a violation, its places."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.image_schemas import (
    ClusterPlace,
    ImageClusters,
    ImageWorkloads,
    ViolationPlace,
    ViolationPlaces,
)
from deadlight.server.assessment.schemas import WorkloadRow
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by
from deadlight.server.owners.attributions import AttributionOut, attribution

MAX_PLACES = 1000

_WORKLOADS = text(
    """
    SELECT workload.*, cluster.name AS cluster, cluster.demonstration, count(*) OVER () AS total,
           (SELECT coalesce(array_agg(DISTINCT pod.node_name ORDER BY pod.node_name), '{}') FROM pod
            WHERE pod.workload_id = workload.id AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE workload.image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND workload.removed_at IS NULL
    ORDER BY cluster.name, workload.namespace, workload.name, workload.id LIMIT :limit
    """
)

_EVIDENCE = text(
    """
    SELECT workload.annotations, workload.labels, workload.template, workload.deployer FROM workload
    WHERE workload.image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND workload.removed_at IS NULL
    ORDER BY workload.id LIMIT :limit
    """
)

_CLUSTERS = text(
    """
    SELECT cluster.id, cluster.name, cluster.provider, cluster.regions, cluster.version, cluster.demonstration,
           count(*) AS workloads, array_agg(DISTINCT workload.namespace ORDER BY workload.namespace) AS namespaces,
           (SELECT count(DISTINCT pod.node_name) FROM container JOIN pod ON pod.id = container.pod_id
            WHERE container.image_tag_id = :image_tag_id AND container.cluster_id = cluster.id
              AND container.removed_at IS NULL AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes,
           count(*) OVER () AS total
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE workload.image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND workload.removed_at IS NULL
    GROUP BY cluster.id ORDER BY cluster.name, cluster.id LIMIT :limit
    """
)

# The nodes are those of now; those of the detection where its pods have gone meanwhile.
_VIOLATION_PLACES = text(
    """
    SELECT place.detected_at, place.nodes AS nodes_then, workload.id, workload.name, workload.namespace, workload.kind,
           workload.kind_name, workload.annotations, workload.labels, workload.template, workload.deployer,
           workload.cluster_id, cluster.name AS cluster, cluster.demonstration, count(*) OVER () AS total,
           (SELECT array_agg(DISTINCT pod.node_name ORDER BY pod.node_name)
            FROM pod JOIN container ON container.pod_id = pod.id
            WHERE pod.workload_id = workload.id AND container.image_tag_id = violation.image_tag_id
              AND pod.removed_at IS NULL AND container.removed_at IS NULL AND pod.node_name <> '') AS nodes
    FROM violation
    JOIN violation_location AS place ON place.violation_id = violation.id AND place.gone_at IS NULL
    JOIN workload ON workload.id = place.workload_id
    JOIN cluster ON cluster.id = workload.cluster_id
    WHERE violation.image_tag_id = :image_tag_id AND violation.closed_at IS NULL
    ORDER BY cluster.name, workload.namespace, workload.name, workload.id LIMIT :limit
    """
)

_NAMESPACES = text(
    """
    SELECT DISTINCT namespace FROM workload
    WHERE image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND removed_at IS NULL ORDER BY namespace
    """
)


async def list_namespaces(connection: AsyncConnection, image_tag_id: int) -> list[str]:
    """The namespaces with workloads that have it now, over all clusters."""
    return list((await connection.execute(_NAMESPACES, {"image_tag_id": image_tag_id})).scalars())


async def list_image_workloads(connection: AsyncConnection, image_tag_id: int) -> ImageWorkloads:
    """The workloads that have it now, and who deployed them."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_PLACES}
    rows = (await connection.execute(_WORKLOADS, parameters)).all()
    return ImageWorkloads(workloads=[_workload(row) for row in rows], total=rows[0].total if rows else 0)


def _workload(row: Row[Any]) -> WorkloadRow:
    return WorkloadRow(
        id=row.id,
        name=row.name,
        namespace=row.namespace,
        kind=row.kind_name or row.kind,
        cluster=row.cluster,
        cluster_id=str(row.cluster_id),
        status=row.status,
        nodes=list(row.nodes),
        deployed_by=attribution(find_deployed_by(DeploymentEvidence.of(row))),
        demonstration=row.demonstration,
    )


async def list_deployers(connection: AsyncConnection, image_tag_id: int) -> list[AttributionOut]:
    """Each of those who deployed it, once, as far as the first thousand workloads that have it say."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_PLACES}
    found = [find_deployed_by(DeploymentEvidence.of(row)) for row in await connection.execute(_EVIDENCE, parameters)]
    return each_once(attribution(item) for item in found)


def each_once(people: Iterable[AttributionOut | None]) -> list[AttributionOut]:
    """Without those nobody knows and without repetitions, in order."""
    return list({person.value: person for person in people if person is not None}.values())


async def list_image_clusters(connection: AsyncConnection, image_tag_id: int) -> ImageClusters:
    """The clusters with workloads that have it now."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_PLACES}
    rows = (await connection.execute(_CLUSTERS, parameters)).all()
    return ImageClusters(clusters=[_cluster(row) for row in rows], total=rows[0].total if rows else 0)


def _cluster(row: Row[Any]) -> ClusterPlace:
    return ClusterPlace(
        id=str(row.id),
        name=row.name,
        provider=row.provider,
        regions=list(row.regions),
        version=row.version,
        workloads_count=row.workloads,
        nodes_count=row.nodes,
        namespaces=list(row.namespaces),
        demonstration=row.demonstration,
    )


async def list_violation_places(connection: AsyncConnection, image_tag_id: int) -> ViolationPlaces:
    """Where its open violation is: one row for each workload."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_PLACES}
    rows = (await connection.execute(_VIOLATION_PLACES, parameters)).all()
    return ViolationPlaces(places=[_place(row) for row in rows], total=rows[0].total if rows else 0)


def _place(row: Row[Any]) -> ViolationPlace:
    return ViolationPlace(
        workload_id=row.id,
        name=row.name,
        namespace=row.namespace,
        kind=row.kind_name or row.kind,
        cluster=row.cluster,
        cluster_id=str(row.cluster_id),
        nodes=list(row.nodes or row.nodes_then),
        detected_at=row.detected_at,
        deployed_by=attribution(find_deployed_by(DeploymentEvidence.of(row))),
        demonstration=row.demonstration,
    )
