import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.kubernetes_wire import recorded

from deadlight.controller.errors import ApiError, MalformedAnswerError
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.events import (
    Bookmark,
    Gone,
    Seen,
    Undecodable,
    parse_event,
    parse_object,
    parse_page,
    parse_status,
)

POD: msgspec.json.Decoder[objects.KubernetesObject] = msgspec.json.Decoder(objects.Pod)


def event(kind: str, **metadata: object) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": {"uid": "u", "resourceVersion": "7", **metadata}}}).encode()


# --- recorded from a real server ---


def test_a_recorded_watch_is_read_to_its_end() -> None:
    events = [parse_event(line, POD) for line in recorded("watch-expired-200.json").splitlines() if line]

    pods = [seen.object for seen in events if isinstance(seen, Seen)]
    assert pods
    assert {type(pod) for pod in pods} == {objects.Pod}
    last = pods[-1]
    assert isinstance(last, objects.Pod)
    assert last.spec.containers
    assert last.spec.containers[0].image == "reg.example/w:1"
    assert last.metadata.creation_timestamp is not None


def test_recorded_bookmarks_are_read_although_their_lists_are_null() -> None:
    assert parse_event(recorded("watch-bookmark.json").strip(), POD) == Bookmark("370", initial_end=False)
    assert parse_event(recorded("watchlist-bookmark.json").strip(), POD) == Bookmark("370", initial_end=True)


def test_a_recorded_bookmark_decodes_even_as_a_pod() -> None:
    text = recorded("watch-bookmark.json").replace(b'"metadata":{', b'"metadata":{"name":"","uid":"u",')

    seen = parse_event(text.replace(b"BOOKMARK", b"ADDED").strip(), POD)

    assert isinstance(seen, Seen)


def test_a_recorded_expiry_is_a_410() -> None:
    with pytest.raises(ApiError) as expired:
        parse_event(recorded("watch-410.json").splitlines()[0], POD)

    assert (expired.value.status, expired.value.reason) == (410, "Expired")


@pytest.mark.parametrize(
    ("recording", "status", "reason"),
    [
        ("anonymous-403.json", 403, "Forbidden"),
        ("bad-token-401.json", 401, "Unauthorized"),
        ("list-bad-continue-400.json", 400, "BadRequest"),
        ("list-future-rv-504.json", 504, "Timeout"),
    ],
)
def test_recorded_refusals_are_read(recording: str, status: int, reason: str) -> None:
    error = parse_status(status, recorded(recording))

    assert (error.status, error.reason) == (status, reason)
    assert error.message
    assert error.retry_after == (1.0 if status == 504 else 0.0)


def test_a_recorded_empty_list_is_a_page() -> None:
    page = parse_page(recorded("list-expired-continue-200.json"), POD)

    assert (page.version, page.token, page.items) == ("1", "", [])


# --- shapes ---


def test_the_order_of_the_fields_does_not_matter() -> None:
    usual = b'{"type":"DELETED","object":{"metadata":{"uid":"u","resourceVersion":"7"}}}'
    other = b'{ "object": {"metadata":{"uid":"u","resourceVersion":"7"}}, "type": "DELETED" }'

    assert parse_event(usual, POD) == parse_event(other, POD) == Gone("u", "7")


def test_an_object_with_a_wrong_field_is_still_known_to_exist() -> None:
    seen = parse_event(event("ADDED", name=7), POD)

    assert isinstance(seen, Undecodable)
    assert (seen.uid, seen.version) == ("u", "7")
    assert "name" in seen.reason


def test_an_error_event_without_a_code_is_still_an_error() -> None:
    with pytest.raises(ApiError):
        parse_event(b'{"type":"ERROR","object":{"kind":"Status","message":"etcd is away"}}', POD)


def test_a_page_names_its_continuation_and_tolerates_null_items() -> None:
    page = parse_page(b'{"metadata":{"resourceVersion":"5","continue":"abc"},"items":null}', POD)

    assert (page.version, page.token, page.items) == ("5", "abc", [])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"not json",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"uid":"u"}}}',
        b'{"type":"DELETED","object":{"metadata":null}}',
        b'{"type":"SOMETHING","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"uid":"u"',
        b'{"type":"ADDED","object":' + b'{"a":' * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_event_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_event(line, POD)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b'{"type":"ADDED","object":{' + tail + b"}}"))
def test_any_bytes_are_an_event_or_an_error_of_ours(line: bytes) -> None:
    with suppress(MalformedAnswerError, ApiError):
        parse_event(line, POD)
    with suppress(MalformedAnswerError):
        parse_page(line, POD)
    with suppress(MalformedAnswerError):
        parse_object(line, POD)
    assert isinstance(parse_status(500, line), ApiError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["metadata", "spec", "status", "uid", "resourceVersion", "containers", "name", "state"])
PODS = st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=4), max_size=4)


@given(PODS, st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]))
def test_any_json_is_an_event_or_an_error_of_ours(pod: dict[str, object], kind: str) -> None:
    with suppress(MalformedAnswerError, ApiError):
        parse_event(json.dumps({"type": kind, "object": pod}).encode(), POD)
