"""Everybody there is to ask about an image, and what to connect where nobody is known."""

from typing import Any

import pytest
from tests.server.assessment.shop import OWNER
from tests.server.integrity.conftest import PUSHED, Judge
from tests.server.integrity.conftest import found as present
from tests.support.fleet import REGISTRY, Fleet, digest
from tests.support.inventory import STARTED
from tests.support.service import RunningService

from deadlight.registry.attestations.builds import BuildProvenance
from deadlight.registry.attestations.evidence import AttestationEvidence, Provenance, Signature, SignatureState
from deadlight.server.attestations.store import ensure_attestation, store_evidence


async def owners(service: RunningService, image_tag_id: int) -> Any:
    return await service.get(f"/api/v1/image-tags/{image_tag_id}/owners")


@pytest.mark.req("F1", "F2", "F7")
async def test_everybody_is_named_with_confidence_and_the_workloads_it_is_about(
    service: RunningService, fleet: Fleet
) -> None:
    image = await fleet.add_image(labels=OWNER)
    await service.post("/api/v1/owners", {"namespace": "shop", "team": "shop"})
    said = {"user": "grace@example.com", "via": "admission", "at": "2026-11-01T12:00:00Z", "template": "t"}
    await fleet.deploy(image.image_tag_id, name="api", deployer=said, template="t")
    await fleet.deploy(image.image_tag_id, name="web", deployer={**said, "at": "2026-11-02T12:00:00Z"}, template="t")
    await fleet.deploy(image.image_tag_id, name="job", namespace="lab", cluster="west")
    found = await owners(service, image.image_tag_id)
    assert found["build_owner"]["known"]["value"] == "ada@example.com"
    assert [
        (item["known"] and item["known"]["value"], item["known"] and item["known"]["confidence"], item["workloads"])
        for item in found["deployed_by"]
    ] == [
        ("grace@example.com", "proven", {"count": 2, "names": ["shop/api on test", "shop/web on test"]}),
        (None, None, {"count": 1, "names": ["lab/job on west"]}),
    ]
    assert "admission.enabled" in found["deployed_by"][1]["unknown"]
    assert [(item["owner"]["team"], item["owner"]["source"]) for item in found["owners"]] == [
        ("shop", "owners map, rule 1"),
        ("", "Build Owner: image label org.opencontainers.image.authors"),
    ]


@pytest.mark.req("F1", "F2")
async def test_what_is_unknown_says_what_to_connect(service: RunningService, fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag()
    found = await owners(service, image_tag_id)
    assert f"Nobody has added the registry {REGISTRY}" in found["build_owner"]["unknown"]
    assert "Administration > Owners" in found["owners"][0]["unknown"]
    assert found["deployed_by"] == []
    await service.post("/api/v1/registries", {"host": REGISTRY})
    found = await owners(service, image_tag_id)
    assert "has not been read yet" in found["build_owner"]["unknown"]
    assert "Artifactory and Harbor" in found["pushed_by"]["unknown"]
    image = await fleet.add_image()
    found = await owners(service, image.image_tag_id)
    assert "org.opencontainers.image.authors" in found["build_owner"]["unknown"]
    await fleet.rows("INSERT INTO artifact_facts (image_tag_id, facts) VALUES (:id, '{}')", id=image.image_tag_id)
    found = await owners(service, image.image_tag_id)
    assert "publish build-info" in found["build_owner"]["unknown"]
    assert "no record of who pushed" in found["pushed_by"]["unknown"]
    await service.request("GET", "/api/v1/image-tags/999999/owners", expect=404)


async def test_who_pushed_is_what_the_registry_told_of_the_tag_where_its_api_tells_nothing(
    service: RunningService, fleet: Fleet
) -> None:
    image_tag_id = await fleet.add_image_tag()
    await fleet.deploy(image_tag_id)
    ours, index = digest("web"), digest("the index it is in")
    await Judge(fleet).hear(present(index, ours))
    told = "UPDATE tag_history SET pushed_by = :who, pushed_at = :at WHERE digest = :digest"
    await fleet.rows(told, who="ada", at=STARTED, digest=index)
    known = (await owners(service, image_tag_id))["pushed_by"]["known"]
    assert (known["value"], known["confidence"], known["at"]) == ("ada", "recorded", "2026-11-01T12:00:00Z")
    assert known["source"] == f"{REGISTRY}'s report of the push to its tag"
    await Judge(fleet).hear(present(PUSHED))
    assert (await owners(service, image_tag_id))["pushed_by"]["known"] is None  # that was somebody else's image


@pytest.mark.req("F1", "F7")
async def test_signed_provenance_names_the_builder(service: RunningService, fleet: Fleet) -> None:
    image = await fleet.add_image(labels=OWNER)
    texts = ("predicate_type", "builder", "build_type", "source_url", "revision", "actor", "workflow", "run_url")
    build = BuildProvenance(**dict.fromkeys(texts, "x"), started_at=None, finished_at=STARTED)
    signature = Signature(SignatureState.VERIFIED, "key", "release key", signed_at=STARTED)
    evidence = AttestationEvidence(SignatureState.VERIFIED, (signature,), (Provenance(build, signature),))
    async with fleet.engine.begin() as connection:
        await ensure_attestation(connection, image.image_tag_id)
        await store_evidence(connection, image.image_tag_id, evidence)
    known = (await owners(service, image.image_tag_id))["build_owner"]["known"]
    assert (known["value"], known["confidence"], known["source"]) == (
        "x",
        "proven",
        "SLSA provenance signed by release key",
    )
