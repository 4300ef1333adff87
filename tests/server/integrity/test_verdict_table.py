"""The table of docs/user/integrity.md is the rule: every combination has exactly one row, and so `judge` acts."""

import itertools
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import digest

from deadlight.model.image import Platform
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.registry import SourceManifest, SourceRecord
from deadlight.server.integrity.mutability import decide_mutability
from deadlight.server.integrity.verdict import (
    UNTRUSTED,
    Answer,
    Missing,
    Present,
    Unavailable,
    Untrusted,
    Verdict,
    judge,
)

PAGE = Path(__file__).parents[3] / "docs/user/integrity.md"
HEAD = "| the node reports | the registry | its repository is | the tag is | verdict |"


def record(name: str) -> SourceRecord:
    """A multi-platform image with these names' digests."""
    manifest = SourceManifest(Platform(), digest(f"manifest of {name}"), digest(f"config of {name}"))
    return SourceRecord("shop/web", "1", digest(f"index of {name}"), True, "", (manifest,))


RUNNING, OTHER = record("running"), record("other")
REPORTED = {
    "index": RUNNING.digest,
    "manifest": RUNNING.manifests[0].digest,
    "config": RUNNING.manifests[0].config_digest,
    "no digest": "",
}
SAID: dict[str, Answer] = {
    "cannot be asked": Unavailable("it refuses connections"),
    "does not have it": Missing(),
    "has the same image": Present(RUNNING.digest, RUNNING.digests),
    "has another image": Present(OTHER.digest, OTHER.digests),
}
TRUST = ("trusted", "untrusted")
TAGS = {"mutable": "latest", "immutable": "1.2.3", "unknown": "purple"}


class Combination(NamedTuple):
    """What a check finds, in the table's words."""

    reported: str
    said: str
    trust: str
    tag: str


COMBINATIONS = [Combination(*each) for each in itertools.product(REPORTED, SAID, TRUST, TAGS)]


def rows() -> list[tuple[list[set[str]], str]]:
    """Of the table on the page: the words that each of the four cells allows, and the verdict."""
    lines = PAGE.read_text().split(HEAD, 1)[1].splitlines()[2:]
    table = itertools.takewhile(lambda line: line.startswith("|"), lines)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [([set(cell.split(", ")) for cell in row[:4]], row[4]) for row in cells]


def documented(combination: Combination) -> str:
    """The verdict of the one row that speaks of it."""
    found = [
        verdict
        for allowed, verdict in rows()
        if all(words == {"any"} or value in words for words, value in zip(allowed, combination, strict=True))
    ]
    assert len(found) == 1, f"{combination} has {len(found)} rows"
    return found[0]


def judged(combination: Combination, previous: Verdict | None) -> Verdict | None:
    answer = Untrusted() if combination.trust == "untrusted" else SAID[combination.said]
    mutability = decide_mutability(TAGS[combination.tag])
    return judge(REPORTED[combination.reported], answer, mutability, previous=previous)


def named(verdict: Verdict | None) -> str:
    """The table's word for a verdict."""
    if verdict is None or verdict.stale_reason:
        return "as before"
    return str(verdict.violation or verdict.status)


def test_every_word_of_the_table_is_one_that_can_be_found() -> None:
    known = [set(REPORTED), set(SAID), set(TRUST), set(TAGS)]
    for allowed, _verdict in rows():
        assert all(words <= {"any", *possible} for words, possible in zip(allowed, known, strict=True))


@pytest.mark.req("I27", "I28", "I29", "I30", "I31", "R14")
@pytest.mark.parametrize("combination", COMBINATIONS, ids=" - ".join)
def test_each_combination_has_its_one_documented_verdict(combination: Combination) -> None:
    expected = documented(combination)
    assert named(judged(combination, None)) == expected
    for before in {named(judged(each, None)): judged(each, None) for each in COMBINATIONS}.values():
        verdict = judged(combination, before)
        assert named(verdict) == expected
        if expected == "as before" and before is not None:
            assert verdict is not None
            assert (verdict.status, verdict.violation, verdict.expected_digest) == (
                before.status,
                before.violation,
                before.expected_digest,
            )


digests = st.one_of(st.just(""), st.integers(0, 5).map(digest))
answers = st.one_of(
    st.just(Missing()),
    st.just(Untrusted()),
    st.text(min_size=1).map(Unavailable),
    st.sets(st.integers(0, 5).map(digest), min_size=1).map(lambda held: Present(min(held), frozenset(held))),
)
tags = st.one_of(
    st.sampled_from(sorted(TAGS.values())), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
)


@pytest.mark.req("I29", "R2")
@given(digests, st.lists(answers, min_size=1, max_size=6), tags)
def test_only_a_registry_s_own_word_makes_a_source_missing_and_only_a_comparison_a_mismatch(
    running: str, heard: list[Answer], tag: str
) -> None:
    verdict: Verdict | None = None
    for answer in heard:
        before, verdict = verdict, judge(running, answer, decide_mutability(tag), previous=verdict)
        if isinstance(answer, Unavailable) or (isinstance(answer, Present) and not running):
            assert (verdict and verdict.violation) == (before and before.violation)
            continue
        assert verdict is not None
        assert (verdict.violation is ViolationType.MISSING_SOURCE) == isinstance(answer, Missing)
        mismatch = isinstance(answer, Present) and running not in answer.digests
        assert (verdict.status is IntegrityStatus.INVALID_IMAGE_INTEGRITY) == mismatch
        assert (verdict == UNTRUSTED) == isinstance(answer, Untrusted)
