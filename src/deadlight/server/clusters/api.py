"""Endpoints of Cluster Management."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from deadlight.server.auth.registration import Binding, create_token
from deadlight.server.auth.requests import Admin
from deadlight.server.clusters.answers import cluster_detail, cluster_row, clusters_overview
from deadlight.server.clusters.configuration import configure_clusters
from deadlight.server.clusters.health import Timeouts, rate
from deadlight.server.clusters.install import Plan, Step, controller_here, find_reach_problem, list_steps
from deadlight.server.clusters.overview import select, summarise
from deadlight.server.clusters.queries import get_cluster, load_clusters
from deadlight.server.clusters.schemas import (
    ClusterDetail,
    ClusterList,
    ClusterQuery,
    InstallationIn,
    InstallationOut,
    InstallationStep,
    ScanConfigurationIn,
)
from deadlight.server.db.engine import autocommit
from deadlight.server.inventory.service import remove_cluster
from deadlight.server.scans.due import find_lacking
from deadlight.server.services import ServicesDep
from deadlight.server.settings import Settings

router = APIRouter(prefix="/api/v1/clusters", tags=["clusters"])


def timeouts_of(settings: Settings) -> Timeouts:
    """After how long silence means something."""
    return Timeouts(settings.agent_timeout, settings.installation_timeout)


@router.get("", operation_id="listManagedClusters")
async def get_clusters(query: Annotated[ClusterQuery, Query()], _: Admin, services: ServicesDep) -> ClusterList:
    """Clusters with the state of their agents and what is scanned there, and figures over all of them."""
    timeouts = timeouts_of(services.settings)
    async with autocommit(services.engine) as connection:
        facts, now = await load_clusters(connection)
    rated = [rate(item, now, timeouts) for item in facts]
    found = select(rated, query.cluster_filter(), query.order_by, descending=query.descending)
    overview = clusters_overview(summarise(rated), timeouts, find_lacking(services.settings))
    return ClusterList(clusters=[cluster_row(item) for item in found], overview=overview)


@router.put("/configuration", operation_id="configureClusters", status_code=204)
async def put_configuration(body: ScanConfigurationIn, principal: Admin, services: ServicesDep) -> None:
    """Configure what is scanned in clusters: in all of them, or in none where one is not there."""
    async with services.engine.begin() as connection:
        await configure_clusters(connection, body.cluster_ids, body.configuration(), principal.name)


@router.post("/installation", operation_id="planInstallation", status_code=201)
async def post_installation(body: InstallationIn, principal: Admin, services: ServicesDep) -> InstallationOut:
    """How to install the agents in a cluster, or upgrade them, with a registration token made for it."""
    plan = Plan(body.provider, body.installation, body.cluster_name, body.namespace, services.settings.public_url)
    list_steps(plan, "")  # refused before a token is made
    binding = Binding(body.cluster_name)
    async with services.engine.begin() as connection:
        token, token_id = await create_token(
            connection, f"Install {body.cluster_name}", binding=binding, created_by=principal.name
        )
    return InstallationOut(
        server_url=plan.server_url,
        token_id=token_id,
        registration_token=token,
        steps=[_step(step) for step in list_steps(plan, token)],
        from_this_machine=_step(controller_here(plan, token)),
        warning=find_reach_problem(plan.server_url),
    )


def _step(step: Step) -> InstallationStep:
    return InstallationStep.model_validate(step, from_attributes=True)


@router.get("/{cluster_id}", operation_id="getManagedCluster")
async def get_cluster_detail(cluster_id: UUID, _: Admin, services: ServicesDep) -> ClusterDetail:
    """A cluster with its nodes."""
    async with autocommit(services.engine) as connection:
        facts, now = await get_cluster(connection, cluster_id)
    return cluster_detail(rate(facts, now, timeouts_of(services.settings)))


@router.delete("/{cluster_id}", operation_id="removeCluster", status_code=204)
async def delete_cluster(cluster_id: UUID, _: Admin, services: ServicesDep) -> None:
    """Stop following a cluster: its agents are revoked, and what ran there counts as gone."""
    async with services.engine.begin() as connection:
        await remove_cluster(connection, cluster_id)
