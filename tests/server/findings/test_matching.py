"""Matches are opened, kept and closed, and a package is matched once for all images that have it."""

import asyncio

import msgspec
import pytest
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import import_records, osv

from deadlight.server.findings.matching import (
    MATCHER_STATE,
    list_packages_in_buckets,
    list_unmatched_packages,
    match_packages,
)

OPENSSL = package("openssl", "3.0.1-1")


async def ids(fleet: Fleet) -> dict[str, int]:
    return {row.name: row.id for row in await fleet.rows("SELECT id, name FROM package")}


async def match(fleet: Fleet, *package_ids: int) -> set[int]:
    """The packages whose matches changed."""
    async with fleet.engine.begin() as connection:
        return {package_id for package_id, _ in await match_packages(connection, package_ids)}


async def test_a_package_of_many_images_is_matched_once(fleet: Fleet) -> None:
    first = await fleet.add_image(installed(OPENSSL))
    second = await fleet.add_image(installed(OPENSSL), repository="shop/other")
    known = (await ids(fleet))["openssl"]
    async with fleet.engine.begin() as connection:
        assert await list_unmatched_packages(connection, first.image_id) == [known]
        await match_packages(connection, [known])
        assert await list_unmatched_packages(connection, second.image_id) == []


async def test_another_matcher_matches_everything_again(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(OPENSSL))
    known = (await ids(fleet))["openssl"]
    await match(fleet, known)
    await fleet.rows("UPDATE package_match_state SET matcher_state = 'older'")
    async with fleet.engine.begin() as connection:
        assert await list_unmatched_packages(connection, image.image_id) == [known]
    await match(fleet, known)
    (state,) = await fleet.rows("SELECT matcher_state FROM package_match_state")
    assert state.matcher_state == MATCHER_STATE


async def test_matching_says_which_packages_changed(fleet: Fleet) -> None:
    await fleet.add_image(installed(OPENSSL), installed(package("bash")))
    known = await ids(fleet)
    await import_records(fleet.engine, osv("CVE-2026-1001", fixed="3.0.2-1"))
    assert await match(fleet, *known.values()) == {known["openssl"]}
    assert await match(fleet, *known.values()) == set()
    await import_records(fleet.engine, osv("CVE-2026-1001", fixed="3.0.3-1"))
    assert await match(fleet, *known.values()) == set()  # it is mended all the same
    await import_records(fleet.engine, osv("CVE-2026-1001"))
    assert await match(fleet, *known.values()) == {known["openssl"]}
    assert await match(fleet) == set()


async def test_advisories_for_other_versions_alone_are_not_even_read(fleet: Fleet) -> None:
    await fleet.add_image(installed(OPENSSL))
    known = (await ids(fleet))["openssl"]
    await import_records(fleet.engine, osv("CVE-2026-1001", fixed="3.0.2-1"), osv("CVE-2026-1002", fixed="2.9-1"))
    await fleet.rows("UPDATE affected SET document = '{}' WHERE advisory_id = 'CVE-2026-1002'")
    assert await match(fleet, known) == {known}
    await fleet.rows("UPDATE affected SET order_state = 0")
    with pytest.raises(msgspec.ValidationError):  # of another order of versions nothing is left out
        await match(fleet, known)


async def test_advisories_concern_packages_by_their_own_name_and_their_source_s(fleet: Fleet) -> None:
    library = package("libssl3", source_name="openssl")
    await fleet.add_image(
        installed(library), installed(package("bash")), installed(package("openssl", ecosystem="PyPI"))
    )
    known = {row.purl: row.id for row in await fleet.rows("SELECT id, purl FROM package")}
    async with fleet.engine.connect() as connection:
        assert await list_packages_in_buckets(connection, [("Debian:12", "openssl")]) == [known[library.purl]]
        assert await list_packages_in_buckets(connection, [("Debian:11", "openssl")]) == []
        assert await list_packages_in_buckets(connection, []) == []


async def test_two_who_match_the_same_packages_do_not_block_each_other_for_ever(fleet: Fleet) -> None:
    names = [f"p{number}" for number in range(20)]
    await fleet.add_image(*(installed(package(name)) for name in names))
    await import_records(fleet.engine, *(osv(f"CVE-2026-10{number:02}", name) for number, name in enumerate(names)))
    known = list((await ids(fleet)).values())
    changed = await asyncio.gather(match(fleet, *known), match(fleet, *known[::-1]))
    assert sorted(map(len, changed)) == [0, 20]
