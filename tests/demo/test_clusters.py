from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.demo.made import IMAGE_IDS, cluster_plan, ids, node

from deadlight.demo import catalogue
from deadlight.demo.clusters import DemoCluster, ImageIds, pulled, side_loaded
from deadlight.demo.images import BuiltIndex
from deadlight.demo.recipes import build
from deadlight.demo.world import ClusterPlan, Size, WorkloadPlan, build_world
from deadlight.model.workload import WorkloadKind

STOREFRONT = WorkloadPlan("web", "storefront", catalogue.STOREFRONT, replicas=2)
CART = WorkloadPlan("shop", "cart", catalogue.CART)
HOTFIX = WorkloadPlan("search", "hotfix", catalogue.INDEXER_HOTFIX, WorkloadKind.POD)


def settled(tmp_path: Path, plan: ClusterPlan, image_ids: dict[str, ImageIds] | None = None) -> DemoCluster:
    cluster = DemoCluster(plan, image_ids or dict(IMAGE_IDS), tmp_path / "cluster.json")
    cluster.settle()
    return cluster


def running(cluster: DemoCluster, namespace: str = "") -> dict[str, str]:
    """The `imageID` of every pod, by its uid."""
    pods = cluster.standin.list("Pod", namespace)
    return {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["imageID"] for pod in pods}


def by_name(cluster: DemoCluster, kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in cluster.standin.list(kind)}


def test_the_usual_world_comes_to_be_as_planned(tmp_path: Path):
    for plan in build_world().clusters:
        cluster = DemoCluster(plan, IMAGE_IDS, tmp_path / f"{plan.name}.json")
        cluster.settle()
        assert len(cluster.standin.list("Pod")) == plan.pods_count
        assert len(cluster.standin.list("Node")) == len(plan.nodes)


def test_settling_again_changes_nothing(tmp_path: Path):
    cluster = settled(tmp_path, build_world(Size(1, 3, 30)).clusters[0])
    version = cluster.standin.version
    cluster.settle()
    assert cluster.standin.version == version


def test_a_cluster_is_the_same_one_after_a_restart(tmp_path: Path):
    plan = build_world(Size(1, 3, 30)).clusters[0]
    before = settled(tmp_path, plan)
    after = settled(tmp_path, plan)
    assert after.uid == before.uid
    assert running(after) == running(before)
    assert after.standin.version >= before.standin.version


def test_versions_from_before_a_restart_are_too_old_to_watch_from(tmp_path: Path):
    settled(tmp_path, cluster_plan(CART))
    again = DemoCluster(cluster_plan(CART), IMAGE_IDS, tmp_path / "cluster.json")
    assert all(again.standin.shelf(resource).oldest == again.standin.version for resource in again.standin._shelves)


def test_pods_run_on_when_their_tag_moves_and_are_replaced_when_the_cluster_settles(tmp_path: Path):
    image_ids = dict(IMAGE_IDS)
    cluster = settled(tmp_path, cluster_plan(STOREFRONT, CART), image_ids)
    shop = running(cluster, "shop")
    image_ids[catalogue.STOREFRONT.reference] = ids(catalogue.STOREFRONT, "b")
    assert all("aaa" in image_id for image_id in running(cluster, "web").values())
    cluster.settle()
    assert [image_id for image_id in running(cluster, "web").values() if "bbb" not in image_id] == []
    assert len(running(cluster, "web")) == 2
    assert running(cluster, "shop") == shop


def test_a_rollout_changes_the_image_and_settling_takes_it_back(tmp_path: Path):
    plan = WorkloadPlan("shop", "checkout", catalogue.CHECKOUT_OLD, replicas=2)
    cluster = settled(tmp_path, cluster_plan(plan))
    cluster.run(replace(plan, image=catalogue.CHECKOUT))
    images = {pod["spec"]["containers"][0]["image"] for pod in cluster.standin.list("Pod")}
    assert images == {catalogue.CHECKOUT.reference}
    cluster.settle()
    images = {pod["spec"]["containers"][0]["image"] for pod in cluster.standin.list("Pod")}
    assert images == {catalogue.CHECKOUT_OLD.reference}


def test_what_is_not_planned_goes_when_the_cluster_settles(tmp_path: Path):
    cluster = settled(tmp_path, cluster_plan(CART))
    cluster.run(HOTFIX, ids(catalogue.INDEXER, "c"))
    cluster.run(WorkloadPlan("tools", "exporter", catalogue.QUEUE_EXPORTER))
    assert len(cluster.standin.list("Pod")) == 3
    cluster.settle()
    assert [pod["metadata"]["namespace"] for pod in cluster.standin.list("Pod")] == ["shop"]
    assert set(by_name(cluster, "Namespace")) == {"default", "kube-system", "shop"}


def test_a_pod_can_run_what_its_reference_does_not_lead_to(tmp_path: Path):
    cluster = settled(tmp_path, cluster_plan(CART))
    cluster.run(HOTFIX, ImageIds("sha256:" + "c" * 64, "sha256:" + "c" * 64))
    assert list(running(cluster, "search").values()) == ["sha256:" + "c" * 64]


def test_a_cluster_may_report_the_manifests_of_platforms(tmp_path: Path):
    cluster = settled(tmp_path, cluster_plan(CART, pulls_by_platform=True))
    assert all(image_id.endswith("0") for image_id in running(cluster).values())


def test_nodes_of_another_architecture_only_run_what_is_built_for_it(tmp_path: Path):
    plan = cluster_plan(WorkloadPlan("shop", "cart", catalogue.CART, replicas=20), replace(STOREFRONT, replicas=20))
    plan = replace(plan, nodes=(*plan.nodes, node("arm", "arm64")))
    cluster = settled(tmp_path, plan)
    names = {pod["metadata"]["labels"]["app"] for pod in cluster.pods_on("arm")}
    assert names == {"storefront"}


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_every_kind_of_workload_comes_and_goes(tmp_path: Path, kind: WorkloadKind):
    cluster = settled(tmp_path, cluster_plan(replace(CART, kind=kind)))
    pods = cluster.standin.list("Pod", "shop")
    assert len(pods) == (2 if kind is WorkloadKind.DAEMON_SET else 1)
    assert all(pod["status"]["phase"] == "Running" for pod in pods)
    cluster.plan = cluster_plan()
    cluster.settle()
    left = {k: cluster.standin.list(k) for k in ("Pod", "ReplicaSet", "Job", "CronJob", "Deployment", "DaemonSet")}
    assert not any(left.values()), left


def test_owners_are_those_of_real_clusters(tmp_path: Path):
    kinds = (WorkloadKind.CRON_JOB, WorkloadKind.OTHER, WorkloadKind.JOB)
    cluster = settled(tmp_path, cluster_plan(*(replace(CART, kind=kind, name=kind.value.lower()) for kind in kinds)))
    jobs, sets = by_name(cluster, "Job"), by_name(cluster, "ReplicaSet")
    (cron,) = (job for name, job in jobs.items() if name.startswith("cronjob-"))
    assert cron["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    (rollout,) = sets.values()
    assert rollout["metadata"]["ownerReferences"][0]["kind"] == "Rollout"
    owners = {pod["metadata"]["ownerReferences"][0]["kind"] for pod in cluster.standin.list("Pod")}
    assert owners == {"Job", "ReplicaSet"}


def test_pulled_images_are_named_by_index_or_by_platform():
    built = build(catalogue.STOREFRONT)
    assert isinstance(built, BuiltIndex)
    image_ids = pulled(catalogue.STOREFRONT, built)
    assert image_ids.index == f"registry.deadlight.demo/web/storefront@{built.index.digest}"
    assert image_ids.platform == f"registry.deadlight.demo/web/storefront@{built.images[0].manifest.digest}"


def test_images_loaded_by_hand_are_named_by_their_configuration_alone():
    assert side_loaded(build(catalogue.NETSHOOT)).index.startswith("sha256:")


def test_a_folder_that_went_missing_is_made_again(tmp_path: Path):
    cluster = DemoCluster(cluster_plan(CART), IMAGE_IDS, tmp_path / "deep" / "er" / "cluster.json")
    cluster.save()
    assert (tmp_path / "deep" / "er" / "cluster.json").exists()
