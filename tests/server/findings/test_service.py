"""Findings follow advisories, scans and sensors, and nothing is touched that is not concerned."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from tests.scanner.layer_builder import LayerBuilder
from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.osv import CRITICAL, LOW, import_records, osv
from tests.support.rematching import follow_advisories

from deadlight.model.event import EventType
from deadlight.model.vulnerability import Stage
from deadlight.scanner import FirstPartyCode, squash
from deadlight.server.advisories.service import remove_source
from deadlight.server.events.outbox import Event
from deadlight.server.findings.handlers import rematch_changed_advisories
from deadlight.server.findings.jobs import RefreshConcerned, RematchBuckets, run_refresh_concerned, run_rematch_buckets
from deadlight.server.findings.risk import unpack
from deadlight.server.findings.service import Said, assess_image, assessment_state, refresh_images
from deadlight.server.jobs.queue import J
from deadlight.server.services import Services

FLAW = "CVE-2026-0001"
OPENSSL, BASH = package("openssl", "3.0.1-1"), package("bash", "5.2-1")
ON_OPENSSL, ON_BASH = ("Debian:12", "openssl"), ("Debian:12", "bash")

PYYAML = package("pyyaml", "5.0", "PyPI")
LOADING = osv("CVE-2017-18342", "pyyaml", ecosystem="PyPI", fixed="5.1", severity=CRITICAL)
"""A real vulnerability that a rule is about, in a record of this test's own making."""


def code(text: str) -> FirstPartyCode:
    """An application of one file."""
    return squash([LayerBuilder().file("app/main.py", text).scan()]).calls


async def assess(fleet: Fleet, *images: Stored) -> None:
    async with fleet.engine.begin() as connection:
        for image in images:
            await assess_image(connection, image.image_id)


async def rematch(fleet: Fleet, *buckets: tuple[str, str]) -> None:
    await follow_advisories(fleet.engine, buckets)


async def rematch_changed(fleet: Fleet, *buckets: tuple[str, str]) -> None:
    """The same for the one import there was, as its event says."""
    ((_, data),) = await fleet.events("AdvisoriesChanged")
    assert not data["are_gone"]
    await follow_advisories(fleet.engine, buckets, Said(data["advisory_ids"], data["vulnerability_ids"]))


async def risk(fleet: Fleet, image: Stored) -> Any:
    (row,) = await fleet.rows("SELECT * FROM image_risk WHERE image_id = :id", id=image.image_id)
    return row


async def stages(fleet: Fleet, image: Stored) -> dict[str, Stage]:
    """How far each vulnerability of an image gets in the funnel."""
    names = {row.id: row.name for row in await fleet.rows("SELECT id, name FROM vulnerability")}
    return {names[id_]: stage for id_, stage in unpack((await risk(fleet, image)).packed).items()}


async def vulnerability_id(fleet: Fleet, name: str = FLAW) -> int:
    (row,) = await fleet.rows("SELECT id FROM vulnerability WHERE name = :name", name=name)
    return int(row.id)


async def matches(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Package, advisory and fix version of what is open."""
    rows = await fleet.rows(
        """
        SELECT package.name, advisory_id, fix_version FROM vulnerability_match
        JOIN package ON package.id = package_id WHERE closed_at IS NULL ORDER BY 1, 2
        """
    )
    return [(row.name, row.advisory_id, row.fix_version) for row in rows]


# --- a scanned image -------------------------------------------------------------------------------------


@pytest.mark.req("R3", "D20")
async def test_a_scanned_image_has_the_vulnerabilities_of_its_packages(fleet: Fleet) -> None:
    await import_records(
        fleet.engine,
        osv(FLAW, fixed="3.0.2-1", severity=CRITICAL),
        osv("CVE-2026-0002", "bash"),
        osv("CVE-2026-0003", "no"),
    )
    image = await fleet.add_image(installed(OPENSSL), installed(BASH))
    web = await fleet.deploy(image.image_tag_id)
    await fleet.forget_events()
    await assess(fleet, image)
    assert await matches(fleet) == [("bash", "CVE-2026-0002", ""), ("openssl", FLAW, "3.0.2-1")]
    row = await risk(fleet, image)
    assert (row.critical, row.high, row.medium, row.low, row.unknown, row.malicious) == (1, 1, 0, 0, 0, 0)
    assert await stages(fleet, image) == {FLAW: Stage.CRITICAL_AND_HIGH, "CVE-2026-0002": Stage.CRITICAL_AND_HIGH}
    ((kind, data),) = await fleet.events()
    assert kind == "VulnerabilitiesChanged"
    assert (data["workload_id"], data["image_tag_id"]) == (web.workload_id, image.image_tag_id)
    assert len(data["added"]) == 2


async def test_assessing_again_writes_nothing(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW))
    image = await fleet.add_image(installed(OPENSSL))
    await fleet.deploy(image.image_tag_id)
    await assess(fleet, image)
    before = await fleet.rows("SELECT xmin, * FROM image_risk")
    await fleet.forget_events()
    await assess(fleet, image)
    assert await fleet.rows("SELECT xmin, * FROM image_risk") == before
    assert await fleet.events() == []


async def test_an_image_without_vulnerabilities_is_known_to_have_none(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(BASH))
    await fleet.deploy(image.image_tag_id)
    await fleet.forget_events()
    await assess(fleet, image)
    row = await risk(fleet, image)
    assert (row.packed, row.critical, row.state) == (b"", 0, assessment_state())
    assert await fleet.events() == []


async def test_distribution_packages_are_matched_by_their_source(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW, "openssl", fixed="3.0.2-1"))
    library = package("libssl3", "3.0.1-1+b1", source_name="openssl", source_version="3.0.1-1")
    image = await fleet.add_image(installed(library))
    await assess(fleet, image)
    assert await matches(fleet) == [("libssl3", FLAW, "3.0.2-1")]


async def test_a_python_package_that_the_distribution_ships_is_matched_through_it(fleet: Fleet) -> None:
    await import_records(fleet.engine, LOADING)
    owner = package("python3-yaml", "5.0-1+deb12u1")
    image = await fleet.add_image(installed(owner), installed(PYYAML, owner_purl=owner.purl))
    await assess(fleet, image)
    assert (await risk(fleet, image)).critical == 0


@pytest.mark.req("R15")
async def test_a_malicious_package_is_counted_as_one(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv("MAL-2026-1", "pyyaml", ecosystem="PyPI", severity=""))
    image = await fleet.add_image(installed(PYYAML))
    await assess(fleet, image)
    assert (await risk(fleet, image)).malicious == 1


# --- advisories that change ------------------------------------------------------------------------------


@pytest.mark.req("R15")
async def test_a_changed_advisory_touches_only_the_images_that_have_its_package(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW, fixed="3.0.2-1"), osv("CVE-2026-0002", "bash"))
    touched = await fleet.add_image(installed(OPENSSL), installed(BASH))
    untouched = await fleet.add_image(installed(BASH), repository="shop/other")
    for image in (touched, untouched):
        await fleet.deploy(image.image_tag_id, name=str(image.image_id))
    await assess(fleet, touched, untouched)
    rows = """
        SELECT 'risk' AS kind, image_id::text AS id, xmin::text FROM image_risk WHERE image_id = :image_id
        UNION ALL SELECT 'match', advisory_id, vulnerability_match.xmin::text FROM vulnerability_match
        JOIN package ON package.id = package_id WHERE package.name = 'bash'
        UNION ALL SELECT 'matched', name, state.xmin::text FROM package_match_state AS state
        JOIN package ON package.id = package_id WHERE name = 'bash'
        """
    before = await fleet.rows(rows, image_id=untouched.image_id)
    await fleet.forget_events()
    await import_records(fleet.engine, osv(FLAW, fixed="3.0.3-1", severity=CRITICAL), osv("CVE-2026-0002", "bash"))
    ((_, changed),) = await fleet.events()
    assert changed["buckets"] == [list(ON_OPENSSL)]
    await fleet.forget_events()
    await rematch(fleet, ON_OPENSSL)
    assert await fleet.rows(rows, image_id=untouched.image_id) == before
    assert await matches(fleet) == [("bash", "CVE-2026-0002", ""), ("openssl", FLAW, "3.0.3-1")]
    assert ((await risk(fleet, touched)).critical, (await risk(fleet, untouched)).critical) == (1, 0)


async def test_a_changed_advisory_leaves_images_alone_whose_version_it_never_affected(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW, fixed="3.0.2-1"))
    touched = await fleet.add_image(installed(OPENSSL))
    untouched = await fleet.add_image(installed(package("openssl", "3.5.0-1")), repository="shop/other")
    await assess(fleet, touched, untouched)
    query = "SELECT image_id FROM image_risk ORDER BY image_id"
    async with fleet.engine.begin() as connection:
        await connection.execute(text("DELETE FROM image_risk"))
    await fleet.forget_events()
    await import_records(fleet.engine, osv(FLAW, fixed="3.0.2-1", severity=LOW))
    await rematch_changed(fleet, ON_OPENSSL)
    assert [row.image_id for row in await fleet.rows(query)] == [touched.image_id]


@pytest.mark.req("R3", "R15")
async def test_a_new_advisory_reaches_what_runs_already(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(OPENSSL))
    web = await fleet.deploy(image.image_tag_id)
    await assess(fleet, image)
    await import_records(fleet.engine, osv(FLAW))
    await fleet.forget_events()
    await rematch(fleet, ON_OPENSSL)
    ((_, data),) = await fleet.events("VulnerabilitiesChanged")
    assert (data["workload_id"], data["added"], data["removed"]) == (
        web.workload_id,
        [await vulnerability_id(fleet)],
        [],
    )


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "taken_back",
    [
        osv(FLAW, withdrawn="2026-02-01T00:00:00Z"),
        osv(FLAW, fixed="3.0.0-1"),
        osv(FLAW, "libressl"),
    ],
    ids=["withdrawn", "never affected this version", "another package"],
)
async def test_what_an_advisory_does_not_say_any_more_is_no_finding(fleet: Fleet, taken_back: dict[str, Any]) -> None:
    await import_records(fleet.engine, osv(FLAW))
    image = await fleet.add_image(installed(OPENSSL))
    await fleet.deploy(image.image_tag_id)
    await assess(fleet, image)
    id_ = await vulnerability_id(fleet)
    await import_records(fleet.engine, taken_back)
    await fleet.forget_events()
    await rematch(fleet, ON_OPENSSL)
    assert await stages(fleet, image) == {}
    ((_, data),) = await fleet.events("VulnerabilitiesChanged")
    assert data["removed"] == [id_]
    (kept,) = await fleet.rows("SELECT closed_at FROM vulnerability_match")
    assert kept.closed_at is not None
    await import_records(fleet.engine, osv(FLAW))
    await rematch(fleet, ON_OPENSSL)
    assert await stages(fleet, image) == {FLAW: Stage.CRITICAL_AND_HIGH}


async def test_matching_again_what_has_not_changed_tells_nobody(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW))
    image = await fleet.add_image(installed(OPENSSL))
    await fleet.deploy(image.image_tag_id)
    await assess(fleet, image)
    await fleet.forget_events()
    await rematch(fleet, ON_OPENSSL, ON_BASH, ("PyPI", "none"))
    assert await fleet.events() == []


async def test_every_workload_is_told_of_its_own_image(fleet: Fleet) -> None:
    await import_records(fleet.engine, osv(FLAW))
    image = await fleet.add_image(installed(OPENSSL))
    workloads = [(await fleet.deploy(image.image_tag_id, name=name)).workload_id for name in ("a", "b")]
    gone = await fleet.deploy(image.image_tag_id, name="gone")
    await fleet.undeploy(gone.workload_id)
    await fleet.forget_events()
    await assess(fleet, image)
    assert [data["workload_id"] for _, data in await fleet.events()] == workloads


# --- the funnel ------------------------------------------------------------------------------------------


@pytest.mark.req("D19")
@pytest.mark.parametrize(
    ("text", "status", "stage"),
    [
        ("import yaml\nyaml.load(open('x'))\n", "applicable", Stage.WITH_FIX_VERSION),
        ("import yaml\nyaml.safe_load(open('x'))\n", "not_applicable", Stage.CRITICAL_AND_HIGH),
        ("", "undetermined", Stage.CRITICAL_AND_HIGH),
    ],
    ids=["calls it", "does not call it", "cannot tell"],
)
async def test_applicable_is_what_the_image_s_own_code_calls(
    fleet: Fleet, text: str, status: str, stage: Stage
) -> None:
    await import_records(fleet.engine, LOADING)
    image = await fleet.add_image(installed(PYYAML), calls=code(text) if text else FirstPartyCode())
    await assess(fleet, image)
    (judged,) = await fleet.rows("SELECT * FROM applicability")
    assert judged.status == status
    assert await stages(fleet, image) == {"CVE-2017-18342": stage}
    assert (await risk(fleet, image)).critical_applicable == (status == "applicable")
    if status == "applicable":
        assert judged.reason == "/app/main.py line 2 calls yaml.load."
        assert judged.evidence[0]["path"] == "/app/main.py"


@pytest.mark.req("D20")
async def test_with_fix_version_is_what_a_maintainer_has_fixed(fleet: Fleet) -> None:
    unfixed = osv("CVE-2017-18342", "pyyaml", ecosystem="PyPI", severity=CRITICAL)
    await import_records(fleet.engine, unfixed)
    image = await fleet.add_image(installed(PYYAML), calls=code("import yaml\nyaml.load(1)\n"))
    await assess(fleet, image)
    assert await stages(fleet, image) == {"CVE-2017-18342": Stage.APPLICABLE}
    await import_records(fleet.engine, LOADING)
    await rematch(fleet, ("PyPI", "pyyaml"))
    assert await stages(fleet, image) == {"CVE-2017-18342": Stage.WITH_FIX_VERSION}
    changed = [data["advanced"] for _, data in await fleet.events("VulnerabilitiesChanged")]
    assert changed == []  # nothing runs it


@pytest.mark.req("D21", "R20")
async def test_validated_in_runtime_is_what_a_sensor_saw_in_use(fleet: Fleet) -> None:
    await import_records(fleet.engine, LOADING)
    image = await fleet.add_image(installed(PYYAML), calls=code("import yaml\nyaml.load(1)\n"))
    web = await fleet.deploy(image.image_tag_id)
    await assess(fleet, image)
    await fleet.forget_events()
    (row,) = await fleet.rows("SELECT id FROM package")
    await fleet.rows(
        """
        INSERT INTO package_use (image_id, package_id, grade, grade_rank, path, process, container_id, cluster_id,
                                 first_at, last_at)
        SELECT :image_id, :package_id, 'mapped', 2, '/x', 'python3', :container_id, id, now(), now() FROM cluster
        """,
        image_id=image.image_id,
        package_id=row.id,
        container_id=web.container_ids[0],
    )
    async with fleet.engine.begin() as connection:
        await refresh_images(connection, [image.image_id], used_package_ids=[row.id])
    assert await stages(fleet, image) == {"CVE-2017-18342": Stage.VALIDATED_IN_RUNTIME}
    assert (await risk(fleet, image)).validated == 1
    ((_, data),) = await fleet.events("VulnerabilitiesChanged")
    id_ = await vulnerability_id(fleet, "CVE-2017-18342")
    assert (data["advanced"], data["validated"]) == ([id_], [id_])


async def refreshed(fleet: Fleet, image: Stored) -> str:
    """Changes when an image's risk is computed anew."""
    (row,) = await fleet.rows("SELECT xmin::text FROM image_risk WHERE image_id = :id", id=image.image_id)
    return str(row.xmin)


async def test_only_images_that_a_changed_advisory_affects_are_refreshed(fleet: Fleet) -> None:
    old, new = [await fleet.add_image(installed(package("bash", version)), repository=version) for version in "14"]
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", "bash", fixed="3", severity=CRITICAL),
        osv("CVE-2026-0002", "bash", fixed="9", severity=CRITICAL),
    )
    await assess(fleet, old, new)
    before = [await refreshed(fleet, image) for image in (old, new)]
    await fleet.rows("DELETE FROM event")
    await import_records(fleet.engine, osv("CVE-2026-0001", "bash", fixed="3", severity=LOW))
    await rematch_changed(fleet, ON_BASH)
    assert (await risk(fleet, old)).low == 1
    assert [await refreshed(fleet, image) for image in (old, new)][1] == before[1]


async def queued(fleet: Fleet, job: type[J]) -> J:
    """The only job of its kind that waits."""
    (row,) = await fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint = :name", name=job.name)
    return msgspec.json.decode(row.payload, type=job)


async def test_an_image_whose_only_advisory_is_removed_is_refreshed(fleet: Fleet, services: Services) -> None:
    image = await fleet.add_image(installed(package("bash", "1")))
    await import_records(fleet.engine, osv("CVE-2026-0001", "bash", fixed="3", severity=CRITICAL))
    await assess(fleet, image)
    await fleet.rows("DELETE FROM event")
    async with fleet.engine.begin() as connection:
        await remove_source(connection, "test")
    (row,) = await fleet.rows("SELECT * FROM event WHERE type = 'AdvisoriesChanged'")
    event = Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)
    async with fleet.engine.begin() as connection:
        await rematch_changed_advisories(connection, event)
    await run_rematch_buckets(services, await queued(fleet, RematchBuckets))
    await run_refresh_concerned(services, await queued(fleet, RefreshConcerned))
    assert (await risk(fleet, image)).critical == 0
