"""Inventory batches become rows and events."""

from tests.support.inventory import batch, container, node, pod, workload
from tests.support.service import RunningService

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


async def test_a_first_synchronisation_is_stored_and_acknowledged(service: RunningService) -> None:
    controller = await service.enrol()
    first = batch(node(), workload(), pod(container("registry.example/shop/web:1.0.0", DIGEST)))
    status, answer = await controller.post("/agent/v1/inventory", first)
    assert (status, answer) == (200, {"batch_id": first.batch_id})
    (row,) = await service.rows("SELECT * FROM image_tag")
    assert (row.registry, row.repository, row.tag, row.digest, row.platform) == (
        "registry.example",
        "shop/web",
        "1.0.0",
        DIGEST,
        "linux/amd64",
    )
    (running,) = await service.rows("SELECT * FROM workload")
    assert (running.status, running.image_tag_ids) == ("running", [row.id])
