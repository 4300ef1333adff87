import pytest

from deadlight.ecosystems import Distribution
from deadlight.ecosystems.purl import distribution_purl, language_purl


@pytest.mark.parametrize(
    ("kind", "name", "version", "purl"),
    [
        ("pypi", "requests", "2.31.0", "pkg:pypi/requests@2.31.0"),
        ("npm", "@babel/core", "7.24.0", "pkg:npm/%40babel/core@7.24.0"),
        ("maven", "org.slf4j:slf4j-api", "2.0.9", "pkg:maven/org.slf4j/slf4j-api@2.0.9"),
        (
            "golang",
            "github.com/docker/docker",
            "v24.0.5+incompatible",
            "pkg:golang/github.com/docker/docker@v24.0.5%2Bincompatible",
        ),
        ("golang", "stdlib", "1.22.3", "pkg:golang/stdlib@1.22.3"),
        ("cargo", "tokio", "1.38.0", "pkg:cargo/tokio@1.38.0"),
        ("composer", "monolog/monolog", "2.3.0", "pkg:composer/monolog/monolog@2.3.0"),
    ],
)
def test_a_purl_has_the_namespace_its_type_asks_for(kind, name, version, purl):
    assert language_purl(kind, name, version) == purl


@pytest.mark.parametrize("name", ["", "a/", "a:", " ", "/", "\t"])
def test_a_name_that_cannot_stand_in_a_purl_is_refused_in_one_way(name):
    with pytest.raises(ValueError, match="name"):
        language_purl("npm", name, "1")
    with pytest.raises(ValueError, match="name"):
        distribution_purl("deb", name.rstrip("a/:"), "1", "", Distribution("Debian:12", "debian"))
