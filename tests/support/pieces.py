"""Texts that hypothesis puts together from pieces."""

from collections.abc import Sequence

from hypothesis import strategies as st


def texts_of(pieces: Sequence[str], *, min_size: int = 0, max_size: int) -> st.SearchStrategy[str]:
    """Texts of so many pieces, simple ones first.

    A byte chooses a piece: all of a text come with one draw, where a list draws for each, and whether another follows.
    """
    assert len(pieces) <= 256
    chosen = st.binary(min_size=min_size, max_size=max_size)
    return chosen.map(lambda numbers: "".join(pieces[number % len(pieces)] for number in numbers))
