from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories.aliases import display_id, group_advisories, identifier_sets, is_bundle, unite


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ({"GHSA-a", "PYSEC-1", "CVE-2024-10000"}, "CVE-2024-10000"),
        ({"CVE-2024-10000", "CVE-2024-9999", "CVE-2025-1000"}, "CVE-2024-9999"),
        ({"PYSEC-1", "GHSA-b", "GHSA-a"}, "GHSA-a"),
        ({"RUSTSEC-1", "GO-1"}, "GO-1"),
        ({"CVE-nonsense", "GHSA-a"}, "GHSA-a"),
    ],
)
def test_people_see_the_oldest_cve_then_a_ghsa_then_the_rest(identifiers: set[str], expected: str) -> None:
    assert display_id(identifiers) == expected


def test_an_advisory_names_one_flaw_by_all_its_aliases(advisory) -> None:
    record = advisory("GHSA-a", aliases=["CVE-2024-1000", "PYSEC-1"], related=["CVE-2024-2000"])
    assert identifier_sets(record) == (frozenset({"GHSA-a", "CVE-2024-1000", "PYSEC-1"}),)


def test_a_distributions_record_of_one_flaw_joins_it(advisory) -> None:
    record = advisory("DEBIAN-CVE-2024-1000", upstream=["CVE-2024-1000"])
    assert identifier_sets(record) == (frozenset({"DEBIAN-CVE-2024-1000", "CVE-2024-1000"}),)


@pytest.mark.req("D17")
@pytest.mark.parametrize(
    ("identifier", "field"), [("ALSA-2024:1", "related"), ("USN-1", "upstream"), ("RUSTSEC-2020-14", "aliases")]
)
def test_a_record_of_several_cves_takes_part_in_each_and_joins_none(advisory, identifier: str, field: str) -> None:
    bundle = advisory(identifier, **{field: ["CVE-2024-1000", "CVE-2024-2000", "GHSA-a"]})

    assert is_bundle(bundle)
    assert identifier_sets(bundle) == (frozenset({"CVE-2024-1000"}), frozenset({"CVE-2024-2000"}))


@pytest.mark.req("D17")
def test_two_sources_of_one_cve_are_one_vulnerability(advisory) -> None:
    records = [
        advisory("PYSEC-1", aliases=["CVE-2024-1000"]),
        advisory("GHSA-a", aliases=["CVE-2024-1000"]),
        advisory("GO-1", aliases=["GHSA-a"]),
        advisory("GHSA-b"),
        advisory("GHSA-withdrawn", aliases=["CVE-2024-1000", "GHSA-b"], withdrawn="2024-01-01T00:00:00Z"),
    ]
    first, second = group_advisories(records)

    assert first.id == "CVE-2024-1000"
    assert first.identifiers == {"CVE-2024-1000", "GHSA-a", "GO-1", "PYSEC-1"}
    assert [member.id for member in first.advisories] == ["GHSA-a", "GO-1", "PYSEC-1"]
    assert second.id == "GHSA-b"


@pytest.mark.req("D17")
def test_update_notices_of_a_distribution_chain_no_cves_together(advisory) -> None:
    notices = [
        advisory(f"ALSA-2024:{number}", related=[f"CVE-2024-{1000 + number}", f"CVE-2024-{1001 + number}"])
        for number in range(50)
    ]
    groups = group_advisories([*notices, advisory("GHSA-a", aliases=["CVE-2024-1001"])])

    assert len(groups) == 51
    assert groups[1].identifiers == {"CVE-2024-1001", "GHSA-a"}
    assert [member.id for member in groups[1].advisories] == ["GHSA-a", "ALSA-2024:0", "ALSA-2024:1"]


NAMES = st.frozensets(st.sampled_from([f"GHSA-{letter}" for letter in "abcdefghij"]), min_size=1, max_size=3)


@given(st.lists(NAMES, max_size=12))
def test_united_sets_are_disjoint_cover_everything_and_keep_together_what_came_together(
    sets: list[frozenset[str]],
) -> None:
    groups = unite(sets)

    assert frozenset().union(*groups) == frozenset().union(*sets)
    assert all(not one & other for one, other in combinations(groups, 2))
    assert all(any(names <= group for group in groups) for names in sets)


@given(st.lists(NAMES, max_size=12))
def test_united_sets_are_as_small_as_can_be(sets: list[frozenset[str]]) -> None:
    for group in unite(sets):
        reached = {min(group)}
        while reaching := [names for names in sets if names & reached and not names <= reached]:
            reached.update(*reaching)
        assert reached == group


@given(st.lists(NAMES, max_size=12), st.randoms(use_true_random=False))
def test_uniting_does_not_depend_on_the_order(sets: list[frozenset[str]], random) -> None:
    shuffled = random.sample(sets, len(sets))
    assert unite(shuffled) == unite(sets)


def test_a_long_chain_is_united_in_reasonable_time() -> None:
    (chain,) = unite(frozenset({f"A-{number}", f"A-{number + 1}"}) for number in range(50_000))
    assert len(chain) == 50_001
