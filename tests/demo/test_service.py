"""What the demonstration asks of a service that people use, too."""

from tests.server.ledger.test_api import add_window
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.client.rest import RestClient
from deadlight.demo.service import DemoService


async def test_what_somebody_has_acknowledged_before_the_script_does_stays_theirs(service: RunningService) -> None:
    fleet = Fleet(service.services.engine)
    tag = await fleet.add_image_tag("shop/checkout")
    running = [await fleet.deploy(tag, name="checkout", cluster=cluster) for cluster in ("east", "west")]
    east, west = [await add_window(fleet, item.workload_id, tag, risk="integrity_violation") for item in running]
    await service.post(f"/api/v1/exposure-windows/{east}/acknowledge", {"note": "mine"})
    async with RestClient(service.url, service.api_token) as client:
        await DemoService(client).acknowledge("checkout", "the team's")
    for window, note in ((east, "mine"), (west, "the team's")):
        assert (await service.get(f"/api/v1/exposure-windows/{window}"))["acknowledge_note"] == note
