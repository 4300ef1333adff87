"""Packages are matched with advisories in memory as the service matches them."""

import json

from tests.support.osv import CRITICAL, HIGH, osv

from deadlight.advisories.findings import find_vulnerabilities
from deadlight.advisories.osv import parse_advisory
from deadlight.model.package import Package
from deadlight.model.vulnerability import Severity

OPENSSL = Package("Debian:12", "libssl3", "3.0.1-1", "pkg:deb/debian/libssl3@3.0.1-1", "openssl", "3.0.1-1")
FLASK = Package("PyPI", "flask", "2.0.0", "pkg:pypi/flask@2.0.0", "flask", "2.0.0")


def advisories(*records: dict[str, object]):
    return [parse_advisory(json.dumps(record).encode(), str(record["id"])) for record in records]


def test_advisories_of_one_flaw_are_one_finding_with_all_that_they_say() -> None:
    known = advisories(
        osv("GHSA-1", "flask", ecosystem="PyPI", fixed="2.1.0", aliases=["CVE-2026-0001"], severity=CRITICAL),
        osv("PYSEC-1", "flask", ecosystem="PyPI", fixed="2.0.5", aliases=["CVE-2026-0001"], severity=""),
        osv("CVE-2026-0002", "openssl", fixed="3.0.2-1", severity=HIGH),
        osv("CVE-2026-0003", "openssl", fixed="3.0.1-1"),
        osv("CVE-2026-0004", "curl"),
    )
    first, second = find_vulnerabilities([FLASK, OPENSSL, FLASK], known)
    assert (first.package, first.vulnerability.id, first.vulnerability.severity) == (
        FLASK,
        "CVE-2026-0001",
        Severity.CRITICAL,
    )
    assert (first.fix_versions, first.advisory_ids) == (("2.0.5", "2.1.0"), ("GHSA-1", "PYSEC-1"))
    assert (second.package, second.vulnerability.id, second.fix_versions) == (OPENSSL, "CVE-2026-0002", ("3.0.2-1",))


def test_a_notice_of_several_flaws_is_a_finding_for_each() -> None:
    known = advisories(osv("DSA-1", "openssl", fixed="3.0.2-1", related=["CVE-2026-0001", "CVE-2026-0002"]))
    found = find_vulnerabilities([OPENSSL], known)
    assert [(item.vulnerability.id, item.advisory_ids) for item in found] == [
        ("CVE-2026-0001", ("DSA-1",)),
        ("CVE-2026-0002", ("DSA-1",)),
    ]


def test_of_two_records_with_one_id_the_later_counts_also_where_it_takes_the_first_back() -> None:
    record = osv("CVE-2026-0002", "openssl")
    withdrawn = {**record, "withdrawn": "2026-02-01T00:00:00Z"}
    assert find_vulnerabilities([OPENSSL], advisories(record, withdrawn)) == ()
    assert len(find_vulnerabilities([OPENSSL], advisories(withdrawn, record))) == 1
