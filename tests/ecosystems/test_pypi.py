import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.pypi import PYPI, pypi_version_key

small = st.integers(0, 2).map(str)
pep440 = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "1!"]),
    st.lists(small, min_size=1, max_size=4).map(".".join),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), small),
    st.just("") | small.map(".post{}".format),
    st.just("") | small.map(".dev{}".format),
    st.just("")
    | st.lists(st.sampled_from(["a", "1", "b2", "0", "10"]), min_size=1, max_size=3).map(lambda p: "+" + ".".join(p)),
)


@given(pep440, pep440)
def test_the_order_is_packagings_own(a, b):
    ours, theirs = (pypi_version_key(a), pypi_version_key(b)), (Version(a), Version(b))
    assert (ours[0] < ours[1], ours[0] == ours[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])


@pytest.mark.parametrize(("a", "b"), [("1.0", "1"), ("1.0RC1", "1.0rc1"), ("1-1", "1.post1"), ("v1", "1")])
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert pypi_version_key(a) == pypi_version_key(b)


@pytest.mark.parametrize("version", ["", "not-a-version", "1.0-unreleased", "2004d?"])
def test_what_pep_440_refuses_is_refused(version):
    with pytest.raises(InvalidVersionError, match="PEP 440"):
        pypi_version_key(version)


def test_names_are_normalised_as_indexes_do():
    assert PYPI.normalise_name("Ruamel._.YAML") == "ruamel-yaml"
