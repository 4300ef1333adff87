"""An import writes what changed, says what has to be matched again and loses nothing over a bad record."""

import asyncio
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.osv import CRITICAL, import_records, osv

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.document import Document, Rejected
from deadlight.server.advisories.service import (
    BUCKETS_PER_EVENT,
    import_advisories,
    parse_documents,
    remove_source,
)

GOOD = osv("CVE-2026-0001", "openssl", fixed="3.0.2-1")
OTHER = osv("CVE-2026-0002", "bash")


async def names(fleet: Fleet) -> list[str]:
    return [row.name for row in await fleet.rows("SELECT name FROM vulnerability ORDER BY name")]


async def buckets(fleet: Fleet) -> list[list[str]]:
    """What the recorded events say is to be matched again."""
    return [bucket for _, data in await fleet.events("AdvisoriesChanged") for bucket in data["buckets"]]


def counts(result: Any) -> dict[str, int]:
    """The counters that are not zero."""
    return {name: getattr(result, name) for name in result.__dataclass_fields__ if getattr(result, name)}


# --- what changed ----------------------------------------------------------------------------------------


@pytest.mark.req("R15")
async def test_new_advisories_are_stored_and_what_they_concern_is_told(fleet: Fleet) -> None:
    result = await import_records(fleet.engine, GOOD, OTHER)
    assert counts(result) == {"added": 2}
    assert await names(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]
    assert await buckets(fleet) == [["Debian:12", "bash"], ["Debian:12", "openssl"]]
    (noted,) = await fleet.rows("SELECT * FROM advisory_import")
    assert (noted.source, noted.added, noted.rejections) == ("test", 2, [])


async def test_importing_again_changes_nothing_and_tells_nobody(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD, OTHER)
    before = await fleet.rows("SELECT xmin, * FROM advisory ORDER BY id")
    rows = await fleet.rows("SELECT xmin, * FROM vulnerability ORDER BY id")
    await fleet.forget_events()
    assert counts(await import_records(fleet.engine, GOOD, OTHER)) == {"unchanged": 2}
    assert await fleet.rows("SELECT xmin, * FROM advisory ORDER BY id") == before
    assert await fleet.rows("SELECT xmin, * FROM vulnerability ORDER BY id") == rows
    assert await fleet.events() == []


@pytest.mark.req("R15")
async def test_only_what_a_changed_advisory_concerns_is_told(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD, OTHER)
    await fleet.forget_events()
    changed = osv("CVE-2026-0001", "openssl", fixed="3.0.3-1")
    assert counts(await import_records(fleet.engine, changed, OTHER)) == {"changed": 1, "unchanged": 1}
    assert await buckets(fleet) == [["Debian:12", "openssl"]]


async def test_a_package_that_an_advisory_leaves_is_matched_again_too(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD)
    await fleet.forget_events()
    await import_records(fleet.engine, osv("CVE-2026-0001", "openssl3", fixed="3.0.2-1"))
    assert await buckets(fleet) == [["Debian:12", "openssl"], ["Debian:12", "openssl3"]]
    assert [row.name for row in await fleet.rows("SELECT name FROM affected")] == ["openssl3"]


@pytest.mark.req("R15")
async def test_a_withdrawn_advisory_affects_nothing_any_more(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD)
    await fleet.forget_events()
    withdrawn = GOOD | {"withdrawn": "2026-02-01T00:00:00Z"}
    assert counts(await import_records(fleet.engine, withdrawn)) == {"withdrawn": 1}
    assert not await fleet.rows("SELECT FROM affected")
    assert await buckets(fleet) == [["Debian:12", "openssl"]]
    assert counts(await import_records(fleet.engine, GOOD)) == {"changed": 1}
    assert len(await fleet.rows("SELECT FROM affected")) == 1


async def test_a_severity_that_changes_is_told_to_all_that_share_the_vulnerability(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD, osv("DSA-1-1", "libssl", upstream=["CVE-2026-0001"], severity=""))
    await fleet.forget_events()
    await import_records(fleet.engine, osv("CVE-2026-0001", "openssl", fixed="3.0.2-1", severity=CRITICAL))
    assert await buckets(fleet) == [["Debian:12", "libssl"], ["Debian:12", "openssl"]]


async def test_of_two_records_with_one_name_the_first_counts(fleet: Fleet) -> None:
    twice = [osv("CVE-2026-0001", summary="first"), osv("CVE-2026-0001", summary="second")]
    assert counts(await import_records(fleet.engine, *twice)) == {"added": 1, "unchanged": 1}
    (row,) = await fleet.rows("SELECT summary FROM vulnerability")
    assert row.summary == "first"


async def test_many_packages_are_told_in_parts(fleet: Fleet) -> None:
    count = BUCKETS_PER_EVENT * 2 + 1
    await import_records(fleet.engine, *(osv(f"CVE-2026-{number:04}", f"p{number}") for number in range(count)))
    sizes = [len(data["buckets"]) for _, data in await fleet.events("AdvisoriesChanged")]
    assert sizes == [BUCKETS_PER_EVENT, BUCKETS_PER_EVENT, 1]


async def test_imports_at_the_same_time_come_to_what_one_after_the_other_does(fleet: Fleet) -> None:
    def record(number: int) -> dict[str, Any]:
        return osv(f"GHSA-{number}", f"p{number}", aliases=["CVE-2026-0001"])

    await asyncio.gather(*(import_records(fleet.engine, record(number)) for number in range(6)))
    assert await names(fleet) == ["CVE-2026-0001"]
    assert len(await fleet.rows("SELECT FROM advisory_vulnerability")) == 6


async def test_an_import_that_is_rolled_back_never_was(fleet: Fleet) -> None:
    advisories, rejected = parse_documents([Document("one", json.dumps(GOOD).encode())])
    async with fleet.engine.connect() as connection:
        await import_advisories(connection, "test", advisories, rejected)
        await connection.rollback()
    for table in ("advisory", "affected", "vulnerability", "vulnerability_alias", "advisory_import", "event"):
        assert not await fleet.rows(f"SELECT FROM {table}")


async def test_removing_a_source_leaves_what_others_say(fleet: Fleet) -> None:
    await import_records(fleet.engine, GOOD, OTHER)
    await import_records(fleet.engine, osv("GHSA-1", "libssl", aliases=["CVE-2026-0001"]), source="other")
    await fleet.forget_events()
    async with fleet.engine.begin() as connection:
        assert await remove_source(connection, "test") == 2
    assert await names(fleet) == ["CVE-2026-0001"]
    assert [row.id for row in await fleet.rows("SELECT id FROM advisory")] == ["GHSA-1"]
    assert set(map(tuple, await buckets(fleet))) >= {("Debian:12", "openssl"), ("Debian:12", "bash")}


# --- records that are none -------------------------------------------------------------------------------

BAD = {
    "not JSON": "<html>Sign in</html>",
    "not OSV": '{"name": "left-pad"}',
    "an identifier that is none": '{"id": "7"}',
    "an impossible time": json.dumps(osv("CVE-2026-0009", modified="yesterday")),
    "a list": "[]",
    "deep": "[" * 100_000,
    "empty": "",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
async def test_a_record_that_is_not_osv_is_named_and_the_rest_is_imported(fleet: Fleet, content: str) -> None:
    result = await import_records(fleet.engine, GOOD, content, OTHER)
    assert counts(result) == {"added": 2, "rejected": 1, "rejections": result.rejections}
    (reason,) = result.rejections
    assert reason.startswith("record 2: not OSV: ")
    assert await names(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]
    (noted,) = await fleet.rows("SELECT * FROM advisory_import")
    assert (noted.rejected, noted.rejections) == (1, [reason])


@pytest.mark.parametrize("collection", ["folder", "zip", "jsonl"])
async def test_a_bad_file_of_a_collection_is_named_and_the_rest_is_imported(
    fleet: Fleet, tmp_path: Path, collection: str
) -> None:
    path, origin = write_collection(tmp_path, collection)
    items = list(read_advisories(path))
    advisories = [item for item in items if isinstance(item, Advisory)]
    rejected = [item for item in items if isinstance(item, Rejected)]
    async with fleet.engine.begin() as connection:
        result = await import_advisories(connection, "test", advisories, rejected)
    assert counts(result) == {"added": 2, "rejected": 1, "rejections": result.rejections}
    assert result.rejections[0].startswith(f"{origin}: not OSV: ")
    assert await names(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]


def write_collection(folder: Path, kind: str) -> tuple[Path, str]:
    """A collection whose second record is a login page, and what that is called."""
    contents = {"a.json": json.dumps(GOOD), "b.json": BAD["not JSON"], "c.json": json.dumps(OTHER)}
    path = folder / "osv"
    match kind:
        case "folder":
            path.mkdir()
            for name, content in contents.items():
                (path / name).write_text(content)
            return path, "osv:b.json"
        case "zip":
            path = path.with_suffix(".zip")
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            return path, "osv.zip:b.json"
        case _:
            path = path.with_suffix(".jsonl")
            path.write_text("\n".join(contents.values()))
            return path, "osv.jsonl:2"


async def test_notices_of_no_vulnerability_are_counted_apart(fleet: Fleet) -> None:
    result = await import_records(fleet.engine, osv("ALBA-2026:1"), GOOD)
    assert counts(result) == {"added": 1, "not_security": 1}


async def test_of_many_bad_records_a_hundred_are_named_and_all_are_counted(fleet: Fleet) -> None:
    result = await import_records(fleet.engine, *["nonsense"] * 150, GOOD)
    assert (result.rejected, len(result.rejections), result.added) == (150, 100, 1)


def rare(length: int) -> str:
    """A text that no compression makes shorter, three bytes for each character."""
    return "".join(chr(Random(length + number).randrange(0x4E00, 0x9FFF)) for number in range(length))


ODD = {
    "zero bytes": osv("CVE-2026-0005", "zero\0byte", summary="zero\0byte", details="\\u0000"),
    "half a surrogate pair": osv("CVE-2026-0005", "a\u2028b", summary="\ud800"),
    "long package name": osv("CVE-2026-0005", rare(1000)),
    "long ecosystem": osv("CVE-2026-0005", ecosystem=f"Debian:{rare(1000)}"),
    "long alias": osv("CVE-2026-0005", aliases=[rare(256)]),
    "end of time": osv("CVE-2026-0005", published="9999-12-31T23:59:59Z", modified="0002-01-01T00:00:00Z"),
    "before time": osv("CVE-2026-0005", published="0001-01-01T00:00:00+23:59"),
    "long summary": osv("CVE-2026-0005", summary="x" * 3_000_000),
}


@pytest.mark.parametrize("record", ODD.values(), ids=ODD.keys())
async def test_an_odd_record_costs_no_other(fleet: Fleet, record: dict[str, Any]) -> None:
    result = await import_records(fleet.engine, GOOD, record, OTHER)
    assert result.added + result.rejected == 3
    assert all(reason.startswith("record 2: ") for reason in result.rejections)
    assert set(await names(fleet)) >= {"CVE-2026-0001", "CVE-2026-0002"}
