import random

import pytest
import semver
from tests.ecosystems.order_oracles import assert_ascending, assert_same_order, npm, variations

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.semver import semver_key

ALPHABET = (*"0129.-+ab", "rc", "beta")


def made(chance: random.Random) -> str:
    core = ".".join(str(chance.choice([0, 0, 1, 2, 10, 11])) for _ in range(3))
    parts = [chance.choice(["alpha", "beta", "rc", "a", "A", "0", "1", "2", "11", "rc1", "-", "x-1"]) for _ in range(3)]
    pre_release = "-" + ".".join(parts[: chance.randint(1, 3)]) if chance.random() < 0.6 else ""
    return core + pre_release + chance.choice(["", "", "+build.1", "+001"])


def python_semver(pairs):
    def verdict(a: str, b: str) -> str:
        try:
            return str(semver.Version.parse(a).compare(b))
        except ValueError:
            return "!"

    return [verdict(a, b) for a, b in pairs]


def test_the_order_is_that_of_python_semver():
    assert_same_order(semver_key, python_semver, variations(made, ALPHABET, seed=1))


def test_the_order_is_npms_own():
    assert_same_order(semver_key, npm, variations(made, (*ALPHABET, "v", "="), seed=2))


def test_the_specifications_own_examples():
    assert_ascending(
        semver_key, "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"),
    [("1", "1.0.0"), ("1.2", "1.2.0"), ("v1.2.3", "1.2.3"), ("=v1.2.3", "1.2.3"), ("1.2.3+a", "1.2.3+b"), ("01.2.3", "1.2.3"), ("1.0.0-01", "1.0.0-1"), ("1.0.0beta1", "1.0.0-beta1")],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert semver_key(a) == semver_key(b)


@pytest.mark.parametrize("version", ["", "v", "1.2.3.4", "1.2.3-", "1.2.3-a..b", "latest", "1.x", "^1.2.3", " 1.0.0", "\u0661.0.0"])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(InvalidVersionError, match="not a semantic version"):
        semver_key(version)
