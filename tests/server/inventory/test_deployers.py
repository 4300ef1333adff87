"""Whom controllers name as deployer is kept, over their restarts and for as long as it is true."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.inventory import batch, workload
from tests.support.service import RunningService

from deadlight.model import wire
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by

INVENTORY = "/agent/v1/inventory"
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def deployer(user: str, template: str, via: str = "admission") -> wire.Deployer:
    return wire.Deployer(user=user, via=via, at=AT, template=template, changed=("image of web",))


async def who(service: RunningService) -> str | None:
    (row,) = await service.rows("SELECT * FROM workload")
    found = find_deployed_by(DeploymentEvidence.of(row))
    return found.value if found else None


@pytest.mark.req("F2")
async def test_a_deployer_is_kept_until_somebody_else_deploys_something_else(service: RunningService) -> None:
    controller = await service.enrol()

    async def tell(template: str, said: wire.Deployer | None = None) -> str | None:
        record = workload(template=template, deployer=said)
        status, answer = await controller.post(INVENTORY, batch(record))
        assert (status, answer.get("resync")) == (200, None)
        return await who(service)

    assert await tell("t1", deployer("grace", "t1")) == "grace"
    assert await tell("t1") == "grace", "the controller has started anew"
    assert await tell("t1", deployer("later", "t1", via="audit")) == "grace", "who only annotated it, say"
    assert await tell("t2") is None, "nobody heard who that was"
    assert await tell("t2", deployer("heidi", "t2", via="audit")) == "heidi"
    assert await tell("t1", deployer("ivan", "t1")) == "ivan"


@pytest.mark.parametrize("field", ["user", "via", "template"])
async def test_a_deployer_beyond_all_bounds_is_refused_at_the_door(service: RunningService, field: str) -> None:
    controller = await service.enrol()
    values: dict[str, Any] = {"user": "u", "via": "admission", "at": AT} | {field: "x" * 513}
    status, answer = await controller.post(INVENTORY, batch(workload(deployer=wire.Deployer(**values))))
    assert status == 400
    assert field in answer["message"]
