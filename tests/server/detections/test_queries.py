"""What a page of detections costs."""

from sqlalchemy import event
from tests.server.detections.conftest import SensorOf
from tests.support.detections import detected
from tests.support.fleet import Fleet

from deadlight.server.detections.queries import list_detections
from deadlight.server.detections.schemas import DetectionPage, DetectionQuery

WORKLOADS = 5


async def page(fleet: Fleet, limit: int) -> tuple[DetectionPage, int]:
    """A page, and how many queries it took."""
    asked: list[str] = []
    async with fleet.engine.connect() as connection:
        event.listen(connection.sync_connection, "before_cursor_execute", lambda *said: asked.append(said[2]))
        return await list_detections(connection, DetectionQuery(limit=limit)), len(asked)


async def test_a_page_of_many_images_asks_for_owners_as_often_as_one_of_one(fleet: Fleet, sensor: SensorOf) -> None:
    for number in range(WORKLOADS):
        image = await fleet.add_image_tag(f"team/{number}")
        owned = {"deadlight.io/team": f"team {number}"} if number else {}
        running = await fleet.deploy(image, name=f"web-{number}", annotations=owned)
        await sensor.send(detected(running.container_ids[0], after=number))
    await sensor.send(detected("nobody's"))
    await sensor.wait_long()
    await sensor.place()
    _, queries_of_one = await page(fleet, 1)
    found, queries = await page(fleet, 100)
    assert queries <= queries_of_one + 1  # who built what nobody says to own
    owners = {row.workload: row.owner and row.owner.team for row in found.detections}
    assert owners == {"": None, "web-0": None} | {f"web-{n}": f"team {n}" for n in range(1, WORKLOADS)}
