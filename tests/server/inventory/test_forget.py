"""What is long gone is forgotten, and what somebody may still have to prove is not."""

from datetime import timedelta

from tests.support.fleet import Fleet

from deadlight.server.inventory.forget import EVIDENCE, forget_gone
from deadlight.server.tables import metadata

TEN_DAYS = timedelta(days=10)


def test_every_table_that_refers_to_workloads_goes_with_them_or_keeps_them() -> None:
    referring = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "workload"
    }
    # A detection has the workload's name by itself, so that it outlives it; where it was live is in its window.
    assert referring == {"pod", "placement", "detection", "detection_location", *EVIDENCE}
    assert {key.ondelete for key in metadata.tables["detection"].c.workload_id.foreign_keys} == {"SET NULL"}
    assert {key.ondelete for key in metadata.tables["detection_location"].c.workload_id.foreign_keys} == {"CASCADE"}


async def test_what_has_been_gone_for_long_is_forgotten_with_its_pods_and_containers(fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag()
    ages = {"old": "11 days", "young": "9 days", "guilty": "11 days", "there": ""}
    for name, age in ages.items():
        running = await fleet.deploy(image_tag_id, name=name)
        if age:
            await fleet.undeploy(running.workload_id)
            for table in ("workload", "pod"):
                of_this = "name LIKE :name"
                await fleet.rows(
                    f"UPDATE {table} SET removed_at = now() - CAST(:age AS interval) WHERE {of_this}",
                    age=age,
                    name=f"{name}%",
                )
            follow = "UPDATE container SET removed_at = pod.removed_at FROM pod WHERE pod.id = pod_id"
            await fleet.rows(f"{follow} AND pod.name LIKE :name", name=f"{name}%")
            await fleet.rows(
                "UPDATE placement SET gone_at = now() - CAST(:age AS interval) WHERE workload_id = :id",
                age=age,
                id=running.workload_id,
            )
    await fleet.rows(
        "INSERT INTO untrusted_location (image_tag_id, workload_id, gone_at) "
        "SELECT :image_tag_id, id, now() FROM workload WHERE name = 'guilty'",
        image_tag_id=image_tag_id,
    )
    assert await forget_gone(fleet.engine, TEN_DAYS) == 7
    assert await fleet.rows("SELECT name FROM workload ORDER BY name") == [("guilty",), ("there",), ("young",)]
    assert await fleet.rows("SELECT name FROM pod ORDER BY name") == [("there-1",), ("young-1",)]
    assert len(await fleet.rows("SELECT * FROM container")) == 2
    assert len(await fleet.rows("SELECT * FROM placement")) == 2
    assert await forget_gone(fleet.engine, TEN_DAYS) == 0
