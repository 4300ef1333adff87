"""Bills of materials that are attached to an image add to what its scan finds, and cannot make it fail."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Row
from tests.server.scans.conftest import Scans
from tests.support.attestations import push_artifact
from tests.support.fleet import Fleet
from tests.support.images import debian, image, python
from tests.support.osv import import_records, osv
from tests.support.registries import answering

from deadlight.registry.documents import digest_of
from deadlight.server.assessment.image_contents import get_finding, list_packages
from deadlight.server.assessment.image_page import build_detail
from deadlight.server.findings.service import assess_image

SITE = "usr/lib/python3/dist-packages"
METADATA = f"/{SITE}/yaml-6.0.dist-info/METADATA"
SYSTEM = debian({"bash": "5.2-1", "python3-yaml": "6.0-3"}, {"python3-yaml": (METADATA,)})
WEB = image(SYSTEM | python("yaml", "6.0", site=SITE))


async def attach(scans: Scans, content: bytes, media_type: str = "application/vnd.cyclonedx+json") -> str:
    """Attach a document as cosign does; its location."""
    registry, tag = scans.registry, f"{WEB.manifest.digest.replace(':', '-')}.sbom"
    await push_artifact(registry.http, registry.url, "shop/web", tag, [(media_type, content, {})])
    return f"sbom:{digest_of(content)}"


def bill(*purls: str) -> bytes:
    components = [{"name": "x", "purl": purl} for purl in purls]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}).encode()


async def listed(scans: Scans, image_tag_id: int) -> Sequence[Any]:
    async with scans.services.engine.connect() as connection:
        return (await list_packages(connection, image_tag_id)).packages


@pytest.mark.req("A8")
async def test_what_an_sbom_states_is_merged_and_says_who_states_it(scans: Scans, fleet: Fleet) -> None:
    purls = ("pkg:deb/debian/bash@5.2-1?distro=debian-12", "pkg:pypi/yaml@6.0", "pkg:pypi/flask@2.0.0")
    location = await attach(scans, bill(*purls))
    image_tag_id = await scans.observe(WEB)
    assert (await scans.run(image_tag_id)).status == "done"
    rows = {row.name: row for row in await listed(scans, image_tag_id)}
    assert {name: (row.location, row.stated_by) for name, row in rows.items()} == {
        "bash": ("var/lib/dpkg/status", [location]),
        "python3-yaml": ("var/lib/dpkg/status", []),
        "yaml": (METADATA[1:], [location]),
        "flask": (location, [location]),
    }
    assert rows["yaml"].owned_by.startswith("pkg:deb/debian/python3-yaml@")
    stored = await scans.image(image_tag_id)
    assert stored.problems == []
    await import_records(
        scans.services.engine,
        osv("CVE-2026-0001", "flask", ecosystem="PyPI"),
        osv("CVE-2026-0002", "yaml", ecosystem="PyPI"),
    )
    async with scans.services.engine.begin() as connection:
        await assess_image(connection, stored.id)
        detail = await build_detail(connection, image_tag_id)
        finding = await get_finding(connection, image_tag_id, "CVE-2026-0001")
    assert (detail.packages_count, detail.findings_count) == (4, 1)
    assert finding.packages[0].locations == [location]


@pytest.mark.parametrize(
    ("content", "media_type", "problem"),
    [
        (b"no json", "application/spdx+json", "cannot be read"),
        (b"SPDXVersion: SPDX-2.3", "text/spdx", "SPDX as tags and values, which is not read"),
        (bill("pkg:generic/x@1"), "application/vnd.cyclonedx+json", "1 of its package URLs"),
        (bill("pkg:pypi/a%00b@1", "pkg:deb/debian/bash@1?arch=%00"), "application/vnd.cyclonedx+json", ""),
    ],
)
async def test_an_sbom_that_cannot_be_read_is_a_problem_of_a_scan_that_is_done(
    scans: Scans, content: bytes, media_type: str, problem: str
) -> None:
    await attach(scans, content, media_type)
    image_tag_id = await scans.observe(WEB)
    row: Row[Any] = await scans.run(image_tag_id)
    assert (row.status, row.error) == ("done", "")
    (said,) = (await scans.image(image_tag_id)).problems
    assert problem in said


async def test_a_registry_that_does_not_answer_about_them_leaves_the_scan_done(scans: Scans) -> None:
    refusing = answering(403)

    async def trouble(request: Any, handler: Any) -> Any:
        asked = any(part in request.path for part in ("/referrers/", "/manifests/sha256-"))
        return await (refusing(request, handler) if asked else handler(request))

    scans.registry.trouble = trouble
    image_tag_id = await scans.observe(WEB)
    assert (await scans.run(image_tag_id)).status == "done"
    assert "SBOMs attached to it could not be looked for" in (await scans.image(image_tag_id)).problems[0]
