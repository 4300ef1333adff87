"""Workloads whose processes sensors saw, written without sensors."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.support.fleet import Fleet, Running, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, HIGH, import_records, osv

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.findings.service import assess_image, refresh_program_risks
from deadlight.server.runtime.service import take_observations


def seen(container_id: str, path: str, process: str, grade: Grade = Grade.EXECUTED, **more: Any) -> wire.Observation:
    """What a sensor saw."""
    values: dict[str, Any] = {"first_at": STARTED, "last_at": STARTED + timedelta(minutes=1), "pid": 1} | more
    return wire.Observation(container_id=container_id, grade=grade, path=path, process=process, **values)


async def observe(fleet: Fleet, cluster: str, *observations: wire.Observation) -> None:
    """A sensor of the cluster sends this."""
    cluster_id = await fleet.add_cluster(cluster)
    await fleet.add_agent("sensor", f"node-{uuid4().hex[:6]}", cluster=cluster)
    (agent, *_) = await fleet.rows("SELECT id FROM agent ORDER BY id DESC")
    batch = wire.ObservationBatch(batch_id=uuid4().hex, node="node-1", observations=observations)
    async with fleet.engine.begin() as connection:
        await take_observations(connection, AgentPrincipal(agent.id, cluster_id, AgentKind.SENSOR, "node-1"), batch)


async def watched(fleet: Fleet) -> dict[str, Running]:
    """Two workloads of one image in a cluster with sensors; one uses what is wrong with it, the other does not."""
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", severity=CRITICAL, fixed="9"),
        osv("CVE-2026-0002", "curl", severity=HIGH),
        osv("MAL-2026-0001", "evil", severity="", ecosystem="PyPI"),
    )
    openssl = installed(package(), "/usr/lib/libssl.so")
    curl = installed(package("curl", "7.88"), "/usr/bin/curl")
    evil = installed(package("evil", "1.0", "PyPI"), "/app/evil.py")
    image = await fleet.add_image(openssl, curl, evil, repository="shop/web")
    quiet = await fleet.deploy(image.image_tag_id, name="quiet", cluster="watched")
    busy = await fleet.deploy(image.image_tag_id, name="busy", cluster="watched", node="node-2")
    unseen = await fleet.deploy(image.image_tag_id, name="unseen", cluster="blind")
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    line = ("server", "--port", "80")
    await observe(
        fleet,
        "watched",
        *(seen(item.container_ids[0], "/app/server", "server", arguments=line) for item in (quiet, busy)),
        seen(busy.container_ids[0], "/usr/bin/curl", "curl", pid=2),
        seen(busy.container_ids[0], "/usr/lib/libssl.so", "curl", Grade.MAPPED, pid=2),
        seen(busy.container_ids[0], "/etc/hosts", "curl", Grade.OPENED, pid=2, count=3),
        seen(busy.container_ids[0], "/tmp/dropped", "x", pid=3, changed=True),
        seen(busy.container_ids[0], "/app/evil.py", "thread-7", Grade.OPENED, pid=3),
    )
    async with fleet.engine.begin() as connection:
        await refresh_program_risks(connection, [image.image_id])
    return {"quiet": quiet, "busy": busy, "unseen": unseen}
