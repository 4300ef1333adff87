from collections.abc import Iterator

import pytest

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.delta import Change, ChangeKind, iter_changes, touched_buckets

pytestmark = pytest.mark.req("R15")


@pytest.fixture
def affecting(advisory, affects):
    """Parses an advisory that affects the named PyPI packages."""

    def build(identifier: str, *names: str, **fields: str) -> Advisory:
        entries = [affects("PyPI", name, [{"introduced": "0"}]) for name in names]
        parsed: Advisory = advisory(identifier, affected=entries, **fields)
        return parsed

    return build


def kinds(stored: dict[str, str], incoming: list[Advisory]) -> list[ChangeKind]:
    return [change.kind for change in iter_changes(stored, incoming)]


def test_a_first_import_is_all_new_and_the_same_again_changes_nothing(affecting) -> None:
    incoming = [affecting("GHSA-a", "x"), affecting("GHSA-b", "y", withdrawn="2024-01-01T00:00:00Z")]
    stored = {advisory.id: advisory.content_hash for advisory in incoming}

    assert kinds({}, incoming) == [ChangeKind.NEW, ChangeKind.WITHDRAWN]
    assert kinds(stored, incoming) == [ChangeKind.UNCHANGED, ChangeKind.UNCHANGED]


def test_a_changed_advisory_touches_where_it_was_and_where_it_is(affecting) -> None:
    (change,) = iter_changes({"GHSA-a": "another hash"}, [affecting("GHSA-a", "kept", "added")])

    assert change.kind is ChangeKind.CHANGED
    assert touched_buckets(change, [("PyPI", "kept"), ("PyPI", "dropped")]) == {
        ("PyPI", "kept"),
        ("PyPI", "added"),
        ("PyPI", "dropped"),
    }


def test_a_withdrawn_advisory_touches_only_where_it_was(affecting) -> None:
    (change,) = iter_changes({"GHSA-a": "hash"}, [affecting("GHSA-a", "x", withdrawn="2024-01-01T00:00:00Z")])

    assert change.kind is ChangeKind.WITHDRAWN
    assert touched_buckets(change, [("PyPI", "old")]) == {("PyPI", "old")}


def test_what_did_not_change_touches_nothing(affecting) -> None:
    record = affecting("GHSA-a", "x")
    for kind in (ChangeKind.UNCHANGED, ChangeKind.REPEATED):
        assert touched_buckets(Change(kind, record), [("PyPI", "x")]) == frozenset()


def test_the_first_of_several_records_with_one_identifier_counts(affecting) -> None:
    first, second = affecting("CVE-2015-5723", "x"), affecting("CVE-2015-5723", "y")

    assert kinds({}, [first, second]) == [ChangeKind.NEW, ChangeKind.REPEATED]
    assert kinds({first.id: first.content_hash}, [first, second]) == [ChangeKind.UNCHANGED, ChangeKind.REPEATED]


def test_changes_are_found_while_the_stream_is_read(affecting) -> None:
    def endless() -> Iterator[Advisory]:
        while True:
            yield affecting("GHSA-a", "x")

    changes = iter_changes({}, endless())

    assert next(changes).kind is ChangeKind.NEW
    assert next(changes).kind is ChangeKind.REPEATED
