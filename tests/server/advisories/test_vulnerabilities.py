"""Vulnerabilities follow their advisories: joined by names, parted again, and never two flaws in one."""

from collections.abc import Mapping
from typing import Any

from tests.support.fleet import Fleet
from tests.support.osv import CRITICAL, LOW, MEDIUM, import_records, osv

FIRST, SECOND = "CVE-2026-1001", "CVE-2026-1002"


async def groups(fleet: Fleet) -> Mapping[str, list[str]]:
    """The advisories of each vulnerability, by its name."""
    rows = await fleet.rows(
        """
        SELECT name, array_agg(advisory_id ORDER BY advisory_id) AS advisories FROM vulnerability
        JOIN advisory_vulnerability ON vulnerability_id = vulnerability.id GROUP BY name ORDER BY name
        """
    )
    return {row.name: row.advisories for row in rows}


async def vulnerability(fleet: Fleet, name: str = FIRST) -> Any:
    (row,) = await fleet.rows("SELECT * FROM vulnerability WHERE name = :name", name=name)
    return row


async def test_advisories_of_one_flaw_are_one_vulnerability_named_by_its_cve(fleet: Fleet) -> None:
    await import_records(
        fleet.engine,
        osv("GHSA-aaaa-bbbb-cccc", "flask", ecosystem="PyPI", aliases=[FIRST], severity=CRITICAL),
        osv("PYSEC-2026-7", "flask", ecosystem="PyPI", aliases=[FIRST, "GHSA-aaaa-bbbb-cccc"], severity=""),
        osv("DEBIAN-CVE-2026-1001", "flask", upstream=[FIRST], severity=""),
    )
    assert await groups(fleet) == {FIRST: ["DEBIAN-CVE-2026-1001", "GHSA-aaaa-bbbb-cccc", "PYSEC-2026-7"]}
    row = await vulnerability(fleet)
    assert set(row.aliases) >= {"GHSA-aaaa-bbbb-cccc", "PYSEC-2026-7"}
    assert (row.severity, row.severity_rank, row.cvss_score, row.cvss_vector) == ("Critical", 4, 9.8, CRITICAL)


async def test_an_alias_that_comes_later_joins_what_was_two(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv("GHSA-1111-1111-1111"), osv("PYSEC-2026-1"))
    assert len(await groups(fleet)) == 2
    await import_records(fleet.engine, osv("PYSEC-2026-1", aliases=["GHSA-1111-1111-1111"]))
    assert list((await groups(fleet)).values()) == [["GHSA-1111-1111-1111", "PYSEC-2026-1"]]


async def test_an_alias_that_is_taken_back_parts_them_again(fleet: Fleet) -> None:
    joined = osv("PYSEC-2026-1", aliases=["GHSA-1111-1111-1111"])
    await import_records(fleet.engine, osv("GHSA-1111-1111-1111"), joined)
    await import_records(fleet.engine, osv("PYSEC-2026-1"))
    assert await groups(fleet) == {
        "GHSA-1111-1111-1111": ["GHSA-1111-1111-1111"],
        "PYSEC-2026-1": ["PYSEC-2026-1"],
    }


async def test_a_notice_of_two_flaws_takes_part_in_each_and_joins_none(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FIRST), osv(SECOND), osv("DSA-1-1", upstream=[FIRST, SECOND]))
    assert await groups(fleet) == {FIRST: [FIRST, "DSA-1-1"], SECOND: [SECOND, "DSA-1-1"]}


async def test_a_vulnerability_keeps_its_row_when_it_gets_its_cve(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv("GHSA-1111-1111-1111"))
    before = await vulnerability(fleet, "GHSA-1111-1111-1111")
    await import_records(fleet.engine, osv("GHSA-1111-1111-1111", aliases=[FIRST]))
    assert (await vulnerability(fleet)).id == before.id


async def test_a_severity_follows_its_advisory(fleet: Fleet) -> None:
    for severity, word in ((LOW, "Low"), (MEDIUM, "Medium"), ("", "Unknown")):
        await import_records(fleet.engine, osv(FIRST, severity=severity))
        assert (await vulnerability(fleet)).severity == word


async def test_a_malicious_package_is_known_as_one(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv("MAL-2026-1", "left-pad", ecosystem="PyPI", severity=""))
    assert (await vulnerability(fleet, "MAL-2026-1")).malicious
