"""Provenance is read as each builder writes it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.attestations import SLSA_1, statement

from deadlight.registry.attestations.builds import is_build, read_build
from deadlight.registry.attestations.statements import Statement, parse_statement

DIGEST = f"sha256:{'ab' * 32}"
COMMIT = "c" * 40
SLSA_02 = "https://slsa.dev/provenance/v0.2"

GITHUB = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {
                "ref": "refs/heads/main",
                "repository": "https://github.com/acme/shop",
                "path": ".github/workflows/release.yml",
            }
        },
        "internalParameters": {"github": {"event_name": "push", "actor": "jane"}},
        "resolvedDependencies": [
            {"uri": "git+https://github.com/acme/shop@refs/heads/main", "digest": {"gitCommit": COMMIT}}
        ],
    },
    "runDetails": {
        "builder": {"id": "https://github.com/actions/runner/github-hosted"},
        "metadata": {"invocationId": "https://github.com/acme/shop/actions/runs/1/attempts/1"},
    },
}
BUILDKIT_1 = {
    "buildDefinition": {
        "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
    },
    "runDetails": {
        "builder": {"id": "https://github.com/acme/shop/actions/runs/2"},
        "metadata": {
            "startedOn": "2026-03-01T10:00:00Z",
            "finishedOn": "2026-03-01T10:02:00Z",
            "buildkit_metadata": {"vcs": {"source": "https://github.com/acme/shop.git", "revision": COMMIT}},
        },
    },
}
BUILDKIT_02 = {
    "builder": {"id": ""},
    "buildType": "https://mobyproject.org/buildkit@v1",
    "metadata": {
        "https://mobyproject.org/buildkit@v1#metadata": {
            "vcs": {"source": "https://github.com/acme/shop.git", "revision": COMMIT}
        }
    },
}
GENERATOR_02 = {
    "builder": {"id": "https://github.com/slsa-framework/slsa-github-generator/x.yml@refs/tags/v1"},
    "invocation": {
        "configSource": {
            "uri": "git+https://github.com/acme/shop@refs/tags/v1",
            "digest": {"sha1": COMMIT},
            "entryPoint": ".github/workflows/release.yml",
        },
        "environment": {"github_actor": "jane"},
    },
}
GITLAB_02 = {
    "builder": {"id": "https://gitlab.example.com/-/runners/3"},
    "invocation": {"environment": {}, "parameters": {"GITLAB_USER_LOGIN": "jane"}},
    "materials": [{"uri": "https://gitlab.example.com/acme/shop", "digest": {"sha1": COMMIT}}],
}


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "actor", "run"),
    [
        (SLSA_1, GITHUB, "jane", "https://github.com/acme/shop/actions/runs/1/attempts/1"),
        (SLSA_1, BUILDKIT_1, "", "https://github.com/acme/shop/actions/runs/2"),
        (SLSA_02, BUILDKIT_02, "", ""),
        (SLSA_02, GENERATOR_02, "jane", GENERATOR_02["builder"]["id"]),  # type: ignore[index]  # a literal above
        (SLSA_02, GITLAB_02, "jane", "https://gitlab.example.com/-/runners/3"),
    ],
    ids=["github", "buildkit 1", "buildkit 0.2", "slsa generator", "gitlab"],
)
def test_each_builder_s_provenance_gives_repository_commit_and_who_started_it(
    predicate_type: str, predicate: dict[str, Any], actor: str, run: str
) -> None:
    said = parse_statement(statement(DIGEST, predicate, predicate_type))
    assert is_build(said)
    build = read_build(said)
    assert build.source_url.endswith("/acme/shop")
    assert (build.revision, build.actor, build.run_url) == (COMMIT, actor, run)


def test_times_are_read() -> None:
    build = read_build(parse_statement(statement(DIGEST, BUILDKIT_1)))
    assert build.started_at is not None
    assert build.finished_at is not None
    assert (build.finished_at - build.started_at).total_seconds() == 120


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GITHUB, "metadata"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GITHUB, *GENERATOR_02, "metadata", "materials"]), _JSON))
def test_provenance_of_any_shape_is_read_as_far_as_it_goes(predicate: dict[str, Any]) -> None:
    said = Statement(SLSA_1, json.loads(json.dumps(predicate)), frozenset())
    assert read_build(said).predicate_type == SLSA_1
