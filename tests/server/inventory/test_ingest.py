"""What controllers tell becomes rows and events: in order, repeated, partial, wrong, or of somebody else's cluster."""

import gzip
import itertools
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.support.inventory import STARTED, batch, container, delta, hashed, node, pod, workload
from tests.support.service import Agent, RunningService

from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

INVENTORY = "/agent/v1/inventory"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
WEB = "registry.example/shop/web:1.0.0"


@pytest.fixture
async def controller(service: RunningService) -> Agent:
    return await service.enrol()


async def tell(agent: Agent, message: wire.InventoryBatch) -> Any:
    status, answer = await agent.post(INVENTORY, message)
    assert status == 200, answer
    assert answer["batch_id"] == message.batch_id
    return answer


async def changes(service: RunningService) -> list[dict[str, Any]]:
    """The data of the recorded changes of workloads since the last look."""
    rows = await service.rows("SELECT data FROM event WHERE type = 'WorkloadChanged' ORDER BY id")
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM event")
    return [row.data for row in rows]


async def present(service: RunningService, kind: str, column: str = "name") -> list[str]:
    rows = await service.rows(f"SELECT {column} FROM {kind} WHERE removed_at IS NULL ORDER BY {column}")
    return [row[0] for row in rows]


async def status_of(service: RunningService, name: str = "web") -> tuple[str, int]:
    (row,) = await service.rows("SELECT status, image_tag_ids FROM workload WHERE name = :name", name=name)
    return row.status, len(row.image_tag_ids)


def namespace(name: str = "shop") -> wire.NamespaceRecord:
    return hashed(wire.NamespaceRecord(uid=f"ns-{name}", name=name, hash=0, labels={"team": "shop"}))


RUNNING = pod(container(WEB, DIGEST))


# --- what is stored --------------------------------------------------------------------------------------


@pytest.mark.req("R25", "R26", "R27", "R28", "R31", "R12")
async def test_nodes_workloads_pods_and_containers_are_stored_as_told(
    service: RunningService, controller: Agent
) -> None:
    host = node(kernel="6.1.0", region="eu-west-1", hostname="ip-10-0-0-1", internal_ip="10.0.0.1", created_at=STARTED)
    owner = workload(kind=WorkloadKind.OTHER, kind_name="Rollout", labels={"app": "web"}, desired=2)
    sidecar = container("registry.example/proxy:2", OTHER, name="proxy", role="init", state="terminated")
    message = batch(host, namespace(), owner, pod(container(WEB, DIGEST, container_id="c" * 64), sidecar, owner=owner))
    assert await tell(controller, message) == {"batch_id": message.batch_id}
    (stored,) = await service.rows("SELECT * FROM node")
    assert (stored.name, stored.kernel, stored.region, stored.internal_ip, stored.created_at, stored.ready) == (
        "node-1",
        "6.1.0",
        "eu-west-1",
        "10.0.0.1",
        STARTED,
        True,
    )
    (stored,) = await service.rows("SELECT * FROM namespace")
    assert (stored.name, stored.labels) == ("shop", {"team": "shop"})
    (stored,) = await service.rows("SELECT * FROM workload")
    assert (stored.kind, stored.kind_name, stored.labels, stored.desired) == ("Other", "Rollout", {"app": "web"}, 2)
    (stored,) = await service.rows(
        "SELECT pod.*, workload.name AS owner FROM pod JOIN workload ON workload.id = workload_id"
    )
    assert (stored.name, stored.namespace, stored.node_name, stored.phase, stored.owner) == (
        "web-1",
        "shop",
        "node-1",
        "Running",
        "web",
    )
    web, proxy = await service.rows("SELECT * FROM container ORDER BY name")
    assert (web.image, web.image_id, web.container_id, web.state, web.started_at) == (
        WEB,
        f"registry.example/shop/web@{DIGEST}",
        "c" * 64,
        "running",
        STARTED,
    )
    assert (proxy.role, proxy.state) == ("init", "terminated")
    tags = await service.rows("SELECT registry, repository, tag, digest, platform FROM image_tag ORDER BY repository")
    assert tags == [
        ("registry.example", "proxy", "2", OTHER, "linux/amd64"),
        ("registry.example", "shop/web", "1.0.0", DIGEST, "linux/amd64"),
    ]
    observed = await service.rows("SELECT count(*) FROM event WHERE type = 'ImageObserved'")
    assert observed[0][0] == 2


async def test_a_containers_image_that_cannot_be_told_says_why(service: RunningService, controller: Agent) -> None:
    strange = [
        container("NOT A REFERENCE", DIGEST, name="a"),
        container(WEB, "", name="b", image_id="docker://web"),
        container(WEB, "", name="c", state="waiting", started_at=None),
        container(WEB, DIGEST, name="d"),
    ]
    await tell(controller, batch(node(), workload(), pod(*strange)))
    rows = await service.rows("SELECT name, problem, image_tag_id FROM container ORDER BY name")
    assert [bool(row.problem) for row in rows] == [True, True, False, False]
    assert [row.image_tag_id is not None for row in rows] == [False, False, False, True]
    assert "imageID without a digest" in rows[1].problem


# --- create, scale, restart, delete ----------------------------------------------------------------------


@pytest.mark.req("R6", "R24", "F12")
async def test_a_workload_is_created_scaled_restarted_updated_and_deleted(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(), RUNNING))
    (created,) = await changes(service)
    assert (created["status_before"], created["status"], created["first_sync"], created["removed"]) == (
        "unknown",
        "running",
        True,
        False,
    )
    # scaled up: more of the same is no change
    await tell(controller, delta(workload(desired=2, ready=2), pod(container(WEB, DIGEST), name="web-2")))
    assert await changes(service) == []
    # restarted: pods go, others come, the same runs
    await tell(controller, delta(wire.Removed(kind="pod", uid=RUNNING.uid), pod(container(WEB, DIGEST), name="web-3")))
    assert await changes(service) == []
    assert await present(service, "pod") == ["web-2", "web-3"]
    # another image
    updated = pod(container("registry.example/shop/web:2.0.0", OTHER), name="web-4")
    await tell(controller, delta(updated))
    (changed,) = await changes(service)
    assert (changed["status"], changed["status_before"]) == ("running", "running")
    assert set(changed["image_tag_ids_before"]) < set(changed["image_tag_ids"])
    # scaled to nothing
    gone = [wire.Removed(kind="pod", uid=f"pod-shop-web-{number}") for number in (2, 3, 4)]
    await tell(controller, delta(workload(desired=0, ready=0), *gone))
    (stopped,) = await changes(service)
    assert (stopped["status"], stopped["image_tag_ids"], stopped["removed"]) == ("stopped", [], False)
    assert await status_of(service) == ("stopped", 0)
    # deleted while it runs
    await tell(controller, delta(workload(), RUNNING))
    await changes(service)
    await tell(controller, delta(wire.Removed(kind="workload", uid=workload().uid)))
    (removed,) = await changes(service)
    assert (removed["status"], removed["status_before"], removed["removed"]) == ("stopped", "running", True)
    assert removed["first_sync"] is False
    # it comes back as itself
    await tell(controller, delta(workload()))
    (back,) = await changes(service)
    assert back["workload_id"] == removed["workload_id"]
    assert (back["status"], back["removed"]) == ("running", False)


async def test_a_container_that_ended_has_run_and_one_that_never_started_has_not(
    service: RunningService, controller: Agent
) -> None:
    ended = pod(container(WEB, DIGEST, state="terminated"), owner=workload("job", kind=WorkloadKind.JOB))
    stuck = container(WEB, DIGEST, state="waiting", started_at=None)
    waiting = pod(stuck, name="stuck-1", owner=workload("stuck"))
    await tell(controller, batch(node(), workload("job", kind=WorkloadKind.JOB), workload("stuck"), ended, waiting))
    assert await status_of(service, "job") == ("stopped", 1)
    assert await status_of(service, "stuck") == ("stopped", 0)


async def test_containers_that_a_pod_no_longer_has_are_gone(service: RunningService, controller: Agent) -> None:
    both = pod(container(WEB, DIGEST), container("registry.example/debug:1", OTHER, name="debug", role="ephemeral"))
    await tell(controller, batch(node(), workload(), both))
    await tell(controller, delta(RUNNING))
    assert await present(service, "container") == ["main"]
    assert await status_of(service) == ("running", 1)


# --- synchronising again ---------------------------------------------------------------------------------


@pytest.mark.req("R6", "R24")
async def test_what_a_whole_synchronisation_does_not_name_is_gone(service: RunningService, controller: Agent) -> None:
    others = [workload("old"), pod(container(WEB, DIGEST), name="old-1", owner=workload("old"))]
    await tell(controller, batch(node(), node("node-2"), namespace(), namespace("old"), workload(), RUNNING, *others))
    await changes(service)
    first = batch(node(), namespace(), sync_id="again", sync_complete=False)
    await tell(controller, first)
    assert await present(service, "workload") == ["old", "web"]  # not before the last part has come
    await tell(controller, batch(workload(), RUNNING, sync_id="again"))
    assert [await present(service, kind) for kind in ("node", "namespace", "workload", "pod")] == [
        ["node-1"],
        ["shop"],
        ["web"],
        ["web-1"],
    ]
    (gone,) = await changes(service)
    assert gone["removed"] is True


async def test_what_changes_while_a_synchronisation_is_under_way_survives_it(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(), RUNNING))
    await tell(controller, batch(node(), sync_id="again", sync_complete=False))
    await tell(controller, delta(workload("new"), pod(container(WEB, DIGEST), name="new-1", owner=workload("new"))))
    await tell(controller, batch(workload(), RUNNING, sync_id="again"))
    assert await present(service, "workload") == ["new", "web"]


async def test_changes_before_the_first_synchronisation_ask_for_one_and_change_nothing(
    service: RunningService, controller: Agent
) -> None:
    assert (await tell(controller, delta(workload(), RUNNING)))["resync"] is True
    assert await present(service, "workload") == []
    await tell(controller, batch(node(), workload(), RUNNING))
    assert await present(service, "workload") == ["web"]


async def test_the_end_of_a_synchronisation_that_has_no_name_is_refused(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(), RUNNING))
    status, answer = await controller.post(INVENTORY, batch(sync_id=""))
    assert (status, answer["code"]) == (400, "bad_request")
    assert "sync_id" in answer["message"]
    assert await present(service, "workload") == ["web"]


async def test_a_controller_that_holds_something_else_is_asked_to_synchronise_now_and_then(
    service: RunningService, controller: Agent
) -> None:
    def digests(*workloads: wire.WorkloadRecord) -> wire.StateDigest:
        nothing = wire.KindDigest(count=0, checksum=0)
        checksum = sum(record.hash for record in workloads) % 2**64
        held = wire.KindDigest(count=len(workloads), checksum=checksum)
        return wire.StateDigest(node=nothing, namespace=nothing, workload=held, pod=nothing)

    one, two = workload("one"), workload("two")
    await tell(controller, batch(one, two))
    agreed = await tell(controller, delta(digests=digests(one, two)))
    assert "resync" not in agreed
    later = f"UPDATE cluster SET verified_at = now() - interval '{timedelta(minutes=1).total_seconds()} seconds'"
    lost = digests(one, two, workload("three"))
    assert "resync" not in await tell(controller, delta(digests=lost))  # it has just been looked at
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(later)
    assert (await tell(controller, delta(digests=lost)))["resync"] is True


# --- order and repetition --------------------------------------------------------------------------------


@pytest.mark.req("R6", "R31")
async def test_a_batch_that_comes_twice_changes_nothing_the_second_time(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(), RUNNING))
    message = delta(wire.Removed(kind="pod", uid=RUNNING.uid))
    await tell(controller, message)
    assert len(await changes(service)) == 2
    await tell(controller, message)
    assert await changes(service) == []


PIECES = (node(), workload(), RUNNING)


async def test_the_order_in_which_objects_come_does_not_matter(service: RunningService) -> None:
    for number, order in enumerate(itertools.permutations(PIECES)):
        controller = await service.enrol(cluster=f"cluster-{number}")
        await tell(controller, batch(cluster=f"cluster-{number}"))
        for record in order:
            await tell(controller, delta(record, cluster=f"cluster-{number}"))
    rows = await service.rows("SELECT status, image_tag_ids FROM workload")
    assert len(rows) == 6
    assert {(row.status, tuple(row.image_tag_ids)) for row in rows} == {("running", (rows[0].image_tag_ids[0],))}
    assert await service.rows("SELECT * FROM container WHERE problem <> ''") == []


async def test_of_an_object_that_comes_twice_in_a_batch_the_last_word_counts(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(desired=1), workload(desired=5), pod(container(WEB, OTHER)), RUNNING))
    (stored,) = await service.rows("SELECT desired FROM workload")
    assert stored.desired == 5
    (stored,) = await service.rows("SELECT digest FROM image_tag JOIN container ON image_tag.id = image_tag_id")
    assert stored.digest == DIGEST


# --- what is wrong ---------------------------------------------------------------------------------------


def wrong_in(path: str, value: Any) -> bytes:
    """A batch in which one thing is wrong."""
    message: Any = msgspec.json.decode(wire.encode(batch(node(), workload("victim"), RUNNING)))
    place = message
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        place = place[step]
    place[last] = value
    return msgspec.json.encode(message)


WRONG = (
    (wrong_in("workloads.0.kind", "Castle"), "$.workloads[0].kind"),
    (wrong_in("workloads.0.desired", "many"), "$.workloads[0].desired"),
    (wrong_in("workloads.0.name", "x" * 513), "$.workloads[0].name"),
    (wrong_in("workloads.0.annotations", {"a": 1}), "$.workloads[0].annotations"),
    (wrong_in("pods.0.containers.0.image", None), "$.pods[0].containers[0].image"),
    (wrong_in("pods.0.containers.0.started_at", "yesterday"), "$.pods[0].containers[0].started_at"),
    (wrong_in("pods", {"0": 1}), "$.pods"),
    (wrong_in("nodes.0", 7), "$.nodes[0]"),
    (wrong_in("nodes", [{"uid": str(n), "name": "n", "hash": 0} for n in range(5001)]), "$.nodes"),
    (wrong_in("schema", 2), "schema 2"),
    (wrong_in("workloads.0.hash", 2**70), "beyond what can be stored"),
    (wrong_in("workloads.0.desired", 2**40), "beyond what can be stored"),
    (b"", "not a valid InventoryBatch"),
    (b"{", "not a valid InventoryBatch"),
    (b"[]", "not a valid InventoryBatch"),
    (b"[" * 100_000, "not a valid InventoryBatch"),
    (b'{"batch_id":"\xff"}', "not a valid InventoryBatch"),
)


@pytest.mark.req("R21")
async def test_a_malformed_batch_is_refused_naming_what_is_wrong_and_changes_nothing(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), workload(), RUNNING))
    await changes(service)
    for body, reason in WRONG:
        status, answer = await controller.post(INVENTORY, body)
        assert (status, answer["code"]) == (400, "bad_request"), reason
        assert reason in answer["message"]
    assert await present(service, "workload") == ["web"]
    assert await changes(service) == []
    await tell(controller, delta(workload("after")))
    assert await present(service, "workload") == ["after", "web"]


async def test_what_is_packed_is_bounded_when_it_is_unpacked(service: RunningService, controller: Agent) -> None:
    good = wire.encode(batch(node(), workload(), RUNNING))
    packed = gzip.compress(good)
    for body, encoding, status, reason in (
        (packed, "gzip", 200, ""),
        (packed[:-9], "gzip", 400, "cut short"),
        (packed + b"more", "gzip", 400, "after its end"),
        (good, "gzip", 400, "not gzip"),
        (good, "br", 400, "unknown content encoding 'br'"),
        (gzip.compress(bytes(wire.MAX_BODY_BYTES + 1)), "gzip", 413, "at most"),
    ):
        answered, answer = await controller.post(INVENTORY, body, **{"content-encoding": encoding})
        assert answered == status, reason
        assert reason in answer.get("message", "")


async def test_zero_bytes_in_foreign_texts_do_not_keep_a_batch_out(service: RunningService, controller: Agent) -> None:
    await tell(controller, batch(node(), workload(annotations={"note": "a\0b\0"}), RUNNING))
    (stored,) = await service.rows("SELECT annotations FROM workload")
    assert stored.annotations == {"note": "ab"}


# --- other clusters --------------------------------------------------------------------------------------


@pytest.mark.req("R21")
async def test_a_controller_cannot_touch_another_cluster_whatever_it_says(
    service: RunningService, controller: Agent
) -> None:
    await tell(controller, batch(node(), namespace(), workload(), RUNNING))
    before = await service.rows("SELECT * FROM cluster WHERE name = 'test'")
    stranger = await service.enrol(cluster="stranger")
    removals = [wire.Removed(kind=kind, uid=uid) for kind, uid in (("workload", workload().uid), ("pod", RUNNING.uid))]
    await tell(stranger, batch(node(), cluster="test"))
    await tell(stranger, delta(*removals, cluster="test"))
    await tell(stranger, delta(workload(desired=99), pod(container(WEB, OTHER)), cluster="test"))
    assert (await service.rows("SELECT * FROM cluster WHERE id = :id", id=controller.cluster_id)) == before
    rows = await service.rows(
        "SELECT desired, removed_at, status FROM workload WHERE cluster_id = :id", id=controller.cluster_id
    )
    assert rows == [(1, None, "running")]
    rows = await service.rows(
        "SELECT image_id FROM container WHERE cluster_id = :id AND removed_at IS NULL", id=controller.cluster_id
    )
    assert rows == [(f"registry.example/shop/web@{DIGEST}",)]
