"""The bundled advisories are valid, true as far as they can be held against others, and about what runs."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.demo.test_catalogue import contents_of

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.match import Match, match_package
from deadlight.advisories.osv import parse_advisory
from deadlight.advisories.version_keys import VersionKeys
from deadlight.demo import catalogue
from deadlight.demo.advisories import KEPT_BACK, KEPT_BACK_CVE, load_advisories, withdrawn
from deadlight.demo.recipes import DemoImage
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.scanner import judge_applicability, load_rules

REAL_RECORDS = Path(__file__).parents[3] / "shared" / "data" / "osv-clear.jsonl.zst"
ADVISORIES = {name: parse_advisory(text.encode(), name) for name, text in load_advisories().items()}
"""By identifier."""

FLAWS = {name: advisory for name, advisory in ADVISORIES.items() if not advisory.is_malicious}
"""Without the one about a malicious package, which is made up."""

KEYS = VersionKeys()


@cache
def matches_of(image: DemoImage) -> dict[str, Match]:
    """The advisories that affect an image, with how."""
    entries = [(item.id, entry) for item in ADVISORIES.values() for entry in item.affected]
    found = [
        match for item in contents_of(image).packages for match in match_package(item.package, entries, KEYS).matches
    ]
    return {match.advisory_id: match for match in found}


def cve_of(advisory: Advisory) -> str:
    (cve,) = (name for name in advisory.aliases if name.startswith("CVE-"))
    return cve


def test_there_are_some_dozens_and_each_is_about_one_flaw_under_its_public_name():
    assert 20 <= len(FLAWS) <= 45
    for name, advisory in FLAWS.items():
        assert advisory.id == name
        assert name.startswith(f"DEMO-{cve_of(advisory)}")
        assert advisory.summary
        assert advisory.details
        assert not advisory.is_withdrawn


@pytest.mark.parametrize("name", sorted(FLAWS))
def test_each_advisory_affects_an_image_and_says_what_fixes_it(name: str):
    affecting = [image for image in catalogue.PUBLISHED if name in matches_of(image)]
    assert affecting
    fixes = {fix for entry in ADVISORIES[name].affected for fix in entry.fixed_versions}
    assert all(matches_of(image)[name].fix_version in fixes for image in affecting)


def test_images_with_all_updates_match_nothing():
    for image in (catalogue.CHECKOUT, catalogue.LEDGER, catalogue.DOCS, catalogue.STOREFRONT_NEXT):
        assert matches_of(image) == {}, image.reference


def test_a_malicious_package_is_in_one_release_and_in_nothing_else():
    (name,) = ADVISORIES.keys() - FLAWS.keys()
    assert [image for image in catalogue.PUBLISHED if name in matches_of(image)] == [catalogue.CAMPAIGNS_NEXT]
    assert matches_of(catalogue.CAMPAIGNS) == {}


def test_the_same_package_is_affected_before_its_fix_and_not_after():
    assert "DEMO-CVE-2024-6119-debian" in matches_of(catalogue.STOREFRONT)
    assert "DEMO-CVE-2020-14343" in matches_of(catalogue.CHECKOUT_OLD)
    assert "DEMO-CVE-2020-14343" not in matches_of(catalogue.CHECKOUT)


def test_the_rollout_of_the_script_gets_rid_of_everything_the_old_release_had():
    assert len(matches_of(catalogue.CHECKOUT_OLD)) > 10
    assert matches_of(catalogue.CHECKOUT) == {}


APPLICABILITY = [
    (catalogue.CHECKOUT_OLD, "CVE-2020-14343", "pyyaml", Applicability.APPLICABLE),
    (catalogue.IMPORT_WORKER, "CVE-2020-14343", "pyyaml", Applicability.NOT_APPLICABLE),
    (catalogue.INDEXER, "CVE-2020-14343", "pyyaml", Applicability.UNDETERMINED),
    (catalogue.CART, "CVE-2022-34265", "django", Applicability.APPLICABLE),
    (catalogue.GATEWAY, "CVE-2023-49083", "cryptography", Applicability.APPLICABLE),
    (catalogue.GATEWAY, "CVE-2024-26130", "cryptography", Applicability.NOT_APPLICABLE),
    (catalogue.INVOICES, "CVE-2021-28957", "lxml", Applicability.APPLICABLE),
    (catalogue.MAILER, "CVE-2024-56326", "jinja2", Applicability.APPLICABLE),
    (catalogue.RECOMMENDER, "CVE-2022-21797", "joblib", Applicability.APPLICABLE),
    (catalogue.THUMBNAILER, KEPT_BACK_CVE, "pillow", Applicability.APPLICABLE),
    (catalogue.GATEWAY, "CVE-2024-6345", "setuptools", Applicability.NOT_APPLICABLE),
    (catalogue.THUMBNAILER, "CVE-2023-44271", "pillow", Applicability.NOT_COVERED),
]


@pytest.mark.req("D19")
@pytest.mark.parametrize(
    ("image", "cve", "name", "status"), APPLICABILITY, ids=[f"{row[1]} {row[3]}" for row in APPLICABILITY]
)
def test_the_companys_code_decides_what_is_applicable(image: DemoImage, cve: str, name: str, status: Applicability):
    contents = contents_of(image)
    package = next(item.package for item in contents.packages if item.package.name == name)
    assert judge_applicability(load_rules(), contents.calls, {cve}, package).status is status


def test_the_one_that_is_kept_back_is_critical_and_about_a_package_that_runs():
    assert ADVISORIES[KEPT_BACK].severity is Severity.CRITICAL
    assert KEPT_BACK in matches_of(catalogue.THUMBNAILER)


def test_a_record_can_be_taken_back():
    again = parse_advisory(withdrawn(load_advisories()[KEPT_BACK]).encode(), "withdrawn")
    assert again.is_withdrawn
    assert again.id == KEPT_BACK


def real_records() -> Iterator[dict[str, Any]]:
    if not REAL_RECORDS.exists():
        pytest.skip(f"{REAL_RECORDS} is absent: nothing to hold the bundled advisories against")
    with REAL_RECORDS.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        for line in stream.read().splitlines():
            if b"PYSEC-" in line[:300]:
                yield json.loads(line)


def boundaries(record: dict[str, Any]) -> list[tuple[str, str]]:
    ranges = [each for entry in record["affected"] for each in entry.get("ranges", []) if each["type"] != "GIT"]
    return sorted(pair for each in ranges for event in each["events"] for pair in event.items())


def test_identifiers_and_ranges_of_python_packages_are_those_of_the_public_database():
    mine = {name: item for name, item in FLAWS.items() if item.affected[0].ecosystem == "PyPI"}
    wanted = {alias: name for name, item in mine.items() for alias in item.aliases if alias.startswith("PYSEC-")}
    assert len(wanted) == len(mine)
    real = {record["id"]: record for record in real_records() if record["id"] in wanted}
    assert real.keys() == wanted.keys()
    for identifier, record in real.items():
        document = json.loads(load_advisories()[wanted[identifier]])
        assert set(record["aliases"]) <= set(document["aliases"])
        assert boundaries(record) == boundaries(document), identifier
        published = {entry["score"] for entry in record.get("severity", [])}
        assert not published or {entry["score"] for entry in document["severity"]} <= published
