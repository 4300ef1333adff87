"""Choosing a type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.table import TYPES, expected_digest_label, suggest_type


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("acme.jfrog.io", "artifactory"),
        ("ACME.JFrog.io", "artifactory"),
        ("jfrog.io.evil.example", "oci"),
        ("", "oci"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "ecr"),
        ("public.ecr.aws", "ecr"),
        ("europe-docker.pkg.dev", "gar"),
        ("eu.gcr.io", "gar"),
        ("k8s.gcr.io", "oci"),
        ("acme.azurecr.io", "acr"),
        ("ghcr.io", "ghcr"),
        ("docker.io", "docker-hub"),
    ],
)
def test_a_host_suggests_its_type(host: str, key: str):
    assert suggest_type(host).key == key


def test_a_violation_calls_the_expected_digest_by_the_product():
    assert expected_digest_label("artifactory") == "Artifactory Digest (Expected)"
    assert expected_digest_label("harbor") == expected_digest_label("gone") == "Registry Digest (Expected)"


def test_the_generic_type_comes_first():
    assert next(iter(TYPES)) == "oci"


@pytest.mark.parametrize(
    ("upstream", "path", "origin"),
    [
        ("https://registry-1.docker.io/", "library/nginx", "docker.io/library/nginx:1"),
        ("https://hub.docker.com", "nginx", "docker.io/library/nginx:1"),
        ("https://quay.io", "org/app", "quay.io/org/app:1"),
        ("http://registry.example.com:5000/", "app", "registry.example.com:5000/app:1"),
        ("https://up.jfrog.io/artifactory/api/docker/prod", "app", "up.jfrog.io/prod/app:1"),
        ("https://u:p@ghcr.io", "org/app", "ghcr.io/org/app:1"),
        ("https://api.ecr.eu-west-1.amazonaws.com", "app", "None"),
        ("https://ghcr.io/some/path", "app", "None"),
        ("not a url", "app", "None"),
        ("", "app", "None"),
        ("https://ghcr.io", "../app", "None"),
    ],
)
def test_what_a_copy_is_called_at_its_origin(upstream: str, path: str, origin: str):
    assert str(origin_of(upstream, path, "1", "")) == origin


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_names_an_origin_by_an_error(upstream: str, path: str):
    origin_of(upstream, path, "1", "")
