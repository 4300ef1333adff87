"""Mounts as the kernel lists them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.mountinfo import Mount, parse_mounts

OVERLAY = (
    r"70 67 0:41 / / rw,relatime shared:1 master:2 - overlay overlay "
    r"rw,lowerdir=/l,upperdir=/var/lib/a\040b\054c,workdir=/w"
)


def test_a_mount_has_a_place_a_kind_and_options():
    (mount,) = parse_mounts("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n")

    assert mount == Mount("/sys/fs/cgroup", "cgroup2", ("rw", "nsdelegate"))


def test_escapes_are_undone_after_the_options_are_told_apart():
    (mount,) = parse_mounts(OVERLAY)

    assert mount.find_option("upperdir") == "/var/lib/a b,c"
    assert mount.find_option("dir") == ""


@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_name_may_hold_what_other_texts_end_lines_with(end):
    mounts = parse_mounts(f"71 70 0:5 / /x{end}y rw - tmpfs t rw\n{OVERLAY}\n")

    assert [mount.place for mount in mounts] == [f"/x{end}y", "/"]


def test_lines_that_are_no_mounts_are_left_out():
    assert parse_mounts("\nnonsense\n1 2 3 - ext4\n") == ()


@given(st.text(max_size=400))
def test_any_text_is_read_without_error(text):
    parse_mounts(text)
