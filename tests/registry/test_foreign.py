"""Texts of others, before they are stored and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.registry import foreign


@given(st.text() | st.none())
def test_every_text_becomes_one_bounded_printable_line(text: str | None):
    for line, limit in (
        (foreign.name(text), foreign.MAX_NAME_CHARACTERS),
        (foreign.prose(text), foreign.MAX_TEXT_CHARACTERS),
        (foreign.web_link(text), 3 * foreign.MAX_TEXT_CHARACTERS),
        (foreign.vcs_address(text), 3 * foreign.MAX_TEXT_CHARACTERS),
    ):
        assert line.isprintable()
        assert len(line) <= limit


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://ci.example.com/job/7?x=1#log", "https://ci.example.com/job/7?x=1#log"),
        ("https://me:secret@ci.example.com/job", "https://ci.example.com/job"),
        ("javascript:alert(1)", ""),
        (" JAVASCRIPT:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://", ""),
        ("http://[", ""),
        ("/job/7", ""),
    ],
)
def test_only_web_links_are_links(text: str, link: str):
    assert foreign.web_link(text) == link


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://me:secret@git.example.com/a.git", "https://git.example.com/a.git"),
        ("git@git.example.com:shop/web.git", "git@git.example.com:shop/web.git"),
        ("ssh://git@git.example.com:2222/shop/web.git", "ssh://git@git.example.com:2222/shop/web.git"),
        ("javascript:alert(1)", ""),
        ("javascript://x/%0aalert", ""),
        ("ext::sh -c id", ""),
    ],
)
def test_only_addresses_that_git_knows_are_addresses(text: str, address: str):
    assert foreign.vcs_address(text) == address
