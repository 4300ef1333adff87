"""What the tabs of an image tag's page ask, over rows as the rest of the service writes them."""

from typing import Any

import msgspec
import pytest
from tests.server.assessment.shop import shop
from tests.server.integrity.conftest import MISSING, PUSHED, RUNNING, Judge, found, trusted
from tests.support.cyclonedx import assert_cyclonedx
from tests.support.fleet import REGISTRY, Fleet, digest, installed, package
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.service import RunningService

from deadlight.server.findings.service import assess_image

IMAGES = "/api/v1/image-tags"
DEPLOYER = {"deadlight.io/deployed-by": "grace@example.com"}


async def answer(service: RunningService, path: str) -> tuple[str, str, str]:
    """Type, name and text of a file."""
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.get(f"{service.url}{path}", headers=headers) as response:
        assert response.status == 200
        return response.content_type, response.headers["content-disposition"], await response.text()


async def add_registry(service: RunningService, **more: Any) -> None:
    """Somebody trusts the registry of the fleet."""
    await service.post("/api/v1/registries", {"name": "Shop", "host": REGISTRY, **more})


@pytest.mark.req("F2", "F6", "F7")
async def test_the_info_card_says_where_an_image_runs_and_comes_from(service: RunningService, fleet: Fleet) -> None:
    await fleet.add_cluster("east", provider="AWS")
    image = (await shop(fleet))["web"]
    await fleet.deploy(image.image_tag_id, name="batch", cluster="east", annotations=DEPLOYER)
    await add_registry(service, type="oci")
    detail = await service.get(f"{IMAGES}/{image.image_tag_id}")
    assert detail["runtime_status"] == "running"
    assert (detail["namespaces"], detail["namespaces_count"]) == (["shop", "staging"], 2)
    assert (detail["workloads_count"], detail["clusters_count"]) == (3, 2)
    assert detail["providers"] == ["AWS", "Kubernetes"]
    assert [person["value"] for person in detail["deployed_by"]] == ["grace@example.com"]
    link = f"https://{REGISTRY}/v2/shop/web/manifests/{detail['digest']}"
    known = {"host": REGISTRY, "origin": "", "expected_digest_label": "Registry Digest (Expected)"}
    assert detail["source"] == known | {"type": "oci", "product": "OCI registry", "trusted": True, "link": link}
    assert (detail["findings_count"], sum(detail["severities"].values())) == (3, 3)


async def test_an_image_that_nothing_runs_says_so(service: RunningService, fleet: Fleet) -> None:
    image = (await shop(fleet))["gone"]
    detail = await service.get(f"{IMAGES}/{image.image_tag_id}")
    assert (detail["runtime_status"], detail["namespaces"], detail["deployed_by"]) == ("stopped", [], [])
    known = {"host": REGISTRY, "origin": "", "expected_digest_label": "Registry Digest (Expected)"}
    assert detail["source"] == known | {"type": "", "product": "", "trusted": False, "link": ""}
    assert await service.get(f"{IMAGES}/{image.image_tag_id}/clusters") == {"clusters": [], "total": 0}


async def test_clusters_are_counted_with_their_workloads_nodes_and_namespaces(
    service: RunningService, fleet: Fleet
) -> None:
    image = (await shop(fleet))["web"]
    await fleet.deploy(image.image_tag_id, name="web", namespace="more", cluster="west", node="node-9")
    answered = await service.get(f"{IMAGES}/{image.image_tag_id}/clusters")
    columns = ("name", "workloads_count", "nodes_count", "namespaces")
    assert [tuple(item[name] for name in columns) for item in answered["clusters"]] == [
        ("east", 1, 1, ["shop"]),
        ("west", 2, 1, ["more", "staging"]),
    ]
    assert answered["total"] == 2


async def test_a_list_that_is_cut_says_how_long_it_is(service: RunningService, fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag()
    await fleet.deploy(image_tag_id)
    await fleet.rows(
        """
        INSERT INTO workload (cluster_id, uid, namespace, kind, kind_name, name, desired, ready, image_tag_ids,
                              content_hash)
        SELECT cluster_id, number, namespace, kind, kind_name, 'web-' || number, 1, 1, image_tag_ids, 0
        FROM workload, generate_series(1, 1000) AS number
        """
    )
    answered = await service.get(f"{IMAGES}/{image_tag_id}/workloads")
    assert (len(answered["workloads"]), answered["total"]) == (1000, 1001)


@pytest.mark.req("I11", "I18", "I19", "I20", "I21", "I22")
async def test_a_violation_says_where_it_is_and_links_the_expected_artifact(
    service: RunningService, fleet: Fleet
) -> None:
    await add_registry(service)
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    running = await fleet.deploy(image_tag_id, kind="StatefulSet", annotations=DEPLOYER)
    await Judge(fleet).hear(found(PUSHED))
    verdict = (await service.get(f"{IMAGES}/{image_tag_id}"))["verdict"]
    assert verdict["expected_link"] == f"https://{REGISTRY}/v2/shop/web/manifests/{PUSHED}"
    assert len(verdict["recommended_steps"]) == 4
    answered = await service.get(f"{IMAGES}/{image_tag_id}/violation-places")
    (place,) = answered["places"]
    assert (place["cluster"], place["namespace"], place["kind"], place["name"]) == (
        "test",
        "shop",
        "StatefulSet",
        "web",
    )
    assert (place["nodes"], place["deployed_by"]["value"]) == (["node-1"], "grace@example.com")
    assert place["detected_at"] == verdict["first_detected_at"]
    await fleet.rows("UPDATE container SET removed_at = now()")
    (later,) = (await service.get(f"{IMAGES}/{image_tag_id}/violation-places"))["places"]
    assert later["nodes"] == ["node-1"]
    await fleet.undeploy(running.workload_id)
    await Judge(fleet).follow(running.workload_id)
    assert await service.get(f"{IMAGES}/{image_tag_id}/violation-places") == {"places": [], "total": 0}


@pytest.mark.req("I25")
async def test_a_missing_source_has_no_artifact_to_link(service: RunningService, fleet: Fleet) -> None:
    await add_registry(service)
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    await fleet.deploy(image_tag_id)
    await Judge(fleet).hear(MISSING)
    detail = await service.get(f"{IMAGES}/{image_tag_id}")
    assert (detail["source"]["link"], detail["verdict"]["expected_link"]) == ("", "")
    assert (detail["verdict"]["violation_severity"], len(detail["verdict"]["recommended_steps"])) == ("High", 4)


async def test_a_violation_that_comes_back_keeps_its_history_and_the_tag_every_digest(
    service: RunningService, fleet: Fleet
) -> None:
    judge = Judge(fleet)
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    other_id = await fleet.add_image_tag(digest=PUSHED)
    await fleet.deploy(image_tag_id)
    for reply in (found(PUSHED), found(RUNNING), found(PUSHED)):
        await judge.hear(reply, trusted(immutable_tags=("*",)))
    history = await service.get(f"{IMAGES}/{image_tag_id}/history")
    columns = ("type", "running_digest", "registry_digest", "close_reason", "workloads_count")
    assert [tuple(item[name] for name in columns) for item in history["violations"]] == [
        ("Digest Mismatch", RUNNING, PUSHED, "", 1),
        ("Digest Mismatch", RUNNING, PUSHED, "now No Issues", 1),
    ]
    assert [item["closed_at"] is None for item in history["violations"]] == [True, False]
    assert [(item["digest"], item["is_current"], item["image_tag_id"]) for item in history["digests"]] == [
        (PUSHED, True, other_id),
        (RUNNING, False, image_tag_id),
    ]
    assert (history["violations_total"], history["digests_total"]) == (2, 2)


async def test_one_vulnerability_comes_with_all_its_evidence(service: RunningService, fleet: Fleet) -> None:
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", severity=CRITICAL, fixed="9", aliases=["GHSA-aaaa-bbbb-cccc"]),
        osv("GHSA-aaaa-bbbb-cccc", "other", severity="", references=[{"type": "WEB", "url": "https://fix.example"}]),
    )
    image = await fleet.add_image(installed(package()), installed(package(), location="usr/lib/copy"))
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    evidence = [{"path": "/app/main.py", "line": 3, "call": "openssl.run", "rule_id": "r"}]
    await fleet.rows(
        """
        INSERT INTO applicability (image_id, package_id, vulnerability_id, status, reason, evidence)
        SELECT :image_id, package.id, vulnerability.id, 'applicable', 'It calls it.', CAST(:evidence AS jsonb)
        FROM package, vulnerability
        """,
        image_id=image.image_id,
        evidence=msgspec.json.encode(evidence).decode(),
    )
    page = f"{IMAGES}/{image.image_tag_id}"
    known = await service.get(f"{page}/vulnerabilities/CVE-2026-0001")
    assert (known["severity"], known["severity_source"], known["cvss_vector"]) == (
        "Critical",
        "CVE-2026-0001",
        CRITICAL,
    )
    assert [item["id"] for item in known["advisories"]] == ["CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"]
    assert known["references"] == ["https://fix.example"]
    (affected,) = known["packages"]
    assert (affected["version"], affected["fix_version"], affected["advisories"]) == ("3.0.1-1", "9", ["CVE-2026-0001"])
    assert affected["locations"] == ["usr/lib/copy", "var/lib/dpkg/status"]
    assert (affected["applicability"], affected["applicability_reason"]) == ("applicable", "It calls it.")
    assert affected["applicability_evidence"] == evidence
    assert (await service.get(page))["applicable_vulnerabilities"] == 1
    for name in ("CVE-2026-9999", "GHSA-aaaa-bbbb-cccc", "%00"):
        await service.request("GET", f"{page}/vulnerabilities/{name}", expect=400 if name == "%00" else 404)


@pytest.mark.req("F9")
async def test_an_issue_is_given_in_three_formats(service: RunningService, fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag(digest=RUNNING)
    await fleet.deploy(image_tag_id, annotations=DEPLOYER)
    await Judge(fleet).hear(found(PUSHED))
    path = f"{IMAGES}/{image_tag_id}/issue"
    issue = await service.get(path)
    assert issue["title"] == f"Digest Mismatch (Critical): {REGISTRY}/shop/web:1.0.0"
    assert issue["link"].endswith(f"/runtime/live/images/{image_tag_id}")
    assert [item["workload"] for item in issue["places"]] == ["web"]
    assert await answer(service, f"{path}?format=markdown") == (
        "text/markdown",
        f'attachment; filename="issue-{image_tag_id}.md"',
        issue["text"],
    )
    kind, name, text = await answer(service, f"{path}?format=csv")
    assert (kind, name) == ("text/csv", f'attachment; filename="issue-{image_tag_id}.csv"')
    assert "grace@example.com" in text
    await service.request("GET", f"{path}?format=word", expect=400)


async def test_packages_are_exported_once_they_are_known(service: RunningService, fleet: Fleet) -> None:
    image = (await shop(fleet))["web"]
    kind, name, text = await answer(service, f"{IMAGES}/{image.image_tag_id}/sbom")
    assert (kind, name) == (
        "application/vnd.cyclonedx+json",
        f'attachment; filename="sbom-{image.image_tag_id}.cdx.json"',
    )
    document = msgspec.json.decode(text)
    assert [item["name"] for item in document["components"]] == ["Debian", "curl", "openssl"]
    assert_cyclonedx(text)
    unknown = await fleet.add_image_tag("shop/unknown", digest=digest("unknown"))
    await service.request("GET", f"{IMAGES}/{unknown}/sbom", expect=404)


TABS = (
    *("", "/workloads", "/clusters", "/packages", "/vulnerabilities", "/vulnerabilities/CVE-1"),
    *("/violation-places", "/history", "/issue", "/sbom"),
)


async def test_what_is_not_there_has_no_tabs_either(service: RunningService) -> None:
    for tab in TABS:
        await service.request("GET", f"{IMAGES}/999999{tab}", expect=404)
        await service.request("GET", f"{IMAGES}/99999999999999999999{tab}", expect=400)
