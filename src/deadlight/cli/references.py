"""Which image people mean by what they type. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from deadlight.client.errors import ClientError

CANDIDATES_LISTED = 20


class UnknownImageError(ClientError):
    """Nothing that runs, or ran lately, is called so."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"no image that runs, or ran within ten days, matches {reference!r}: `deadlight images` lists what runs, "
            f"`deadlight scan {reference}` looks into an image before it does"
        )


class AmbiguousImageError(ClientError):
    """Several images are called so; the text lists them as they can be told apart."""

    def __init__(self, reference: str, rows: Sequence[Mapping[str, Any]], total: int) -> None:
        listed = "".join(f"\n  {name_by_digest(row)}  {row['platform']}" for row in rows[:CANDIDATES_LISTED])
        more = f"\n  and {total - CANDIDATES_LISTED} more" if total > CANDIDATES_LISTED else ""
        super().__init__(f"{total} images match {reference!r}, say which one:{listed}{more}")


def search_of(reference: str) -> str:
    """What to search for so that the image meant is among what is found."""
    _, _, digest = reference.partition("@")
    return digest or reference


def choose_image(reference: str, rows: Sequence[Mapping[str, Any]], total: int) -> Mapping[str, Any]:
    """The image that is meant, of those that a search for it found.

    A whole name, with or without its registry, means that image also where others contain it.

    Raises:
        UnknownImageError: none is called so.
        AmbiguousImageError: several are.
    """
    name, _, digest = reference.partition("@")
    found = [row for row in rows if row["digest"].startswith(digest) and name.lower() in _name(row).lower()]
    exact = [row for row in found if name in _names(row)]
    chosen = exact or found
    if not chosen:
        raise UnknownImageError(reference)
    if len(chosen) > 1:
        raise AmbiguousImageError(reference, chosen, len(chosen) if exact or digest else max(total, len(chosen)))
    return chosen[0]


def name_by_digest(row: Mapping[str, Any]) -> str:
    """A name that means this image alone."""
    return f"{row['registry']}/{row['repository']}@{row['digest']}"


def _name(row: Mapping[str, Any]) -> str:
    tag = f":{row['tag']}" if row["tag"] else ""
    return f"{row['registry']}/{row['repository']}{tag}"


def _names(row: Mapping[str, Any]) -> set[str]:
    """Everything people call it, from its whole name down to the last part of its repository."""
    whole = (_name(row), f"{row['registry']}/{row['repository']}")
    parts = {text.split("/", start)[-1] for text in whole for start in range(text.count("/") + 1)}
    return parts | set(whole)
