import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.order_oracles import assert_ascending, assert_same_order, maven
from tests.support.native_orders import PAIRS

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.maven_versions import maven_version_key

WORDS = ("alpha", "beta", "milestone", "rc", "cr", "snapshot", "SNAPSHOT", "sp", "jre", "redhat", "a", "b", "m", "x")
RELEASES = ("ga", "final", "Final", "release")


def made(chance: random.Random) -> str:
    """Versions of the shapes Maven itself puts into one order: nothing follows a word after a dot or a release."""
    core = ".".join(str(chance.choice([0, 0, 1, 2, 10, 2023])) for _ in range(chance.randint(1, 4)))
    for _ in range(chance.choice([0, 1, 1, 2])):
        number = chance.choice(["", "", "1", "2", "10", "-1", "-2", ".1", ".2"])
        core += f"-{chance.choice(WORDS)}{number}"
    endings = [
        "",
        f"-{chance.choice([1, 2, 20240102])}",
        f".{chance.choice(WORDS)}{chance.choice(['', '1', '2'])}",
        f"{chance.choice('.-')}{chance.choice(RELEASES)}",
    ]
    return core + chance.choice([*endings, ""])


def two(chance: random.Random):
    while True:
        yield made(chance), made(chance)


def test_the_order_is_mavens_own():
    assert_same_order(maven_version_key, maven, two(random.Random(4)), count=PAIRS)


def test_the_orders_examples_in_the_reference():
    assert_ascending(
        maven_version_key,
        "1-alpha2-1",
        "1-beta-1",
        "1-milestone",
        "1-rc",
        "1-snapshot",
        "1",
        "1-sp",
        "1-foo",
        "1-1",
        "1.1",
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1", "1.0.0"),
        ("1.ga", "1-ga"),
        ("1-ga", "1"),
        ("1.0.Final", "1"),
        ("1-0.ga", "1"),
        ("1.0-alpha", "1-alpha"),
        ("1-a1", "1-alpha-1"),
        ("1-cr2", "1-rc2"),
        ("1.0.0-RC1", "1-rc-1"),
        ("1x", "1-x"),
        ("1..0", "1"),
        ("1.", "1"),
        ("1-", "1"),
    ],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert maven_version_key(a) == maven_version_key(b)


def test_a_word_after_a_dot_has_the_place_the_reference_gives_it():
    assert_ascending(
        maven_version_key, "4.1.0.Beta1", "4.1.0.CR1", "4.1.0.Final", "4.1.0.Final-redhat-1", "4.1.1.Final"
    )


def test_releases_of_real_projects_are_in_their_order():
    assert_ascending(maven_version_key, "30.0-android", "30.0-jre", "31.0-jre", "31.0.1-jre")
    assert_ascending(maven_version_key, "9.4.0.M0", "9.4.0.RC3", "9.4.0.v20161208", "9.4.1.v20170120")
    assert_ascending(maven_version_key, "2.0-beta9", "2.0-rc1", "2.0", "2.0.1", "2.12.4", "2.15.0")


@pytest.mark.parametrize("version", ["", " 1", "1\n", "\u0661", "1" * 600])
def test_what_is_no_text_of_a_version_is_refused(version):
    with pytest.raises(InvalidVersionError, match="Maven version"):
        maven_version_key(version)


@given(st.lists(st.sampled_from([*"0123..--ab~_+", *WORDS]), min_size=1, max_size=9).map("".join), st.integers(0, 9))
def test_any_text_has_a_place_in_one_order(version, number):
    keys = sorted(
        [maven_version_key(version), maven_version_key(f"{version}{number}"), maven_version_key(f"{version}-sp")]
    )
    assert all(a <= b for a, b in pairwise(keys))
    assert maven_version_key(f"{version}-alpha1") < maven_version_key(f"{version}-sp1")
