import random

import pytest
from tests.ecosystems.order_oracles import assert_ascending, assert_same_order, rubygems, variations

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.rubygems import rubygems_version_key


def made(chance: random.Random) -> str:
    segments = [chance.choice(["0", "0", "1", "2", "10", "a", "b", "pre", "rc1", "B", "1a", "00"]) for _ in range(5)]
    version = ".".join([chance.choice("0123"), *segments[: chance.randint(0, 5)]])
    return version + chance.choice(["", "", "", "-1", "-x86", "-java.2"])


def test_the_order_is_rubygems_own():
    pairs = variations(made, (*"0129.-ab", ".0", "rc"), seed=5)
    assert_same_order(rubygems_version_key, rubygems, pairs)


def test_a_letter_makes_a_pre_release():
    assert_ascending(rubygems_version_key, "1.0.a", "1.0.a.1", "1.0.b1", "1.0.rc1", "1.0", "1.0.1.pre", "1.0.1", "1.10")


def test_zeros_count_by_what_follows_them():
    assert_ascending(rubygems_version_key, "1.a.b", "1.a.0.b", "1.a", "1.a.0.1", "1.a.1", "1", "1.0.0.1", "1.0.1")


@pytest.mark.parametrize(
    ("a", "b"), [("1", "1.0.0"), ("1.0.a", "1.a"), ("1.a.0", "1.a"), ("1-1", "1.pre.1"), ("01", "1")]
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert rubygems_version_key(a) == rubygems_version_key(b)


@pytest.mark.parametrize("version", ["", "a", "1..2", "1.", "1_0", "v1", "1.0 "])
def test_what_rubygems_refuses_is_refused(version):
    with pytest.raises(InvalidVersionError, match="gem version"):
        rubygems_version_key(version)
