"""Which tags may move: the documents' fifteen names and shapes, and the rule of docs/adr/0016 for the rest."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.integrity import MutabilitySource
from deadlight.registry.types.registry_type import TagPolicy
from deadlight.server.integrity.mutability import (
    MUTABLE_NAMES,
    TagPatterns,
    decide_mutability,
    moved_before,
)

DOCUMENTED = [
    "latest",
    "main",
    "master",
    "dev",
    "develop",
    "staging",
    "stable",
    "nightly",
    "edge",
    "canary",
    "alpha",
    "beta",
    "rc",
    "snapshot",
    "head",
]

DEPLOYED = datetime(2026, 11, 1, tzinfo=UTC)

tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
moments = st.datetimes(timezones=st.just(UTC))


@pytest.mark.req("I32")
@pytest.mark.parametrize("name", [spell(name) for name in DOCUMENTED for spell in (str, str.upper, str.capitalize)])
def test_a_documented_name_is_mutable_in_any_case(name: str) -> None:
    decision = decide_mutability(name)
    assert (decision.mutable, decision.source) == (True, MutabilitySource.DOCUMENTED_NAME)


@pytest.mark.req("I32")
def test_the_documents_name_fifteen() -> None:
    assert set(DOCUMENTED) == MUTABLE_NAMES
    assert len(MUTABLE_NAMES) == 15


@pytest.mark.req("I33")
@pytest.mark.parametrize(
    "tag",
    [
        "v1.0.0",
        "1.2.3",
        "1.2.3-alpine",
        "V10.20.30",
        "1.2.3-rc.1",
        "1.2.3+build5",
        "1.2.3.4",
        "1.2.3_slim",
        "9fceb02",
        "sha-9fceb02d",
        "main-9fceb02",
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "20261101",
        "2026-11-01",
        "2026.11",
        "v2026.11.01-2",
        "12345",
        "8675309",
    ],
)
def test_a_full_version_a_date_a_commit_and_a_build_number_are_immutable(tag: str) -> None:
    decision = decide_mutability(tag)
    assert (decision.mutable, decision.source) == (False, MutabilitySource.SHAPE)
    assert tag in decision.detail


@pytest.mark.req("I33")
@pytest.mark.parametrize(
    "tag",
    [
        "15",
        "3.12",
        "v2",
        "1234",
        "prod",
        "feature-x",
        "latest-alpine",
        "1.2.3-SNAPSHOT",
        "1.2.3-nightly",
        "2026-11-01-dev",
        "9fceb02-latest",
        "2026-13-01",
        "abcdefab",
        "deadbee",
        "_",
        "",
    ],
)
def test_short_versions_moving_suffixes_and_other_words_are_mutable(tag: str) -> None:
    decision = decide_mutability(tag)
    assert (decision.mutable, decision.source) == (True, MutabilitySource.SHAPE)


@given(tags)
def test_every_tag_is_decided_with_a_reason(tag: str) -> None:
    decision = decide_mutability(tag)
    assert decision.detail
    assert decision.source in {MutabilitySource.DOCUMENTED_NAME, MutabilitySource.SHAPE}


@pytest.mark.req("I31")
def test_the_first_source_that_answers_decides() -> None:
    patterns = TagPatterns(mutable=("1.*",), immutable=("lat*",))
    later: dict[str, object] = {"moved_before_deployment": True, "patterns": patterns}
    policy = decide_mutability("1.0.0", policy=TagPolicy(may_move=False, detail=""), **later)  # type: ignore[arg-type]  # keywords of the function
    assert (policy.mutable, policy.source) == (False, MutabilitySource.REGISTRY_POLICY)
    history = decide_mutability("1.0.0", **later)  # type: ignore[arg-type]  # the same
    assert (history.mutable, history.source) == (True, MutabilitySource.TAG_HISTORY)
    for tag, mutable in (("1.0.0", True), ("latest", False)):
        pattern = decide_mutability(tag, patterns=patterns)
        assert (pattern.mutable, pattern.source) == (mutable, MutabilitySource.USER_PATTERN)
    name = decide_mutability("latest", patterns=TagPatterns(mutable=("v*",)))
    assert name.source is MutabilitySource.DOCUMENTED_NAME


def test_a_pattern_is_not_a_regular_expression_and_has_the_case_of_the_tag() -> None:
    patterns = TagPatterns(mutable=("1.0.?", "PROD-*"))
    assert decide_mutability("1.0.0", patterns=patterns).source is MutabilitySource.USER_PATTERN
    assert decide_mutability("1x0.0", patterns=patterns).source is MutabilitySource.SHAPE
    assert decide_mutability("prod-1", patterns=patterns).source is MutabilitySource.SHAPE


def test_a_tag_seen_as_two_images_before_the_deployment_has_moved() -> None:
    day = timedelta(days=1)
    assert moved_before(DEPLOYED, [DEPLOYED - 2 * day, DEPLOYED - day])
    assert not moved_before(DEPLOYED, [DEPLOYED - day])
    assert not moved_before(DEPLOYED, [])


@pytest.mark.req("I31")
@given(st.lists(st.datetimes(DEPLOYED.replace(tzinfo=None), timezones=st.just(UTC))), st.booleans())
def test_moves_after_the_deployment_never_make_a_tag_mutable(later: list[datetime], seen_before: bool) -> None:
    before = [DEPLOYED - timedelta(hours=1)] if seen_before else []
    assert not moved_before(DEPLOYED, [*before, *later])


@given(st.lists(moments), moments)
def test_more_history_never_makes_a_tag_less_mutable(history: list[datetime], one_more: datetime) -> None:
    assert moved_before(DEPLOYED, history) <= moved_before(DEPLOYED, [*history, one_more])
