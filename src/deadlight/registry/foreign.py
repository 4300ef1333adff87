"""Texts from a registry's own API, made fit to be stored and shown: bounded, printable, and links that are links."""

import re

from yarl import URL

MAX_NAME_CHARACTERS = 256
MAX_TEXT_CHARACTERS = 1024

_VCS_ADDRESS = re.compile(
    r"(?:(?:ssh|git)://)?(?:[A-Za-z0-9._-]{1,64}@)?[A-Za-z0-9.-]{1,255}[:/][A-Za-z0-9./_~:-]{1,700}"
)
"""An address only git understands, such as `git@git.example.com:shop/web.git`. No scheme that a browser runs."""


def name(text: str | None) -> str:
    """A person's, build's or version's name: one line of printable characters."""
    return _one_line(text, MAX_NAME_CHARACTERS)


def prose(text: str | None) -> str:
    """A commit message or a property's value, likewise on one line."""
    return _one_line(text, MAX_TEXT_CHARACTERS)


def web_link(text: str | None) -> str:
    """An http(s) URL without the credentials that builds forget in them; empty for anything else."""
    line = _one_line(text, MAX_TEXT_CHARACTERS)
    try:
        url = URL(line)
        return str(url.with_user(None)) if url.scheme in {"http", "https"} and url.host else ""
    except ValueError:
        return ""


def vcs_address(text: str | None) -> str:
    """Where a repository is: a web link, or an address for git alone."""
    line = _one_line(text, MAX_TEXT_CHARACTERS)
    return web_link(line) or (line if _VCS_ADDRESS.fullmatch(line) and not line.startswith("http") else "")


def _one_line(text: str | None, limit: int) -> str:
    words = " ".join((text or "")[: 4 * limit].split())
    return "".join(character for character in words if character.isprintable())[:limit]
