import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories.severity import MAX_VECTOR_LENGTH, MAX_VECTORS, Rating, erratum_rating, rate
from deadlight.model.vulnerability import Severity

V2 = "AV:L/AC:M/Au:N/C:N/I:P/A:C"
V3 = "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:N/I:H/A:H"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N"
WORST_V3 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"

pytestmark = pytest.mark.req("D18")


@pytest.mark.parametrize(
    ("vector", "score", "severity"),
    [
        (V2, 5.4, Severity.MEDIUM),
        (f"({V2})", 5.4, Severity.MEDIUM),
        (V3, 6.5, Severity.MEDIUM),
        (f"{V3}/E:U/RL:O", 6.5, Severity.MEDIUM),
        (WORST_V3, 10.0, Severity.CRITICAL),
        (V4, 5.1, Severity.MEDIUM),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, Severity.UNKNOWN),
    ],
)
def test_a_vector_gives_its_base_score(vector: str, score: float, severity: Severity) -> None:
    assert rate([vector], []) == Rating(severity, score, vector.strip("()"))


def test_the_newest_standard_decides_even_when_an_older_one_is_worse() -> None:
    assert rate([WORST_V3, V4, V2], ["critical"]).cvss_vector == V4


def test_within_one_standard_the_worst_vector_decides() -> None:
    milder = V3.replace("3.1", "3.0")
    assert rate([milder, WORST_V3], []).cvss_vector == WORST_V3
    assert rate([WORST_V3, milder], []).cvss_vector == WORST_V3


def test_the_worst_word_decides_without_a_vector() -> None:
    assert rate([], ["low", "Important", "moderate"]) == Rating(Severity.HIGH)


@pytest.mark.parametrize("word", ["not yet assigned", "untriaged", "none", "", "critical!"])
def test_other_words_say_nothing(word: str) -> None:
    assert rate([], [word]) == Rating(Severity.UNKNOWN)


@pytest.mark.parametrize(
    "junk",
    [None, 9.8, ["CVSS:3.1/"], "9.8", "CVSS:3.1/", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "AV:", V3 + "/AV:N", "\0"],
)
def test_junk_counts_for_nothing(junk: object) -> None:
    assert rate([junk], [junk, "high"]) == Rating(Severity.HIGH)


def test_only_so_many_vectors_of_one_record_are_calculated() -> None:
    several = [f"{V3}/junk:{number}" for number in range(MAX_VECTORS)]
    assert rate([*several, WORST_V3], []) == Rating()
    assert rate([*[V3] * 1000, WORST_V3], []).cvss_vector == V3


def test_a_vector_of_absurd_length_is_not_calculated() -> None:
    assert rate([V3 + "/E:U" * MAX_VECTOR_LENGTH], []) == Rating()


@given(
    st.lists(st.text() | st.none() | st.integers(), max_size=3),
    st.sampled_from([V2, V3, V4]).flatmap(
        lambda vector: st.tuples(st.just(vector), st.integers(0, len(vector)), st.text(max_size=4))
    ),
)
def test_damaged_vectors_never_raise(junk: list[object], damage: tuple[str, int, str]) -> None:
    vector, position, inserted = damage
    rating = rate([*junk, vector[:position] + inserted + vector[position:], vector[:position]], junk)

    assert rating.cvss_score is None or 0 <= rating.cvss_score <= 10


def test_an_erratum_begins_its_title_with_its_rating() -> None:
    assert erratum_rating("Important: kernel security update") == "Important"
    assert erratum_rating("kernel: Important: update") == ""
