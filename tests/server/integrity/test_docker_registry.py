"""What is done at a real registry, and when, against what is concluded, and when. It sends its webhooks by itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row
from tests.support.docker_registry import DockerRegistry, free_port, serving_docker_registry
from tests.support.fleet import Fleet
from tests.support.images import text_image
from tests.support.service import RunningService, eventually

from deadlight.demo.images import BuiltImage, push_image

FIRST, SECOND, LOADED = text_image("first"), text_image("second"), text_image("loaded on the node")
SLACK = timedelta(seconds=1)
"""Between the clocks of processes on one machine, and for a registry that writes whole seconds."""


@dataclass
class Scene:
    """A registry that tells the service what is pushed and deleted, and what runs of it."""

    service: RunningService
    fleet: Fleet
    registry: DockerRegistry

    async def push(self, image: BuiltImage, tag: str = "1.0.0") -> datetime:
        """Push, and say when that began."""
        began = datetime.now(UTC)
        await push_image(self.service.http, self.registry.url, "shop/web", tag, image)
        return began

    async def delete(self, image: BuiltImage) -> datetime:
        """Delete a manifest, and with it the tags that name it."""
        began = datetime.now(UTC)
        url = f"{self.registry.url}/v2/shop/web/manifests/{image.manifest.digest}"
        async with self.service.http.delete(url) as response:
            assert response.status == 202
        return began

    async def run(self, digest: str, name: str, **more: str) -> int:
        """A workload with this digest, as its node reports it."""
        image_tag_id = await self.fleet.add_image_tag(digest=digest, registry=self.registry.host, **more)
        await self.fleet.deploy(image_tag_id, name=name)
        return image_tag_id

    async def becomes(self, image_tag_id: int, *said: str | None) -> None:
        """Wait for a verdict: its status, then the type of the violation that is open."""

        async def is_so() -> bool:
            query = """
                SELECT verdict.status, violation.type FROM verdict
                LEFT JOIN violation ON violation.image_tag_id = verdict.image_tag_id AND closed_at IS NULL
                WHERE verdict.image_tag_id = :id
            """
            return [tuple(row) for row in await self.fleet.rows(query, id=image_tag_id)] == [said]

        await eventually(is_so)

    async def violations(self, image_tag_id: int) -> list[Row[Any]]:
        """All there ever were of an image tag, in order."""
        return list(
            await self.fleet.rows("SELECT * FROM violation WHERE image_tag_id = :id ORDER BY id", id=image_tag_id)
        )


@pytest.fixture
async def scene(whole_service: RunningService, fleet: Fleet, tmp_path: Path) -> AsyncIterator[Scene]:
    """The registry's configuration is what our instructions say."""
    port = free_port()
    added = await whole_service.post(
        "/api/v1/registries", {"host": f"127.0.0.1:{port}", "url": f"http://127.0.0.1:{port}"}
    )
    setup = await whole_service.post(f"/api/v1/registries/{added['id']}/webhook", {"product": "distribution"})
    notifications = setup["configuration"].replace(whole_service.services.settings.public_url, whole_service.url)
    async with serving_docker_registry(tmp_path, port=port, more=notifications) as registry:
        yield Scene(whole_service, fleet, registry)


@pytest.mark.req("I1", "I18", "I27", "I29", "I30", "R2", "R14")
async def test_verdicts_follow_what_is_done_at_the_registry_and_when(scene: Scene) -> None:
    await scene.push(FIRST)
    running = await scene.run(FIRST.manifest.digest, "pulled")
    loaded = await scene.run(FIRST.config.digest, "loaded")
    for image_tag_id in (running, loaded):
        await scene.becomes(image_tag_id, "No Issues", None)

    retagged = await scene.push(SECOND)
    for image_tag_id in (running, loaded):
        await scene.becomes(image_tag_id, "Invalid Image Integrity", "Digest Mismatch")
    await scene.service.settle()
    (mismatch,) = await scene.violations(running)
    assert retagged <= mismatch.first_detected_at + SLACK
    pushed_at = datetime.fromisoformat(mismatch.evidence["pushed_at"])
    assert retagged - SLACK <= pushed_at <= mismatch.first_detected_at + SLACK
    assert mismatch.evidence["registry_digest"] == SECOND.manifest.digest
    differences = mismatch.evidence["differences"]
    assert differences["layers"]["only_running"][0]["digest"] == FIRST.layers[0].digest
    assert differences["layers"]["only_expected"][0]["digest"] == SECOND.layers[0].digest

    restored = await scene.push(FIRST)
    await scene.becomes(running, "No Issues", None)
    (mismatch,) = await scene.violations(running)
    assert restored <= mismatch.closed_at + SLACK

    deleted = await scene.delete(FIRST)
    await scene.becomes(running, "Invalid Image Source", "Missing Source")
    await scene.becomes(loaded, "Invalid Image Source", "Missing Source")
    await scene.registry.collect_garbage()
    await scene.fleet.rows("UPDATE source_record SET next_check_at = now()")
    await scene.service.settle()
    await scene.becomes(running, "Invalid Image Source", "Missing Source")
    _, missing = await scene.violations(running)
    assert deleted <= missing.first_detected_at + SLACK
    assert datetime.fromisoformat(missing.evidence["deleted_at"]) >= deleted - SLACK

    await scene.push(SECOND)
    await scene.becomes(running, "Invalid Image Integrity", "Digest Mismatch")
    await scene.service.settle()
    first, missing, again = await scene.violations(running)
    assert missing.close_reason == "became Digest Mismatch"
    assert (again.occurrence, again.reopened_from) == (2, first.id)
    assert again.first_ever_detected_at == first.first_detected_at < again.first_detected_at
    history = await scene.fleet.rows("SELECT digest FROM tag_history ORDER BY first_seen_at")
    assert [row.digest for row in history] == [FIRST.manifest.digest, SECOND.manifest.digest]
    (counted,) = await scene.service.get("/api/v1/registries")
    assert counted["webhooks_accepted"] >= 5
    assert counted["webhooks_refused"] == 0


@pytest.mark.req("I30", "I32")
async def test_what_was_loaded_on_a_node_and_what_a_moving_tag_left_behind(scene: Scene) -> None:
    await scene.push(FIRST)
    await scene.push(FIRST, "latest")
    loaded = await scene.run(LOADED.config.digest, "never pushed")
    latest = await scene.run(FIRST.manifest.digest, "latest", tag="latest")
    pinned = await scene.run(FIRST.manifest.digest, "pinned", tag="", pinned_digest=FIRST.manifest.digest)
    await scene.becomes(loaded, "Invalid Image Integrity", "Digest Mismatch")
    await scene.becomes(latest, "No Issues", None)
    await scene.becomes(pinned, "No Issues", None)
    await scene.service.settle()
    (violation,) = await scene.violations(loaded)
    assert violation.evidence["differences"]["problem"].startswith("the registry does not have the running image")
    await scene.push(SECOND, "latest")
    await scene.becomes(latest, "Invalid Image Integrity", "Post-Deployment Tag Update")
    await scene.becomes(pinned, "No Issues", None)
    await scene.delete(FIRST)
    await scene.becomes(pinned, "Invalid Image Source", "Missing Source")
