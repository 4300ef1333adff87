import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.demo.errors import DemoError
from deadlight.demo.world import WORKLOADS, Size, apportion, build_world
from deadlight.model.workload import WorkloadKind


def test_the_usual_world_has_exactly_three_clusters_forty_nodes_and_three_hundred_pods():
    assert build_world().size == Size(clusters=3, nodes=40, pods=300)


def test_the_usual_world_has_about_sixty_workloads_of_every_kind_in_many_namespaces():
    plans = [plan for cluster in build_world().clusters for plan in cluster.workloads]
    assert 55 <= len(plans) <= 70
    assert {plan.kind for plan in plans} == set(WorkloadKind)
    assert len({plan.namespace for plan in plans}) >= 8


def test_workloads_are_unique_in_their_cluster():
    for cluster in build_world(Size(2, 40, 4_000)).clusters:
        names = [(plan.namespace, plan.name) for plan in cluster.workloads]
        assert len(names) == len(set(names))


def test_two_of_the_three_clusters_have_sensors():
    assert [cluster.has_sensors for cluster in build_world().clusters] == [True, True, False]


def test_names_of_clusters_and_nodes_are_unique():
    world = build_world(Size(9, 90, 900))
    assert len({cluster.name for cluster in world.clusters}) == 9
    for cluster in world.clusters:
        assert len({node.name for node in cluster.nodes}) == len(cluster.nodes)


def test_some_nodes_have_another_architecture_and_one_wants_no_sensor():
    nodes = [node for cluster in build_world().clusters for node in cluster.nodes]
    assert [node.architecture for node in nodes].count("arm64") == 2
    assert sum(node.sensor_disabled for node in nodes) == 1


def test_what_the_script_moves_is_in_the_smallest_useful_world():
    (cluster,) = build_world(Size(1, 2, 8)).clusters
    names = {plan.name for plan in cluster.workloads}
    assert {"checkout", "storefront", "invoices", "thumbnailer", "recommender"} <= names


def test_staging_already_runs_the_next_release():
    production, _, staging = build_world().clusters
    tags = {
        cluster.name: next(plan.image.tag for plan in cluster.workloads if plan.name == "checkout")
        for cluster in (production, staging)
    }
    assert tags == {"demo-eu-production": "1.4.1", "demo-staging": "1.4.2"}


@given(clusters=st.integers(1, 8), nodes=st.integers(0, 60), pods=st.integers(0, 900))
def test_a_world_is_exactly_as_large_as_it_is_asked_to_be(clusters: int, nodes: int, pods: int):
    size = Size(clusters, clusters + nodes, 8 * (clusters + nodes) + pods)
    assert build_world(size).size == size


@pytest.mark.parametrize("size", [Size(0, 1, 1), Size(3, 2, 100), Size(1, 3, 0)])
def test_sizes_that_do_not_go_together_are_refused_or_empty(size: Size):
    if size.pods:
        with pytest.raises(DemoError, match="each needs one at least"):
            build_world(size)
    else:
        assert build_world(size).size == size


@given(total=st.integers(0, 10_000), weights=st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_shares_add_up_and_follow_the_weights(total: int, weights: list[int]):
    if not any(weights):
        weights = [*weights, 1]
    shares = apportion(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1


def test_the_table_names_every_workload_once():
    names = [(plan.namespace, plan.name) for plan in WORKLOADS]
    assert len(names) == len(set(names))
