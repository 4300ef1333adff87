import pytest
from tests.ecosystems.order_oracles import (
    assert_ascending,
    assert_same_order,
    python_semver,
    semver_versions,
    variations,
)

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.nuget import NUGET, nuget_version_key


def test_the_documentations_own_example():
    assert_ascending(
        nuget_version_key,
        "1.0.1-aaa",
        "1.0.1-alpha10",
        "1.0.1-alpha2",
        "1.0.1-beta",
        "1.0.1-open",
        "1.0.1-rc.2",
        "1.0.1-rc.10",
        "1.0.1-zzz",
        "1.0.1",
    )


def test_three_numbers_without_capitals_are_ordered_as_semver_says():
    pairs = variations(lambda chance: semver_versions(chance).lower(), (*"0129.-+ab", "rc"), seed=7)
    assert_same_order(nuget_version_key, python_semver, pairs)


def test_there_is_a_fourth_number():
    assert_ascending(nuget_version_key, "4.3.0", "4.3.0.1-beta", "4.3.0.1", "4.3.0.2", "4.3.0.10", "4.3.1")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1.00", "1"),
        ("1.01.1", "1.1.1"),
        ("1.0.0.0", "1.0.0"),
        ("1.0.7+r3456", "1.0.7"),
        ("1.0.0-RC.1", "1.0.0-rc.1"),
        ("1.0.0-01", "1.0.0-1"),
    ],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert nuget_version_key(a) == nuget_version_key(b)


@pytest.mark.parametrize("version", ["", "1.2.3.4.5", "v1", "1.-a", "1.0-", "1.0.*", "[1.0,2.0)"])
def test_what_nuget_refuses_is_refused(version):
    with pytest.raises(InvalidVersionError, match="NuGet version"):
        nuget_version_key(version)


def test_case_says_nothing_in_a_name():
    assert NUGET.normalise_name("Newtonsoft.Json") == "newtonsoft.json"
