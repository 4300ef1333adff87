"""What dpkg's and apk's databases share: entries of lines, each closed by a blank line."""

from dataclasses import dataclass

MAX_ENTRIES = 100_000
"""Entries of one database that are read; the whole of Debian has fewer packages."""


@dataclass(frozen=True, slots=True)
class DatabaseText:
    """A package database split into entries."""

    entries: tuple[str, ...]
    problem: str
    """Why there may be more packages than entries; empty where there is no such reason."""


def split_entries(content: bytes) -> DatabaseText:
    """Split a database at its blank lines; a last line without its line feed is dropped, for it may lack its end."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    whole = text.endswith("\n\n") or not text.strip()
    text = text[: text.rfind("\n") + 1]
    entries = text.split("\n\n", MAX_ENTRIES)
    problem = "" if whole else "ends without the blank line that closes every entry: it was cut short"
    if len(entries) > MAX_ENTRIES and entries.pop().strip():
        problem = f"holds more than {MAX_ENTRIES} entries"
    return DatabaseText(tuple(entry for entry in entries if entry.strip()), problem)
