import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.catalogued import golden

from deadlight.ecosystems.json_document import UnreadableDocumentError
from deadlight.ecosystems.node_locks import parse_npm_lock, parse_yarn_lock


def test_a_lock_by_folder_without_what_is_for_development():
    assert list(parse_npm_lock(golden("package-lock.json"))) == [
        ("express", "4.18.2"),
        ("@babel/core", "7.24.0"),
        ("debug", "4.3.4"),
        ("debug", "2.6.9"),
        ("left-pad", "1.3.0"),
    ]


def test_an_old_lock_by_name():
    assert sorted(parse_npm_lock(golden("package-lock-1.json"))) == [
        ("@a/b", "2.0.0"),
        ("@babel/core", "7.24.0"),
        ("debug", "2.6.9"),
        ("express", "4.18.2"),
        ("fork", "git+ssh://git@example.test/fork.git#0123456"),
        ("left-pad", "1.3.0"),
    ]


def test_a_lock_of_yarn_1():
    assert list(parse_yarn_lock(golden("yarn-1.lock"))) == [
        ("@babel/core", "7.24.0"),
        ("debug", "2.6.9"),
        ("left-pad", "1.3.0"),
        ("mirrored", "1.0.5"),
    ]


def test_a_lock_of_later_yarns_without_its_workspaces():
    assert list(parse_yarn_lock(golden("yarn-4.lock"))) == [("@babel/core", "7.24.0"), ("left-pad", "1.3.0")]


def test_a_lock_written_on_windows():
    assert len(list(parse_yarn_lock(golden("yarn-1.lock").replace(b"\n", b"\r\n")))) == 4


@pytest.mark.parametrize("text", [b'{"dependencies":' * 20_000, b'{"dependencies":{"a":' * 20_000, b"[" * 100_000])
def test_deep_nesting_is_refused_not_fatal(text):
    with pytest.raises(UnreadableDocumentError):
        list(parse_npm_lock(text))


@pytest.mark.parametrize(
    "line",
    [b'"' * 400_000, b"a@" * 200_000, b"a@b, " * 100_000 + b":", b"@a/" * 200_000 + b"@:", b"  version " * 50_000],
)
@pytest.mark.timeout(5)
def test_a_hostile_lock_takes_no_longer_than_its_size(line):
    list(parse_yarn_lock(line * 2 + b"\n" + b'a@1:\n  version "1"\n  resolved "https://' + line + b'"\n'))


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from(['"', "a@1", ":\n", "  version ", "@", "{", "}", '"packages":', "[", ","])).map(
        lambda w: "".join(w).encode()
    )
)
def test_no_bytes_raise_anything_but_the_rooms_own_error(content):
    for parse in (parse_npm_lock, parse_yarn_lock):
        with contextlib.suppress(UnreadableDocumentError):
            list(parse(content))
