"""What a scanner states is found again among an image's packages, by any name and version it may use for them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.package import Package
from deadlight.model.vulnerability import Severity
from deadlight.registry.statements import AffectedComponent, Component, Issue, Statement
from deadlight.server.findings.stated import advisory_of, choose_fix, place

SOURCE = "xray:art.example.com"
LIBSSL = Package("Debian:12", "libssl3", "3.0.11-1", "pkg:deb/debian/libssl3@3.0.11-1", "openssl", "3.0.11-1")
GIT = Package("Debian:12", "git", "1:2.39.2-1", "pkg:deb/debian/git@1:2.39.2-1", "git", "1:2.39.2-1")
FLASK = Package("PyPI", "flask", "3.0", "pkg:pypi/flask@3.0", "flask", "3.0")
PACKAGES = [LIBSSL, GIT, FLASK]


def flaw(*affected: AffectedComponent, number: int = 1, **more: object) -> Issue:
    return Issue(f"XRAY-{number}", Severity.HIGH, affected, **more)  # type: ignore[arg-type]  # what a test wants of it


@pytest.mark.parametrize(
    ("component", "package"),
    [
        (Component("Debian", "openssl", "3.0.11-1"), LIBSSL),
        (Component("Debian", "libssl3", "3.0.11-1"), LIBSSL),
        (Component("Ubuntu", "libssl3", "3.0.11-1"), LIBSSL),
        (Component("Debian", "git", "2.39.2-1"), GIT),
        (Component("Debian", "git", "1:2.39.2-1"), GIT),
        (Component("PyPI", "flask", "3.0.0"), FLASK),
        (Component("", "flask", ""), FLASK),
        (Component("Debian", "openssl", "3.0.12-1"), None),
        (Component("npm", "flask", "3.0"), None),
        (Component("PyPI", "libssl3", "3.0.11-1"), None),
    ],
)
def test_a_component_is_the_package_that_it_names(component: Component, package: Package | None) -> None:
    placed = place(Statement(issues=(flaw(AffectedComponent(component)),)), SOURCE, PACKAGES, "Debian:12")
    assert [item for item in PACKAGES if item in placed.matches] == ([package] if package else [])


def test_what_nothing_in_the_image_is_comes_as_a_package_of_its_own() -> None:
    told = (Component("Debian", "zlib", "1.2"), Component("Maven", "org.x:y", "1"), Component("", "zlib", "1.2.13"))
    placed = place(Statement(components=told), SOURCE, PACKAGES, "Debian:12")
    assert [(item.ecosystem, item.purl) for item in placed.told] == [
        ("Debian:12", "pkg:deb/debian/zlib@1.2"),
        ("Maven", "pkg:maven/org.x/y@1"),
        ("", "pkg:generic/zlib@1.2.13"),
    ]


def test_what_makes_no_purl_or_too_long_a_one_is_no_package() -> None:
    told = (Component("npm", "/", "1"), Component("npm", "a" * 900, "1"))
    assert place(Statement(components=told), SOURCE, PACKAGES, "Debian:12").told == ()


def test_an_issue_about_nothing_that_can_be_told_is_counted() -> None:
    placed = place(Statement(issues=(flaw(AffectedComponent(Component("Go", "stdlib", ""))),)), SOURCE, PACKAGES, "")
    assert (placed.matches, placed.told, placed.unplaced) == ({}, (), 1)


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        (("3.0.12-1", "3.0.13-1"), "3.0.12-1"),
        (("3.1.0-1", "1.1.1w-1", "3.0.12-1"), "3.0.12-1"),
        (("1.1.1w-1",), ""),
        (("soon enough",), "soon enough"),
        ((), ""),
    ],
)
def test_the_fix_is_the_next_version_without_the_flaw(fixed: tuple[str, ...], expected: str) -> None:
    assert choose_fix(LIBSSL, AffectedComponent(Component("Debian", "libssl3", "3.0.11-1"), fixed)) == expected


def test_an_issue_with_several_cves_joins_none_of_them() -> None:
    one = advisory_of(flaw(cves=("CVE-2026-0001",)), SOURCE)
    assert (one.id, one.aliases) == ("XRAY-1@art.example.com", ("XRAY-1", "CVE-2026-0001"))
    assert one.buckets == {(SOURCE, "XRAY-1")}
    malicious = advisory_of(flaw(malicious=True), SOURCE)
    assert (malicious.is_malicious, malicious.severity) == (True, Severity.CRITICAL)
    assert malicious.content_hash != one.content_hash


LETTERS = ":.-1a\x00\u202e/"
COMPONENTS = st.builds(
    Component,
    st.sampled_from(["", "Debian", "rpm", "PyPI", "Go", "nonsense"]),
    st.text(LETTERS, max_size=6),
    st.text(LETTERS, max_size=6),
)
ISSUES = st.builds(
    flaw, st.builds(AffectedComponent, COMPONENTS, st.lists(st.text(LETTERS, max_size=5), max_size=3).map(tuple))
)


@given(st.lists(COMPONENTS, max_size=5), st.lists(ISSUES, max_size=5), st.sampled_from(["", "Debian:12", "odd"]))
def test_no_statement_makes_it_fail(components: list[Component], issues: list[Issue], distribution: str) -> None:
    placed = place(Statement(tuple(components), tuple(issues)), SOURCE, PACKAGES, distribution)
    assert placed.matches.keys() <= {*PACKAGES, *placed.told}


def test_many_versions_of_one_name_are_placed_in_time_that_grows_with_their_number_alone() -> None:
    components = tuple(Component("npm", "left-pad", f"1.0.{number}") for number in range(5_000))
    issues = tuple(flaw(AffectedComponent(item), number=number) for number, item in enumerate(components))
    everywhere = tuple(
        flaw(AffectedComponent(Component("npm", "left-pad", "")), number=number) for number in range(10_000, 10_100)
    )
    began = time.process_time()
    placed = place(Statement(components, issues + everywhere), SOURCE, (), "")
    assert time.process_time() - began < 10
    assert (len(placed.told), len(placed.matches)) == (5_000, 5_000)
