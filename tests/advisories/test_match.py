from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories.match import Doubt, Match, MatchedBy, MatchResult, Undecided, advised_as, match_package
from deadlight.advisories.version_keys import VersionKeys
from deadlight.ecosystems import find_ecosystem

NOTHING = MatchResult()


def by_range(fix_version: str = "") -> MatchResult:
    return MatchResult((Match("A-1", fix_version, MatchedBy.RANGE),))


LISTED = MatchResult((Match("A-1", "", MatchedBy.VERSION),))


def undecided(doubt: Doubt) -> MatchResult:
    return MatchResult((), (Undecided("A-1", doubt),))


@pytest.fixture(scope="session")
def match(advisory, affects, package):
    """Matches one installed version of `x` against one advisory that affects `x`."""

    def run(ecosystem: str, version: str, *ranges: list[dict[str, str]], versions: tuple[str, ...] = ()) -> MatchResult:
        record = advisory("A-1", affected=[affects(ecosystem, "x", *ranges, versions=versions)])
        pairs = [(record.id, entry) for entry in record.affected]
        return match_package(package(ecosystem, "x", version), pairs, VersionKeys())

    return run


TWO_BRANCHES = [{"introduced": "1.0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.3"}]


@pytest.mark.req("R3", "A8", "D20")
@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.9", NOTHING),
        ("1.0", by_range("1.5")),
        ("1.4.9", by_range("1.5")),
        ("1.5", NOTHING),
        ("1.9", NOTHING),
        ("2.0rc1", NOTHING),
        ("2.2", by_range("2.3")),
        ("2.3", NOTHING),
    ],
)
def test_each_branch_has_its_own_fix(match, version: str, expected: MatchResult) -> None:
    assert match("PyPI", version, TWO_BRANCHES) == expected
    assert match("PyPI", version, list(reversed(TWO_BRANCHES))) == expected
    assert match("PyPI", version, TWO_BRANCHES[2:], TWO_BRANCHES[:2]) == expected


@pytest.mark.req("D20")
def test_a_branch_without_a_fix_is_not_given_the_fix_of_the_next_one(match) -> None:
    timeline = [{"introduced": "1.0"}, {"last_affected": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.3"}]

    assert match("PyPI", "1.5", timeline) == by_range("")
    assert match("PyPI", "1.5.post1", timeline) == NOTHING


@pytest.mark.req("D20")
def test_a_fix_that_another_range_affects_is_no_fix(match) -> None:
    ranges = ([{"introduced": "0"}, {"fixed": "1.5"}], [{"introduced": "1.2"}, {"fixed": "2.0"}])

    assert match("PyPI", "1.0", *ranges) == by_range("2.0")
    assert match("PyPI", "1.0", *reversed(ranges)) == by_range("2.0")
    assert match("PyPI", "1.0", ranges[0], [{"introduced": "1.2"}]) == by_range("")


def test_introduced_zero_is_below_versions_that_sort_before_zero(match) -> None:
    assert match("Debian:12", "0~~", [{"introduced": "0"}, {"fixed": "1"}]) == by_range("1")
    assert match("PyPI", "0.dev0", [{"introduced": "0"}]) == by_range()


def test_a_limit_cuts_a_range_off_and_several_limits_widen_it(match) -> None:
    assert match("PyPI", "1.9", [{"introduced": "1"}, {"limit": "2"}]) == by_range()
    assert match("PyPI", "2", [{"introduced": "1"}, {"limit": "2"}]) == NOTHING
    assert match("PyPI", "2", [{"introduced": "1"}, {"limit": "2"}, {"limit": "3"}]) == by_range()
    assert match("PyPI", "9", [{"introduced": "1"}, {"limit": "2"}, {"limit": "*"}]) == by_range()


def test_a_listed_version_matches_beside_ranges_that_miss_it(match) -> None:
    assert match("PyPI", "3.0", TWO_BRANCHES, versions=("3.0",)) == LISTED
    assert match("PyPI", "1.4", TWO_BRANCHES, versions=("1.4",)) == by_range("1.5")
    # Ranges and lists differ in 9 of 588,724 real cases; comparing keys of whole lists is not worth those.
    assert match("PyPI", "3.0.0", TWO_BRANCHES, versions=("3.0",)) == NOTHING


def test_a_listed_version_matches_in_another_spelling_where_no_range_would_catch_it(match) -> None:
    assert match("PyPI", "1.0.0", versions=("1.0",)) == LISTED
    assert match("PyPI", "1.0.1", versions=("1.0",)) == NOTHING


def test_an_ecosystem_without_an_order_matches_listed_versions_only(match) -> None:
    assert match("Hackage", "1.2", [{"introduced": "0"}], versions=("1.2",)) == LISTED
    assert match("Hackage", "1.3", [{"introduced": "0"}], versions=("1.2",)) == undecided(Doubt.UNORDERED_ECOSYSTEM)
    assert match("Hackage", "1.3", versions=("1.2",)) == NOTHING


@pytest.mark.parametrize("version", ["", "(devel)", "not a version", "\0", "1" * 10_000])
def test_an_invalid_installed_version_is_reported_and_never_guessed_at(match, version: str) -> None:
    assert match("PyPI", version, [{"introduced": "0"}]) == undecided(Doubt.INVALID_INSTALLED_VERSION)


def test_an_invalid_installed_version_still_matches_where_it_is_listed(match) -> None:
    assert match("PyPI", "(devel)", TWO_BRANCHES, versions=("(devel)",)) == LISTED


def test_an_invalid_version_in_an_advisory_spoils_its_range_only(match) -> None:
    broken = [{"introduced": "1"}, {"fixed": "one.five"}]

    assert match("PyPI", "1.2", broken) == undecided(Doubt.INVALID_ADVISORY_VERSION)
    assert match("PyPI", "1.2", broken, TWO_BRANCHES) == by_range("1.5")
    assert match("PyPI", "1.2", TWO_BRANCHES, broken) == by_range("1.5")
    assert match("PyPI", "1.2", [{"introduced": "1"}, {"limit": "?"}]) == undecided(Doubt.INVALID_ADVISORY_VERSION)


def test_a_distribution_package_is_matched_by_its_source_in_its_own_release(advisory, affects, package) -> None:
    fixed = {"Debian:11": "1.1.1w-0+deb11u1", "Debian:12": "3.0.14-1~deb12u1"}
    record = advisory(
        "DSA-1",
        affected=[affects(release, "openssl", [{"introduced": "0"}, {"fixed": fix}]) for release, fix in fixed.items()],
    )
    pairs = [(record.id, entry) for entry in record.affected]
    libssl = package("Debian:12", "libssl3", "3.0.11-1+b7", "openssl", "3.0.11-1")
    impostor = package("Debian:12", "openssl", "3.0.11-1", "another-source", "3.0.11-1")

    assert [found.fix_version for found in match_package(libssl, pairs, VersionKeys()).matches] == ["3.0.14-1~deb12u1"]
    assert match_package(impostor, pairs, VersionKeys()) == NOTHING
    assert match_package(package("Debian:13", "openssl", "3.0.11-1"), pairs, VersionKeys()) == NOTHING


def test_almalinux_advisories_name_what_is_installed(package) -> None:
    libs = package("AlmaLinux:8", "python3-libs", "3.6.8-41.el8", "python3", "3.6.8-41.el8")
    assert advised_as(libs) == (("AlmaLinux:8", "python3-libs"), "3.6.8-41.el8")


def node(package, version: str, label: str = ""):
    """nodejs of AlmaLinux 8, from the module stream of `label`."""
    purl = f"pkg:rpm/almalinux/nodejs@{version}?arch=x86_64" + (f"&rpmmod={label}:8040:522a0ee4" if label else "")
    return replace(package("AlmaLinux:8", "nodejs", version), purl=purl)


FIX_OF_14 = "1:14.21.1-2.module_el8.7.0+3370+780de57e"


@pytest.mark.req("A8", "R3")
@pytest.mark.parametrize(
    ("title", "fix", "version", "label", "matches"),
    [
        ("Important: nodejs:14 security update", FIX_OF_14, "1:14.17.5-1.module_el8.4.0+1+2", "nodejs:14", True),
        ("Important: nodejs:14 security update", FIX_OF_14, "1:12.22.5-1.module_el8.4.0+1+2", "nodejs:12", False),
        ("Important: nodejs:14 security update", FIX_OF_14, "1:10.24.0-1.el8", "", False),
        ("Important: nodejs:14 security update", FIX_OF_14, "1:12.22.5-1.module_el8.4.0+1+2", "", True),
        ("Important: nodejs security update", FIX_OF_14, "1:12.22.5-1.module_el8.4.0+1+2", "nodejs:12", True),
        ("Important: npm:8 security update", FIX_OF_14, "1:12.22.5-1.module_el8.4.0+1+2", "nodejs:12", True),
        ("Important: nodejs security update", "1:14.0-1.el8", "1:12.22.5-1.module_el8.4.0+1+2", "nodejs:12", False),
        ("Important: nodejs security update", "1:14.0-1.el8", "1:12.22.5-1.el8", "", True),
    ],
)
def test_a_package_of_a_module_is_compared_within_its_stream(
    advisory, affects, package, title: str, fix: str, version: str, label: str, *, matches: bool
) -> None:
    entry = affects("AlmaLinux:8", "nodejs", [{"introduced": "0"}, {"fixed": fix}])
    record = advisory("ALSA-2023:0050", summary=title, affected=[entry])
    pairs = [(record.id, item) for item in record.affected]
    found = match_package(node(package, version, label), pairs, VersionKeys())
    assert [match.fix_version for match in found.matches] == ([fix] if matches else [])
    assert found.undecided == ()


def test_a_flaw_without_a_fix_concerns_every_stream(advisory, affects, package) -> None:
    record = advisory("ALSA-1", affected=[affects("AlmaLinux:8", "nodejs", [{"introduced": "0"}])])
    pairs = [(record.id, item) for item in record.affected]
    installed = node(package, "1:12.22.5-1.module_el8.4.0+1+2", "nodejs:12")
    assert len(match_package(installed, pairs, VersionKeys()).matches) == 1


@pytest.mark.parametrize(
    ("advised", "installed"),
    [
        ("Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9"),
        ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("Azure Linux:3.0", "Azure Linux:3"),
        ("Rocky Linux:9", "Rocky Linux:9"),
        ("openSUSE:Leap 15.5", "openSUSE:Leap 15.5"),
        ("Photon OS:5.0", "Photon OS:5.0"),
    ],
)
def test_advisories_of_products_an_image_cannot_tell_meet_its_packages(
    advisory, affects, package, advised: str, installed: str
) -> None:
    fixed = [{"introduced": "0"}, {"fixed": "1.1.1w-2"}]
    record = advisory("X-1", affected=[affects(advised, "openssl", fixed), affects(installed, "openssl", fixed)])
    pairs = [(record.id, item) for item in record.affected]
    assert len(record.affected) == 1
    assert len(record.affected[0].ranges) == 1
    found = match_package(package(installed, "openssl", "1.1.1k-1"), pairs, VersionKeys())
    assert [match.fix_version for match in found.matches] == ["1.1.1w-2"]


# The property: evaluation equals the schema's pseudocode, written here as it stands there.

VERSIONS = ["0.dev0", "0.9", "1", "1.0", "1.0.0", "1.0.post1", "1.1rc1", "1.1", "1.2", "2.0", "2.1", "3"]
TIMELINES = st.lists(
    st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), st.sampled_from([*VERSIONS, "0"]))
    | st.tuples(st.just("limit"), st.sampled_from([*VERSIONS, "*"])),
    max_size=8,
).map(lambda events: [{kind: version} for kind, version in events])


def key(version: str) -> Any:
    pypi = find_ecosystem("PyPI")
    assert pypi is not None
    return pypi.version_key(version)


def is_vulnerable(version: str, events: list[dict[str, str]]) -> bool:
    limits = [event["limit"] for event in events if "limit" in event]
    if limits and not any(limit == "*" or key(version) < key(limit) for limit in limits):
        return False
    vulnerable = False
    for event in sorted((event for event in events if "limit" not in event), key=_event_order):
        ((kind, at),) = event.items()
        if kind == "introduced" and (at == "0" or key(version) >= key(at)):
            vulnerable = True
        elif (kind == "fixed" and key(version) >= key(at)) or (kind == "last_affected" and key(version) > key(at)):
            vulnerable = False
    return vulnerable


def _event_order(event: dict[str, str]) -> tuple[int, Any]:
    ((kind, version),) = event.items()
    return (0, ()) if (kind, version) == ("introduced", "0") else (1, key(version))


@given(st.sampled_from(VERSIONS), st.lists(TIMELINES, max_size=3))
def test_ranges_evaluate_as_the_schema_says(match, version: str, ranges: list[list[dict[str, str]]]) -> None:
    expected = any(is_vulnerable(version, events) for events in ranges)
    assert bool(match("PyPI", version, *ranges).matches) is expected


@pytest.mark.req("D20")
@given(st.sampled_from(VERSIONS), st.lists(TIMELINES, min_size=1, max_size=3))
def test_a_fix_is_the_lowest_unaffected_fixed_version_above(
    match, version: str, ranges: list[list[dict[str, str]]]
) -> None:
    fixed = {event["fixed"] for events in ranges for event in events if "fixed" in event}
    unaffected = [at for at in fixed if key(at) > key(version) and not any(is_vulnerable(at, item) for item in ranges)]

    for found in match("PyPI", version, *ranges).matches:
        if found.fix_version:
            assert key(found.fix_version) == min(map(key, unaffected))
