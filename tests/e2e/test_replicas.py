"""Two replicas of the service on one database share the work and the truth."""

import pytest
from tests.support.images import text_image
from tests.support.inventory import batch, container, delta, node, pod, workload
from tests.support.receiver import Receiver
from tests.support.registries import serve_registry
from tests.support.service import Agent, running_service, service_settings

from deadlight.model import wire

WORKLOADS = [f"web-{number}" for number in range(12)]


def deployed(name: str, host: str) -> wire.InventoryBatch:
    """A workload that runs what its registry does not have under that tag."""
    owner = workload(name=name)
    running = container(f"{host}/shop/web:1.0.0", f"sha256:{name.encode().hex():0>64}")
    return delta(owner, pod(running, name=f"{name}-1", owner=owner))


@pytest.mark.req("R4", "F24")
async def test_either_takes_what_it_is_told_and_every_alert_is_sent_once(database_url: str, receiver: Receiver) -> None:
    settings = service_settings(database_url)
    async with (
        serve_registry() as registry,
        running_service(settings) as first,
        running_service(settings) as second,
    ):
        await registry.push(text_image("reviewed"))
        await first.post("/api/v1/registries", {"host": registry.host, "url": registry.url})
        destination = {"type": "webhook", "config": {"url": receiver.url}}
        worker = {"name": "tell", "event_types": ["IntegrityViolationDetected"], "destinations": [destination]}
        await second.post("/api/v1/workers", worker)
        controller = await first.enrol()
        elsewhere = Agent(second, controller.token, controller.cluster_id, controller.agent_id)
        await controller.post("/agent/v1/inventory", batch(node()))
        for number, name in enumerate(WORKLOADS):
            told = (controller, elsewhere)[number % 2]
            assert (await told.post("/agent/v1/inventory", deployed(name, registry.host)))[0] == 200
        await receiver.wait(len(WORKLOADS))
        await second.settle()
        assert sorted(item.body["data"]["workload"]["name"] for item in receiver.received) == sorted(WORKLOADS)
        for replica in (first, second):
            assert (await replica.get("/api/v1/image-tags"))["total"] == len(WORKLOADS)
