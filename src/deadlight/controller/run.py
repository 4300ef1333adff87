"""Puts a controller together: a cluster on one side, the service on the other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from deadlight.client.agent import AgentClient
from deadlight.client.backoff import PATIENT, Backoff
from deadlight.client.credential_process import Identity
from deadlight.client.tokens import fetch_token
from deadlight.controller.admission.options import AdmissionOptions
from deadlight.controller.beat import keep_beating
from deadlight.controller.errors import ApiError, ConfigurationError, ControllerError
from deadlight.controller.health import Health
from deadlight.controller.ship import Shipper
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.cluster import fetch_cluster_uid
from deadlight.controller.sources.kubernetes.source import KubernetesSource
from deadlight.model.wire import ClusterRecord

PROBE_SECONDS = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a controller is told on its command line."""

    server: str
    state: Path
    cluster_name: str = ""
    """Empty: the kubeconfig's context, else a name made from the cluster's UID."""
    registration_token_file: Path | None = None
    ca_file: Path | None = None
    demonstration: bool = False
    once: bool = False
    node_name: str = ""
    """Where it runs inside the cluster."""
    admission: AdmissionOptions | None = None
    """None: nothing is listened to."""


async def run_controller(access: Access, options: Options) -> None:
    """Follow the cluster and keep the service informed, until cancelled or, with `once`, until it knows everything.

    Raises:
        ConfigurationError: the cluster cannot be identified or asked as configured.
        IdentityRefusedError: the service refuses this controller.
    """
    async with KubernetesApi(access) as api:
        uid = await identify(api, access.server)
        name = options.cluster_name or access.name or f"kubernetes-{uid[:8]}"
        identity = Identity(
            server=options.server,
            state=options.state,
            kind="controller",
            cluster_uid=uid,
            cluster_name=name,
            registration_token_file=options.registration_token_file,
            ca_file=options.ca_file,
            demonstration=options.demonstration,
        )
        async with AgentClient(options.server, partial(fetch_token, identity), ca_file=options.ca_file) as client:
            await _follow(api, client, ClusterRecord(uid=uid, name=name), options)


async def check_access(access: Access) -> None:
    """Ask the cluster who it is, once.

    Raises:
        ControllerError: it does not answer within a few seconds, or not to us.
    """
    async with KubernetesApi(access, quiet_seconds=PROBE_SECONDS) as api:
        await fetch_cluster_uid(api)


async def _follow(api: KubernetesApi, client: AgentClient, cluster: ClusterRecord, options: Options) -> None:
    health, started_at = Health(), datetime.now(UTC)
    shipper = Shipper(client, cluster, health)
    source = KubernetesSource(api, cluster, shipper, health)
    async with _admission(options.admission, source, health), asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(source.run()),
            tasks.create_task(_ship(source, shipper)),
            tasks.create_task(keep_beating(client, health, shipper.held, started_at, node_name=options.node_name)),
        ]
        await shipper.synced.wait()
        logger.info("the service holds cluster %s", cluster.name)
        if options.once:
            for task in running:
                task.cancel()


@asynccontextmanager
async def _admission(options: AdmissionOptions | None, source: KubernetesSource, health: Health) -> AsyncIterator[None]:
    """Listen to the API server, where that is wanted."""
    if options is None:
        yield
        return
    from deadlight.controller.admission.server import serve_admission  # noqa: PLC0415 - a web server's modules cost

    async with serve_admission(options, lambda asked: source.attribute(asked.uid, asked.deployer), health.counts):
        yield


async def _ship(source: KubernetesSource, shipper: Shipper) -> None:
    await source.complete.wait()
    logger.info("read the cluster: %s", shipper.held())
    await shipper.run()


async def identify(api: KubernetesApi, server: str, backoff: Backoff = PATIENT) -> str:
    """The cluster's UID, waited for while the API server cannot be reached.

    Raises:
        ConfigurationError: the API server refuses the credentials, or to tell.
    """
    attempt = 0
    while True:
        try:
            return await fetch_cluster_uid(api)
        except ConfigurationError:
            raise
        except ControllerError as error:
            if isinstance(error, ApiError) and error.status == 401:
                raise ConfigurationError(f"{server} does not accept the credentials: {error}") from error
            logger.warning("cannot ask %s which cluster it is, will retry: %s", server, error)
        await asyncio.sleep(backoff.delay(attempt))
        attempt += 1
