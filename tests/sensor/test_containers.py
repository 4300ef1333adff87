"""Every container runtime's way of naming control groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.containers import MAX_STARTING, Container, ContainerTable, container_of
from deadlight.sensor.layout import CgroupKey

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
POD = "3c9f7d1a-5b7e-4a57-9d3e-1f0e6a2b4c8d"
SLICE = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice"


@pytest.mark.req("R30", "R33")
@pytest.mark.parametrize(
    "path",
    [
        f"/kubepods/burstable/pod{POD}/{ID}",
        f"/kubepods/pod{POD}/{ID}",
        f"/kubepods.slice/kubepods-burstable.slice/{SLICE}/cri-containerd-{ID}.scope",
        f"/kubepods.slice/{SLICE}/crio-{ID}.scope",
        f"/kubepods/besteffort/pod{POD}/crio-{ID}",
        f"/kubepods.slice/{SLICE}/docker-{ID}.scope",
        f"/system.slice/docker-{ID}.scope",
        f"/docker/{ID}",
        f"/ecs/0f1e2d3c/{ID}",
        f"/ecstasks.slice/ecstasks-0f1e2d3c.slice/docker-{ID}.scope",
        f"/machine.slice/libpod-{ID}.scope",
        f"/libpod_parent/libpod-{ID}",
        f"/system.slice/containerd.service/{SLICE}:cri-containerd:{ID}",
        f"/../cri-containerd-{ID}.scope",
        # rke2, k3s as a service and as a user's, microk8s
        f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{POD}.slice/cri-containerd-{ID}.scope",
        f"/user.slice/user-1000.slice/user@1000.service/k3s-rootless.service/kubepods/burstable/pod{POD}/{ID}",
        # Bottlerocket, GKE (version 1 names the same in each hierarchy)
        f"/runtime.slice/containerd.service/{SLICE}:cri-containerd:{ID}",
        f"/kubepods/burstable/pod{POD.replace('-', '')}/{ID}",
        # Podman of a user, in the unit of a service, below one's own parent
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        f"/system.slice/web.service/libpod-payload-{ID}",
        f"/machine.slice/machine-libpod_pod_{OTHER}.slice/libpod-{ID}.scope",
        # nerdctl
        f"/default/{ID}",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-{ID}.scope",
        # Docker of a user, ECS with a prefix of one's own
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope",
        f"/ecs/cluster/0f1e2d3c4b5a69788796a5b4c3d2e1f0/{ID}",
    ],
)
def test_each_runtime_and_driver_is_understood(path):
    assert container_of(path) == Container(ID, own=True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/system.slice/containerd.service",
        "/user.slice/user-1000.slice/session-3.scope",
        f"/kubepods.slice/{SLICE}",
        f"/kubepods/burstable/pod{POD}",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/kubepods.slice/{SLICE}/crio-conmon-{ID}.scope",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-{ID}.scope",
        f"/system.slice/web.service/libpod-conmon-{ID}",
        f"/kubepods/burstable/pod{POD}/crio-conmon-{ID}",
        f"/machine.slice/machine-libpod_pod_{ID}.slice",
        "/kubelet.slice/kubelet.service",
        "/system.slice/crio.service",
        f"/docker/{ID[:-1]}",
        f"/docker/{ID}0",
        f"/docker/{ID.upper()}",
    ],
)
def test_the_hosts_own_groups_are_no_container(path):
    assert container_of(path) is None


def test_a_group_inside_a_container_belongs_to_it_without_being_its_own():
    assert container_of(f"/machine.slice/libpod-{ID}.scope/container") == Container(ID, own=False)


def test_a_container_started_inside_a_container_counts_as_the_outer_one():
    path = f"/kubepods.slice/{SLICE}/cri-containerd-{ID}.scope/docker/{OTHER}"

    assert container_of(path) == Container(ID, own=False)


@pytest.mark.parametrize(
    "path",
    [
        f"/system.slice/docker-{OTHER}.scope/kubelet.slice/kubelet-kubepods.slice/{SLICE}/cri-containerd-{ID}.scope",
        f"/docker/{OTHER}/kubelet/kubepods/burstable/pod{POD}/{ID}",
        f"/docker/{OTHER}/docker/{OTHER}/kubelet/kubepods/pod{POD}/{ID}",
        f"/docker/{OTHER}/kubepods/besteffort/pod{POD}/{ID}",
        f"/machine.slice/libpod-{OTHER}.scope/container/kubelet.slice/kubelet-kubepods.slice/{SLICE}/crio-{ID}.scope",
    ],
)
def test_a_node_that_is_a_container_itself_is_not_its_pods_container(path):
    assert container_of(path) == Container(ID, own=True)


def test_what_a_node_that_is_a_container_runs_beside_pods_is_that_containers():
    path = f"/docker/{OTHER}/kubelet.slice/kubelet.service"

    assert container_of(path) == Container(OTHER, own=False)


def test_children_of_a_prefix_are_containers_by_their_own_names():
    assert container_of("/lab/web-1", ["/lab"]) == Container("web-1", own=True)
    assert container_of("/lab/web-1/inner", ["/lab/"]) == Container("web-1", own=False)
    assert container_of("/lab", ["/lab"]) is None
    assert container_of("/laboratory/web-1", ["/lab"]) is None


@given(st.text(max_size=300))
def test_any_text_is_a_path(path):
    container_of(path, ["/lab"])


def key(number: int) -> CgroupKey:
    return CgroupKey(number, 0)


def test_a_container_is_starting_until_its_first_program():
    table = ContainerTable()

    assert table.announce(key(1), f"/docker/{ID}") == ID
    assert table.is_starting(ID)

    table.started(ID)
    assert not table.is_starting(ID)


def test_a_group_made_inside_a_running_container_does_not_start_it_again():
    table = ContainerTable()
    table.announce(key(1), f"/docker/{ID}")
    table.started(ID)
    table.announce(key(2), f"/docker/{ID}/inner")

    assert table.find(key(2)) == ID
    assert not table.is_starting(ID)


def test_a_container_that_was_found_running_is_not_starting():
    table = ContainerTable()
    table.learn(key(1), f"/docker/{ID}")

    assert not table.is_starting(ID)


def test_ids_of_different_hierarchies_are_different_groups():
    table = ContainerTable()
    table.learn(CgroupKey(5, 0), f"/docker/{ID}")
    table.learn(CgroupKey(5, 8), f"/docker/{OTHER}")

    assert (table.find(CgroupKey(5, 0)), table.find(CgroupKey(5, 8))) == (ID, OTHER)


def test_the_least_recently_used_group_is_forgotten_first():
    table = ContainerTable(limit=2)
    table.learn(key(1), f"/docker/{ID}")
    table.learn(key(2), "/system.slice")
    table.find(key(1))
    table.learn(key(3), "/user.slice")

    assert [number for number in (1, 2, 3) if key(number) in table] == [1, 3]


def test_containers_that_never_start_do_not_pile_up():
    table = ContainerTable()
    for number in range(MAX_STARTING + 1):
        table.announce(key(number), f"/docker/{number:064x}")

    assert not table.is_starting(f"{0:064x}")
    assert table.is_starting(f"{MAX_STARTING:064x}")
