"""Removing the demonstration: nothing of it stays, and nothing real goes with it."""

import asyncio
from typing import Any

from sqlalchemy import text
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import import_records, osv
from tests.support.service import RunningService, eventually

from deadlight.server.demonstration import SOURCE
from deadlight.server.findings.service import assess_image
from deadlight.server.tables import metadata

DEMONSTRATION = "/api/v1/demonstration"


async def bring(service: RunningService, fleet: Fleet, name: str, *, demonstration: bool) -> None:
    """A cluster with an image of its own and one that everybody runs, a registry, a worker and an advisory."""
    own = await fleet.add_image(installed(package(f"lib{name}")), repository=f"{name}/web")
    shared = await fleet.add_image_tag("shared/proxy")
    await fleet.add_cluster(name, demonstration=demonstration)
    await fleet.add_node(cluster=name)
    await fleet.add_agent("controller", cluster=name)
    await fleet.deploy(own.image_tag_id, shared, cluster=name)
    await import_records(fleet.engine, osv(f"CVE-{name}", f"lib{name}"), source=SOURCE if demonstration else "osv.dev")
    async with fleet.engine.begin() as connection:
        await assess_image(connection, own.image_id)
    await service.post("/api/v1/registries", {"host": f"{name}.example", "demonstration": demonstration})
    signer = {"identity": "*", "issuer": "https://issuer.example", "repositories": [f"{name}.example/*"]}
    await service.post("/api/v1/signers", {"name": name, **signer})
    await service.post("/api/v1/owners", {"team": name, "demonstration": demonstration})
    worker: dict[str, Any] = {
        "name": name,
        "event_types": ["WorkloadChanged"],
        "demonstration": demonstration,
        "destinations": [{"type": "webhook", "config": {"url": "https://hooks.example.com/"}}],
    }
    worker_id = (await service.post("/api/v1/workers", worker))["id"]
    await service.post(f"/api/v1/workers/{worker_id}/test", {})


RECORDS = {"event", "advisory_import"}
"""What happened, the removal included."""

CONTENTS = {"call_evidence", "image", "image_package", "image_risk", "package"}
CONTENTS |= {"package_match_state", "vulnerability_match"}
"""What is in images is kept by their digests, in case they come again, and shown of what runs only."""


async def counts(service: RunningService) -> dict[str, int]:
    """Rows by table."""
    tables = metadata.tables.keys() - RECORDS - CONTENTS
    found = {table: (await service.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in sorted(tables)}
    return {table: count for table, count in found.items() if count}


async def test_the_demonstration_goes_without_a_trace_and_takes_nothing_along(service: RunningService) -> None:
    fleet = Fleet(service.services.engine)
    await bring(service, fleet, "real", demonstration=False)
    before = await counts(service)
    await bring(service, fleet, "staged", demonstration=True)
    removed = await service.request("DELETE", DEMONSTRATION)
    assert removed == {"workers": 1, "owners": 1, "clusters": 1, "signers": 1, "registries": 1, "advisories": 1}
    after = await counts(service)
    assert after == before
    names = await service.rows("SELECT vulnerability.name FROM vulnerability")
    assert [row.name for row in names] == ["CVE-real"]
    assert [row.name for row in await service.rows("SELECT name FROM cluster")] == ["real"]
    tags = await service.rows("SELECT repository FROM image_tag ORDER BY repository")
    assert [row.repository for row in tags] == ["real/web", "shared/proxy"]


async def test_removing_it_again_removes_nothing(service: RunningService) -> None:
    fleet = Fleet(service.services.engine)
    await bring(service, fleet, "real", demonstration=False)
    before = await counts(service)
    for _ in range(2):
        removed = await service.request("DELETE", DEMONSTRATION)
        assert set(removed.values()) == {0}
    assert await counts(service) == before


async def test_it_goes_while_a_verdict_is_written_on_what_it_removes(service: RunningService) -> None:
    """A comparison has the verdict, for which removing waits, and wants the workload, which removing has."""
    fleet = Fleet(service.services.engine)
    image_tag_id = await fleet.add_image_tag()
    await fleet.add_cluster("staged", demonstration=True)
    await fleet.deploy(image_tag_id, cluster="staged")
    await fleet.rows("INSERT INTO verdict (image_tag_id, status) VALUES (:id, 'No Issues')", id=image_tag_id)

    async def is_waiting() -> bool:
        return bool(await service.rows("SELECT FROM pg_locks WHERE NOT granted"))

    async with service.services.engine.begin() as connection:
        await connection.execute(text("SET LOCAL deadlock_timeout = '1min'"))  # so that removing is given up
        await connection.execute(text("SELECT FROM verdict FOR UPDATE"))
        removing = asyncio.create_task(service.request("DELETE", DEMONSTRATION))
        await eventually(is_waiting)
        await connection.execute(text("SELECT FROM workload FOR UPDATE"))
    assert (await removing)["clusters"] == 1
