"""Keywords are all found, whatever overlaps."""

from hypothesis import given
from hypothesis import strategies as st

from deadlight.scanner.exposures.secrets.keywords import MAX_FOUND_ONE_BY_ONE, Keywords

WORDS = {"ab": [0], "abc": [1], "bca": [2], "c": [3], "cab.": [4, 5]}


def naively(content: bytes) -> list[tuple[int, int]]:
    text = content.lower().decode("latin-1")
    places = ((text.find(word, start), word) for word in WORDS for start in range(len(text)))
    found = {(place + len(word) - 1, number) for place, word in places if place >= 0 for number in WORDS[word]}
    return sorted(found)


def found(content: bytes) -> list[tuple[int, int]]:
    return sorted((last, number) for last, numbers in Keywords(WORDS).iter_found(content) for number in numbers)


@given(st.text(alphabet="abcABC. \n\xe4", max_size=60).map(lambda text: text.encode("latin-1")))
def test_every_keyword_is_found_where_it_ends(content):
    assert found(content) == naively(content)


def test_keywords_far_apart_and_many_are_all_found():
    content = (b"-" * 50 + b"abca") * (MAX_FOUND_ONE_BY_ONE + 10)
    expected = [
        (start + offset, number)
        for start in range(50, len(content), 54)
        for offset, number in ((1, 0), (2, 1), (2, 3), (3, 2))
    ]
    assert found(content) == sorted(expected)


def test_more_keywords_than_fit_an_expression_are_found_all_the_same():
    words = {f"{number:08x}" * 8: [number] for number in range(200)}
    keywords = Keywords(words, max_memory=10_000)
    assert keywords._any is None
    assert [number for _, (number,) in keywords.iter_found(" ".join(words).encode())] == list(range(200))


def test_no_keywords_find_nothing():
    assert list(Keywords({}).iter_found(b"abc")) == []
