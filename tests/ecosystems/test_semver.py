import pytest
from tests.ecosystems.order_oracles import (
    assert_ascending,
    assert_same_order,
    npm,
    python_semver,
    semver_versions,
    variations,
)

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.semver import semver_key

ALPHABET = (*"0129.-+ab", "rc", "beta")


def test_the_order_is_that_of_python_semver():
    assert_same_order(semver_key, python_semver, variations(semver_versions, ALPHABET, seed=1))


def test_the_order_is_npms_own():
    assert_same_order(semver_key, npm, variations(semver_versions, (*ALPHABET, "v", "="), seed=2))


def test_the_specifications_own_examples():
    assert_ascending(
        semver_key,
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1", "1.0.0"),
        ("1.2", "1.2.0"),
        ("v1.2.3", "1.2.3"),
        ("=v1.2.3", "1.2.3"),
        ("1.2.3+a", "1.2.3+b"),
        ("01.2.3", "1.2.3"),
        ("1.0.0-01", "1.0.0-1"),
        ("1.0.0beta1", "1.0.0-beta1"),
    ],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert semver_key(a) == semver_key(b)


@pytest.mark.parametrize(
    "version", ["", "v", "1.2.3.4", "1.2.3-", "1.2.3-a..b", "latest", "1.x", "^1.2.3", " 1.0.0", "\u0661.0.0"]
)
def test_what_is_no_version_is_refused(version):
    with pytest.raises(InvalidVersionError, match="not a semantic version"):
        semver_key(version)
