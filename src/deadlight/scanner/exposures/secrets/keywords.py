"""Where keywords stand in a text, and which: most files have none, and that is found out fastest.

An RE2 alternation of all keywords tells where any of them is, at some 200 MiB a second, but of those that overlap only
the first. An Aho-Corasick automaton tells all of them at 30, so it is given only what is near one that the alternation
found: every keyword begins inside of such a one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import ahocorasick
import re2

MAX_FOUND_ONE_BY_ONE = 4_000
"""Keywords in a text after which the automaton is given all the rest: fewer, larger pieces are faster then."""


class Keywords:
    """Some words in lower case, found in bytes in any case, each with something that it stands for."""

    def __init__(self, meanings: Mapping[str, Sequence[int]], *, max_memory: int = 16 << 20) -> None:
        """Make the words ready; none of them is empty. RE2 is given so many bytes."""
        words = {word.encode().decode("latin-1"): tuple(numbers) for word, numbers in meanings.items()}
        self._longest = max(map(len, words), default=0)
        self._automaton: Any = ahocorasick.Automaton()
        for word, numbers in words.items():
            self._automaton.add_word(word, numbers)
        self._automaton.make_automaton()
        self._any = _alternation(words, max_memory)

    def iter_found(self, content: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        """For each place of a word, in order, the offset of its last byte, and what the word stands for."""
        if not self._longest:
            return
        for start, end in self._pieces(content):
            for last, numbers in self._automaton.iter(content[start:end].lower().decode("latin-1")):
                yield start + last, numbers

    def _pieces(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Parts of the text, in order and apart from each other, with every word there is whole in one of them."""
        if self._any is None:
            yield 0, len(content)
            return
        start = end = 0
        found = self._any.finditer(content)
        for match in islice(found, MAX_FOUND_ONE_BY_ONE):
            first, last = match.span()
            if first > end:
                yield start, end
                start = first
            end = last + self._longest
        yield start, end if next(found, None) is None else len(content)


def _alternation(words: Iterable[str], max_memory: int) -> Any:
    """Any of the words, as one expression in the order of the alphabet, which RE2 factors best.

    None where there are more words than fit; the automaton then has to do alone.
    """
    options = re2.Options()
    options.max_mem = max_memory
    options.case_sensitive = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    try:
        return re2.compile("|".join(re.escape(word) for word in sorted(words)).encode("latin-1"), options)
    except re2.error:
        return None
