"""Trust by path, and what a cache is a copy of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.image import ImageReference
from deadlight.server.registries.origins import InvalidOriginError, Origin, find_origin
from deadlight.server.registries.trust import trusts_repository

paths = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}", fullmatch=True)
patterns = st.lists(st.one_of(paths, st.just("*"), paths.map(lambda path: f"{path}/*")), max_size=4)


@pytest.mark.req("R5", "R7")
@pytest.mark.parametrize(
    ("repository", "trusted", "untrusted", "expected"),
    [
        ("shop/web", [], [], True),
        ("shop/web", ["shop/*"], [], True),
        ("shop/team/web", ["shop/*"], [], True),
        ("shopping/web", ["shop/*"], [], False),
        ("shop", ["shop/*"], [], False),
        ("Shop/web", ["shop/*"], [], False),
        ("shop/web", ["other/*", "shop/web"], [], True),
        ("shop/web", [], ["shop/*"], False),
        ("other/web", [], ["shop/*"], True),
        ("shop/web", ["shop/web"], ["*"], False),
    ],
)
def test_patterns_are_of_whole_paths_and_distrust_has_the_last_word(
    repository: str, trusted: list[str], untrusted: list[str], expected: bool
) -> None:
    assert trusts_repository(repository, trusted, untrusted) is expected


@given(paths, patterns, patterns, patterns)
def test_more_distrust_never_makes_anything_trusted(
    repository: str, trusted: list[str], untrusted: list[str], more: list[str]
) -> None:
    if not trusts_repository(repository, trusted, untrusted):
        assert not trusts_repository(repository, trusted, [*untrusted, *more])


def origin(rules: list[Origin], image: str) -> str:
    found = find_origin(rules, ImageReference.parse(image))
    return str(found) if found else ""


def test_the_longest_prefix_says_where_a_cached_image_is_from() -> None:
    rules = [Origin("", "mirror.example/all"), Origin("hub", "docker.io"), Origin("hub/team", "ghcr.io/team")]
    assert origin(rules, "cache.example/hub/nginx:1") == "docker.io/library/nginx:1"
    assert origin(rules, "cache.example/hub/bitnami/redis") == "docker.io/bitnami/redis:latest"
    assert origin(rules, "cache.example/hub/team/web:2") == "ghcr.io/team/web:2"
    assert origin(rules, "cache.example/hubby/nginx:1") == "mirror.example/all/hubby/nginx:1"
    assert origin(rules[1:], "cache.example/hubby/nginx:1") == ""


def test_a_digest_stays_what_it_is() -> None:
    image = f"cache.example/hub/nginx@sha256:{'a' * 64}"
    assert origin([Origin("hub", "docker.io")], image) == f"docker.io/library/nginx@sha256:{'a' * 64}"


def test_a_name_that_becomes_too_long_has_no_origin() -> None:
    assert origin([Origin("hub", f"ghcr.io/{'long/' * 40}x")], f"cache.example/hub/{'y' * 200}") == ""


@pytest.mark.parametrize(("prefix", "name"), [("", "Not A Host"), ("a b", "docker.io"), ("", "team"), ("hub/", "x.io")])
def test_what_no_image_can_follow_is_refused(prefix: str, name: str) -> None:
    with pytest.raises(InvalidOriginError):
        Origin(prefix, name)
