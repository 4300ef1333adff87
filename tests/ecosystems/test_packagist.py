import random

import pytest
from tests.ecosystems.order_oracles import assert_ascending, assert_same_order, composer, variations
from tests.support.native_orders import PAIRS

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.packagist import PACKAGIST, packagist_version_key


def made(chance: random.Random) -> str:
    if chance.random() < 0.1:
        date = f"{chance.choice([2019, 2024])}{chance.choice(['', '-', '.'])}{chance.choice(['01', '12'])}"
        return date + chance.choice(["", "01", "-01", ".0203", "-beta1"])
    if chance.random() < 0.1:
        return chance.choice(["1.x-dev", "1.2.x-dev", "2.*-dev", "v1.x-dev", "1.2-dev"])
    core = ".".join(str(chance.choice([0, 1, 2, 10, 11])) for _ in range(chance.randint(1, 4)))
    words = ["alpha", "beta", "RC", "rc", "a", "b", "patch", "pl", "p", "stable", "dev", ""]
    stability = (
        chance.choice(["", "-", ".", "_"]) + chance.choice(words) + chance.choice(["", "1", "2", ".3", "10", "2.1"])
    )
    ending = chance.choice(["", "", "", "-dev", "+build"])
    return chance.choice(["", "", "v"]) + core + (stability if chance.random() < 0.6 else "") + ending


def test_the_order_is_composers_own():
    pairs = variations(made, (*"0129.-_vab", "p", "RC", "dev"), seed=6)
    assert_same_order(packagist_version_key, composer, pairs, count=2 * PAIRS)


def test_stabilities_are_in_their_order():
    assert_ascending(
        packagist_version_key,
        "1.0-dev",
        "1.0-alpha1",
        "1.0-alpha2-dev",
        "1.0-alpha2",
        "1.0-b1",
        "1.0-RC1",
        "1.0",
        "1.0-p1",
        "1.0.1",
        "1.x-dev",
        "2.0",
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1", "1.0.0.0"),
        ("v1.0", "1.0"),
        ("1.0-stable", "1.0"),
        ("1.0b2", "1.0-beta.2"),
        ("1.0+x", "1.0"),
        ("1.x-dev", "1.x.x-dev"),
    ],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert packagist_version_key(a) == packagist_version_key(b)


@pytest.mark.parametrize("version", ["", "dev-main", "1.0-gamma", "1.2.3.4.5", "main", "1.0 "])
def test_branches_and_what_composer_refuses_have_no_place(version):
    with pytest.raises(InvalidVersionError, match="Composer version"):
        packagist_version_key(version)


@pytest.mark.timeout(5)
def test_a_long_run_of_digits_is_read_in_one_way():
    with pytest.raises(InvalidVersionError):
        packagist_version_key(f"1.0-beta{'1' * 480}!")


def test_case_says_nothing_in_a_name():
    assert PACKAGIST.normalise_name("Symfony/HTTP-Kernel") == "symfony/http-kernel"
