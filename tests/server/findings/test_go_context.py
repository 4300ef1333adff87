"""Vulnerabilities of Go modules are judged by what was linked into the programs of an image."""

from typing import Any

import pytest
from tests.scanner.layer_builder import LayerBuilder
from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.go_programs import FIRST_LAYOUT, GO_1_20, go_program
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.rematching import follow_advisories

from deadlight.model.package import InstalledPackage
from deadlight.scanner import squash
from deadlight.server.findings.service import Said, assess_image

FLAW = "CVE-2026-0001"
MODULE = "example.com/html"
HTML = package(MODULE, "v0.3.0", "Go", purl=f"pkg:golang/{MODULE}@v0.3.0")
SHOP, TOOL = "usr/bin/shop", "usr/bin/tool"
PARSES, ESCAPES = "example.com/html.Parse", "example.com/html.Escape"


def record(id_: str = "GO-2026-0001", *symbols: str, alias: str = FLAW) -> dict[str, Any]:
    found = osv(id_, MODULE, ecosystem="Go", fixed="0.4.0", severity=CRITICAL, aliases=[alias])
    if symbols:
        found["affected"][0]["ecosystem_specific"] = {"imports": [{"path": MODULE, "symbols": symbols}]}
    return found


async def scanned(fleet: Fleet, *packages: InstalledPackage, layout: int = GO_1_20, **programs: str) -> Stored:
    """An image with these packages; its programs in /usr/bin have one function each."""
    layer = LayerBuilder()
    for name, function in programs.items():
        layer.file(f"usr/bin/{name}", go_program([function], layout=layout), mode=0o755)
    image = await fleet.add_image(*packages, calls=squash([layer.scan()]).calls)
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    return image


async def judged(fleet: Fleet) -> dict[str, Any]:
    rows = await fleet.rows(
        "SELECT name, applicability.* FROM applicability JOIN vulnerability ON vulnerability.id = vulnerability_id"
    )
    return {row.name: row for row in rows}


@pytest.mark.req("A9", "D19")
@pytest.mark.parametrize(
    ("function", "symbols", "status"),
    [
        (PARSES, ["Parse"], "applicable"),
        (ESCAPES, ["Parse"], "not_applicable"),
        (PARSES, [], "undetermined"),
    ],
)
async def test_a_function_that_is_linked_applies(fleet: Fleet, function: str, symbols: list[str], status: str) -> None:
    await import_records(fleet.engine, record("GHSA-1"), record("GO-2026-0001", *symbols))
    image = await scanned(fleet, installed(HTML, location=SHOP), shop=function)
    found = (await judged(fleet))[FLAW]
    assert found.status == status
    (risk,) = await fleet.rows("SELECT * FROM image_risk WHERE image_id = :id", id=image.image_id)
    assert risk.critical_applicable == (status == "applicable")
    if status == "applicable":
        (place,) = found.evidence
        assert place == {"path": "/usr/bin/shop", "line": 0, "call": PARSES, "rule_id": "GO-2026-0001"}


async def test_every_program_that_has_the_module_counts_and_no_other(fleet: Fleet) -> None:
    await import_records(fleet.engine, record("GO-2026-0001", "Parse"), record("GO-2026-0002", "Walk", alias="GHSA-2"))
    shop, tool = installed(HTML, location=SHOP), installed(HTML, location=TOOL)
    await scanned(fleet, shop, tool, shop=ESCAPES, tool=PARSES, other="example.com/html.Walk")
    found = await judged(fleet)
    assert {name: row.status for name, row in found.items()} == {FLAW: "applicable", "GHSA-2": "not_applicable"}
    assert [place["path"] for place in found[FLAW].evidence] == ["/usr/bin/tool"]


async def test_a_program_that_could_not_be_read_leaves_it_undetermined(fleet: Fleet) -> None:
    await import_records(fleet.engine, record("GO-2026-0001", "Parse"))
    await scanned(fleet, installed(HTML, location=SHOP), installed(HTML, location=TOOL), shop=ESCAPES)
    assert (await judged(fleet))[
        FLAW
    ].reason == "It cannot be told, for the functions of /usr/bin/tool could not be read."


async def test_an_old_program_can_only_be_applicable(fleet: Fleet) -> None:
    await import_records(fleet.engine, record("GO-2026-0001", "Parse"))
    await scanned(fleet, installed(HTML, location=SHOP), layout=FIRST_LAYOUT, shop=ESCAPES)
    assert (await judged(fleet))[FLAW].status == "undetermined"


async def test_what_go_s_database_does_not_match_is_not_covered(fleet: Fleet) -> None:
    await import_records(fleet.engine, record("GHSA-1"))
    await scanned(fleet, installed(HTML, location=SHOP), shop=PARSES)
    assert await judged(fleet) == {}


async def test_an_advisory_that_comes_to_name_functions_has_images_judged_anew(fleet: Fleet) -> None:
    await import_records(fleet.engine, record("GO-2026-0001"))
    await scanned(fleet, installed(HTML, location=SHOP), shop=ESCAPES)
    assert (await judged(fleet))[FLAW].status == "undetermined"
    await fleet.forget_events()
    await import_records(fleet.engine, record("GO-2026-0001", "Parse"))
    for _, data in await fleet.events("AdvisoriesChanged"):
        said = Said(data["advisory_ids"], data["vulnerability_ids"])
        await follow_advisories(fleet.engine, [tuple(bucket) for bucket in data["buckets"]], said)
    assert (await judged(fleet))[FLAW].status == "not_applicable"
