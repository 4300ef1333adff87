"""Where control groups are, on each kind of node."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.cgroupfs import Hierarchy, iter_groups, parse_hierarchies, parse_pids_hierarchy
from deadlight.sensor.layout import CgroupKey

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = (
    "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "32 23 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
)
V1_NUMBERS = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t11\t1\npids\t8\t1\t1\n"
V2_NUMBERS = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t11\t1\npids\t0\t1\t1\n"


def test_a_node_with_version_2_alone_has_one_hierarchy():
    assert parse_hierarchies(V2, V2_NUMBERS) == (Hierarchy(0, "/sys/fs/cgroup"),)


def test_a_hybrid_node_has_version_2_and_the_hierarchy_of_pids():
    expected = (Hierarchy(0, "/sys/fs/cgroup/unified"), Hierarchy(8, "/sys/fs/cgroup/pids"))

    assert parse_hierarchies(HYBRID, V1_NUMBERS) == expected


def test_a_node_with_version_1_alone_has_the_hierarchy_of_pids():
    mounts = "32 23 0:28 / /sys/fs/cgroup/cpu,pids rw - cgroup cgroup rw,cpu,pids\n"

    assert parse_hierarchies(mounts, V1_NUMBERS) == (Hierarchy(8, "/sys/fs/cgroup/cpu,pids"),)


def test_a_second_mount_of_a_hierarchy_changes_nothing():
    assert parse_hierarchies(V2 + V2.replace("/sys/fs/cgroup", "/mnt"), V2_NUMBERS) == (Hierarchy(0, "/sys/fs/cgroup"),)


def test_a_mount_point_with_a_space_is_unescaped():
    mounts = V2.replace("/sys/fs/cgroup", r"/mnt/control\040groups")

    assert parse_hierarchies(mounts, V2_NUMBERS) == (Hierarchy(0, "/mnt/control groups"),)


def test_a_kernel_without_the_pids_controller_has_no_hierarchy_of_it():
    assert parse_pids_hierarchy("memory\t4\t11\t1\n") == 0


@given(st.text(max_size=400), st.text(max_size=200))
def test_any_text_is_read_without_error(mountinfo, cgroups):
    parse_hierarchies(mountinfo, cgroups)


def test_every_group_is_found_with_its_inode_number_and_path(tmp_path: Path):
    (tmp_path / "kubepods/pod1").mkdir(parents=True)
    (tmp_path / "system.slice").mkdir()
    (tmp_path / "cgroup.procs").touch()

    found = {path: key for key, path in iter_groups([Hierarchy(3, str(tmp_path))])}

    assert sorted(found) == ["/", "/kubepods", "/kubepods/pod1", "/system.slice"]
    assert found["/kubepods/pod1"] == CgroupKey((tmp_path / "kubepods/pod1").stat().st_ino, 3)


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "loop").symlink_to("/")

    assert [path for _, path in iter_groups([Hierarchy(0, str(tmp_path))])] == ["/"]


def test_a_hierarchy_that_vanished_has_no_groups(tmp_path: Path):
    assert list(iter_groups([Hierarchy(0, str(tmp_path / "gone"))])) == []


@pytest.mark.parametrize("depth", [40])
def test_a_walk_does_not_go_down_forever(tmp_path: Path, depth):
    (tmp_path / "/".join("d" * depth)).mkdir(parents=True)

    assert len(list(iter_groups([Hierarchy(0, str(tmp_path))]))) < depth
