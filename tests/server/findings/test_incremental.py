"""What is computed of a change alone is what is computed of everything."""

import random
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.scanner.layer_builder import LayerBuilder
from tests.server.findings.strategies import findings
from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.osv import CRITICAL, HIGH, LOW, MEDIUM, import_records, osv
from tests.support.rematching import follow_advisories

from deadlight.scanner import squash
from deadlight.server.advisories.service import remove_source
from deadlight.server.findings.risk import Finding, compare, summarise, unpack, widen
from deadlight.server.findings.service import (
    Said,
    assess_image,
    refresh_images,
    refresh_program_risks,
)

OPENSSL, OLD_OPENSSL, BASH = package("openssl", "3.0.1-1"), package("openssl", "2.0-1"), package("bash", "5.2-1")
PYYAML, EVIL = package("pyyaml", "5.0", "PyPI"), package("evil", "1.0", "PyPI")
APPLICABLE = "CVE-2017-18342"
"""One that a rule is about, and that the images' code reaches."""


# --- of one image ----------------------------------------------------------------------------------------


@given(st.lists(findings, max_size=25), st.lists(findings, max_size=25), st.sets(st.integers(1, 5)))
def test_patching_what_changed_gives_what_computing_everything_gives(
    old: list[Finding], new: list[Finding], more: set[int]
) -> None:
    before, then = consistent(old), consistent(new)
    changed = {item.vulnerability_id for item in set(before) ^ set(then)} | more
    known = summarise(before)
    concerned = widen(sorted(changed), [known])
    patched = summarise([item for item in then if item.vulnerability_id in concerned], known, concerned)
    assert patched == summarise(then)
    assert patched.count() == summarise(then).count()
    change = compare(1, known, patched)
    assert set(change.added) == patched.stages.keys() - known.stages.keys()
    assert set(change.removed) == known.stages.keys() - patched.stages.keys()


def consistent(items: Sequence[Finding]) -> list[Finding]:
    """Findings as the database has them: one for each pair, with what its vulnerability is."""
    by_pair = {(item.package_id, item.vulnerability_id): item for item in items}
    facts = {item.vulnerability_id: (item.severity, item.malicious) for item in by_pair.values()}
    return [_with_facts(item, *facts[item.vulnerability_id]) for item in by_pair.values()]


def _with_facts(item: Finding, severity: Any, malicious: Any) -> Finding:
    return Finding(1, item.package_id, item.vulnerability_id, severity, malicious, item.fixable, item.applicability,
                   item.validated)  # fmt: skip


# --- of a fleet ------------------------------------------------------------------------------------------


class Walk:
    """A fleet to which one thing happens after the other."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.random = random.Random(seed)
        self.images: list[Stored] = []

    async def begin(self) -> None:
        """Three images, two of whose programs are watched."""
        calls = squash([LayerBuilder().file("app/main.py", "import yaml\nyaml.load(open('x'))\n").scan()]).calls
        for number, packages in enumerate(((OPENSSL, BASH, PYYAML), (OLD_OPENSSL, BASH, EVIL), (OPENSSL, PYYAML))):
            on_it = [installed(item) for item in packages]
            self.images.append(await self.fleet.add_image(*on_it, repository=f"shop/{number}", calls=calls))
            await self.fleet.deploy(self.images[-1].image_tag_id, name=f"w{number}")
        for image in self.images:
            async with self.fleet.engine.begin() as connection:
                await assess_image(connection, image.image_id)
        await self.fleet.rows(_PROGRAM, id=uuid4())
        async with self.fleet.engine.begin() as connection:
            await refresh_program_risks(connection, [image.image_id for image in self.images])

    def record(self) -> dict[str, Any]:
        """Any advisory: new, another version of a known one, joined with others, or taken back."""
        chosen = self.random.choice
        severity = chosen((CRITICAL, HIGH, MEDIUM, LOW, ""))
        taken_back: dict[str, Any] = {"withdrawn": "2026-02-01T00:00:00Z"} if self.random.random() < 0.15 else {}
        if self.random.random() < 0.25:
            name = chosen(("MAL-2026-1", "MAL-2026-2"))
            return osv(name, chosen(("evil", "pyyaml")), ecosystem="PyPI", severity="", **taken_back)
        if self.random.random() < 0.2:  # names come and go by which a rule finds it
            known: dict[str, Any] = {"aliases": [APPLICABLE]} if self.random.random() < 0.5 else {}
            return osv("X-P", "pyyaml", ecosystem="PyPI", fixed=chosen(("", "5.1")), severity=HIGH, **known)
        if self.random.random() < 0.25:
            return osv(APPLICABLE, "pyyaml", ecosystem="PyPI", fixed=chosen(("", "5.1", "4")), severity=severity)
        name, alias = chosen("ABCD"), chosen(("CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"))
        fixed = chosen(("", "2.0-1", "3.0.1-1", "9"))
        more: dict[str, Any] = {"aliases": [alias]} if self.random.random() < 0.7 else {}
        return osv(f"X-{name}", chosen(("openssl", "bash")), fixed=fixed, severity=severity, **more, **taken_back)

    async def step(self) -> None:
        """Something happens, and sometimes what follows from it has to wait for the next time."""
        kind = self.random.random()
        if kind < 0.7:
            records = {record["id"]: record for record in (self.record() for _ in range(self.random.randint(1, 3)))}
            await import_records(self.fleet.engine, *records.values(), source=self.random.choice(("one", "other")))
        elif kind < 0.8:
            async with self.fleet.engine.begin() as connection:
                await remove_source(connection, self.random.choice(("one", "other")))
        else:
            await self.random.choice((self._use, self._state, self._upgrade))()
        if self.random.random() < 0.7:
            await self.follow(0.6)

    async def follow(self, share: float = 1) -> None:
        """The jobs of what was recorded, or of a share of it, in any order."""
        events = list(await self.fleet.rows("SELECT * FROM event WHERE type = 'AdvisoriesChanged' ORDER BY id"))
        self.random.shuffle(events)
        for event in events[: round(len(events) * share + 0.3)]:
            await follow(self.fleet, event.data)
            await self.fleet.rows("UPDATE event SET status = 'handled' WHERE id = :id", id=event.id)
            await self.fleet.rows("DELETE FROM event WHERE id = :id", id=event.id)

    async def _use(self) -> None:
        image = self.random.choice(self.images)
        rows = await self.fleet.rows("SELECT package_id FROM image_package WHERE image_id = :id", id=image.image_id)
        package_id = self.random.choice([row.package_id for row in rows])
        await self.fleet.rows(_USE, image_id=image.image_id, package_id=package_id)
        async with self.fleet.engine.begin() as connection:
            await refresh_images(connection, [image.image_id], used_package_ids=[package_id])

    async def _state(self) -> None:
        """A registry's scanner says what of an image is applicable."""
        image = self.random.choice(self.images)
        await self.fleet.rows("DELETE FROM stated_applicability WHERE image_id = :id", id=image.image_id)
        for row in await self.fleet.rows(_MATCHES_OF, image_id=image.image_id):
            if self.random.random() < 0.5:
                status = self.random.choice(("applicable", "not_applicable"))
                await self.fleet.rows(_STATE, image_id=image.image_id, **row._mapping, status=status)
        async with self.fleet.engine.begin() as connection:
            await refresh_images(connection, [image.image_id])

    async def _upgrade(self) -> None:
        """Other rules: an image is judged as another release did, until it is computed as a whole."""
        image = self.random.choice(self.images)
        await self.fleet.rows("DELETE FROM applicability WHERE image_id = :id", id=image.image_id)
        await self.fleet.rows("UPDATE image_risk SET state = 'older' WHERE image_id = :id", id=image.image_id)

    async def reassess(self) -> None:
        """What follows an upgrade."""
        stale = await self.fleet.rows("SELECT image_id FROM image_risk WHERE state = 'older' ORDER BY 1")
        for row in stale:
            async with self.fleet.engine.begin() as connection:
                await assess_image(connection, row.image_id)

    async def stored(self) -> list[Any]:
        """Everything that is computed, with when it was written."""
        return [
            [tuple(row) for row in await self.fleet.rows(f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3")]
            for table in ("image_risk", "program_risk")
        ] + [
            await self.fleet.rows(_JUDGED),
        ]


_JUDGED = "SELECT image_id, package_id, vulnerability_id, status FROM applicability ORDER BY 1, 2, 3"
_PROGRAM = """
    WITH made AS (INSERT INTO program (id, name, path, arguments) VALUES (:id, 'web', '/web', '{}') RETURNING id)
    INSERT INTO program_package (image_id, program_id, package_id, grade, grade_rank, path)
    SELECT image_id, made.id, package_id, 'mapped', 2, '/x' FROM image_package, made
    WHERE (image_id + package_id) % 3 > 0
"""
_MATCHES_OF = """
    SELECT package_id, advisory_id FROM image_package JOIN vulnerability_match USING (package_id)
    WHERE image_id = :image_id ORDER BY 1, 2
"""
_STATE = """
    INSERT INTO stated_applicability (image_id, package_id, advisory_id, status)
    VALUES (:image_id, :package_id, :advisory_id, :status)
"""
_USE = """
    INSERT INTO package_use (image_id, package_id, grade, grade_rank, path, process, container_id, cluster_id, first_at,
                             last_at)
    VALUES (:image_id, :package_id, 'mapped', 2, '/x', 'web', 'c', gen_random_uuid(), now(), now())
    ON CONFLICT DO NOTHING
"""


@pytest.mark.parametrize("seed", [1, 107])
async def test_after_any_changes_everything_is_as_if_computed_anew(fleet: Fleet, seed: int) -> None:
    walk = Walk(fleet, seed)
    await walk.begin()
    for _ in range(6):
        for _ in range(4):
            await walk.step()
        await walk.follow()
        await walk.reassess()
        patched = await walk.stored()
        async with fleet.engine.begin() as connection:
            await refresh_images(connection, [image.image_id for image in walk.images])
        assert await walk.stored() == patched  # nothing was even written
    assert any(row.packed for row in await fleet.rows("SELECT packed FROM image_risk"))


async def follow(fleet: Fleet, data: Mapping[str, Any]) -> None:
    """What the jobs of an event do."""
    buckets = [(ecosystem, name) for ecosystem, name in data["buckets"]]
    await follow_advisories(fleet.engine, buckets, said_by(data))


def said_by(data: Mapping[str, Any]) -> Said | None:
    """What an event of changed advisories tells."""
    return None if data["are_gone"] else Said(data["advisory_ids"], data["vulnerability_ids"])


async def stages(fleet: Fleet) -> set[str]:
    """The vulnerabilities that are stored of the one image."""
    names = {row.id: row.name for row in await fleet.rows("SELECT id, name FROM vulnerability")}
    (row,) = await fleet.rows("SELECT packed FROM image_risk")
    return {names[id_] for id_ in unpack(row.packed)}


async def change_bash(fleet: Fleet, *, known: bool = True) -> None:
    data = await told(fleet, osv("CVE-2026-0002", "bash", severity=CRITICAL))
    await follow_advisories(fleet.engine, [("Debian:12", "bash")], said_by(data) if known else None)


async def without_a_match(fleet: Fleet) -> None:
    """An image with two vulnerabilities, of which one has no match any more, which nobody was told."""
    await import_records(fleet.engine, osv("CVE-2026-0001"), osv("CVE-2026-0002", "bash", severity=LOW))
    image = await fleet.add_image(installed(OPENSSL), installed(BASH))
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
        await connection.execute(text("DELETE FROM vulnerability_match WHERE advisory_id = 'CVE-2026-0001'"))


@pytest.mark.req("R15")
async def test_nothing_is_computed_that_a_change_does_not_concern(fleet: Fleet) -> None:
    await without_a_match(fleet)
    await change_bash(fleet)
    assert await stages(fleet) == {"CVE-2026-0001", "CVE-2026-0002"}
    (row,) = await fleet.rows("SELECT critical, high, low FROM image_risk")
    assert tuple(row) == (1, 1, 0)


async def told(fleet: Fleet, *records: dict[str, Any]) -> Mapping[str, Any]:
    """What an import of these tells."""
    await fleet.forget_events()
    await import_records(fleet.engine, *records)
    ((_, data),) = await fleet.events("AdvisoriesChanged")
    return data


async def assessed(fleet: Fleet, *records: dict[str, Any]) -> None:
    """One image, computed with these."""
    await import_records(fleet.engine, *records)
    calls = squash([LayerBuilder().file("app/main.py", "import yaml\nyaml.load(open('x'))\n").scan()]).calls
    image = await fleet.add_image(installed(OPENSSL), installed(PYYAML), calls=calls)
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)


FLAW, OTHER = osv("CVE-2026-0001"), osv("CVE-2026-0002", fixed="9")
TAKEN_BACK = FLAW | {"withdrawn": "2026-02-01T00:00:00Z"}


async def test_what_is_taken_back_goes_also_where_its_match_was_closed_for_another_change(fleet: Fleet) -> None:
    await assessed(fleet, FLAW, OTHER)
    first = await told(fleet, TAKEN_BACK)
    second = await told(fleet, osv("CVE-2026-0002", fixed="8"))
    await follow(fleet, second)
    await follow(fleet, first)
    assert await stages(fleet) == {"CVE-2026-0002"}


@pytest.mark.parametrize("instead", [TAKEN_BACK, osv("CVE-2026-0001", "bash")], ids=["taken back", "moved"])
async def test_what_is_removed_goes_also_where_nobody_followed_its_last_change(
    fleet: Fleet, instead: dict[str, Any]
) -> None:
    await assessed(fleet, FLAW)
    first = await told(fleet, instead)
    await fleet.forget_events()
    async with fleet.engine.begin() as connection:
        await remove_source(connection, "test")
    ((_, removed),) = await fleet.events("AdvisoriesChanged")
    await follow(fleet, first)
    await follow(fleet, removed)
    assert await stages(fleet) == set()


async def test_what_speaks_of_no_package_any_more_and_is_then_taken_back_goes(fleet: Fleet) -> None:
    await assessed(fleet, FLAW)
    first = await told(fleet, FLAW | {"affected": []})
    second = await told(fleet, TAKEN_BACK | {"affected": []})
    await follow(fleet, first)
    await follow(fleet, second)
    assert await stages(fleet) == set()


async def test_a_name_that_a_rule_is_about_has_images_judged_again(fleet: Fleet) -> None:
    record = osv("X-1", "pyyaml", ecosystem="PyPI", severity=CRITICAL)
    await assessed(fleet, record)
    await follow(fleet, await told(fleet, record | {"aliases": [APPLICABLE]}))
    (row,) = await fleet.rows("SELECT critical, critical_applicable FROM image_risk")
    assert tuple(row) == (1, 1)


async def test_no_image_is_looked_at_for_another_fix_version_or_text(fleet: Fleet) -> None:
    await assessed(fleet, OTHER)
    data = await told(fleet, osv("CVE-2026-0002", fixed="8", summary="In other words"))
    await fleet.rows("UPDATE image_risk SET state = 'older'")  # it would be computed as a whole
    await follow(fleet, data)
    (row,) = await fleet.rows("SELECT state, fix_version FROM image_risk, vulnerability_match")
    assert tuple(row) == ("older", "8")


@pytest.mark.parametrize("reason", ["computed by another release", "left out until now", "told by another release"])
async def test_what_is_stored_otherwise_is_computed_as_a_whole(fleet: Fleet, reason: str) -> None:
    await without_a_match(fleet)
    if reason == "computed by another release":
        await fleet.rows("UPDATE image_risk SET state = 'older'")
    if reason == "left out until now":
        await fleet.rows(_LEFT_OUT)
    await change_bash(fleet, known=reason != "told by another release")
    assert await stages(fleet) == {"CVE-2026-0002"}


_LEFT_OUT = """
    INSERT INTO applicability (image_id, package_id, vulnerability_id, status)
    SELECT image_id, package_id, vulnerability.id, 'not_scanned' FROM image_package, vulnerability
    WHERE vulnerability.name = 'CVE-2026-0001' LIMIT 1
"""
