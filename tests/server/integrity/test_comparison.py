"""A mismatch says in which layers and settings the images differ, from the registry or from what was scanned."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.server.integrity.checks import DIGEST, PUSHED, WEB, Checks
from tests.support.fleet import digest
from tests.support.images import image
from tests.support.registries import answering

from deadlight.demo.images import build_index
from deadlight.registry.documents import parse_config
from deadlight.server.integrity.comparison import CompareImages, run_compare_images
from deadlight.server.jobs.queue import RetryLaterError

BASE = {"etc/os": b"base"}
RUNNING = image(BASE, {"app": b"tampered"}, env={"MODE": "debug", "API_TOKEN": "one"})
EXPECTED = image(BASE, {"app": b"built"}, env={"MODE": "production", "API_TOKEN": "two"})


async def compare(checks: Checks) -> dict[str, Any]:
    """Run the queued comparison; the differences in the evidence."""
    (job,) = await checks.fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint = 'compare_images'")
    await run_compare_images(checks.services, msgspec.json.decode(job.payload, type=CompareImages))
    return await differences(checks)


async def differences(checks: Checks) -> dict[str, Any]:
    (row,) = await checks.fleet.rows("SELECT evidence -> 'differences' AS found FROM violation ORDER BY id LIMIT 1")
    found: dict[str, Any] = row.found
    return found


async def mismatch(checks: Checks, *, keep: bool = True) -> int:
    """The tag is pushed anew after the deployment; the registry keeps what runs, or not."""
    await checks.registry.push(RUNNING)
    image_tag_id = await checks.deploy(RUNNING.manifest.digest)
    await checks.registry.push(EXPECTED)
    if not keep:
        await checks.registry.delete(RUNNING.manifest.digest)
    await checks.check()
    return image_tag_id


@pytest.mark.req("I9", "I30")
async def test_the_registry_tells_what_differs_while_it_has_both(checks: Checks) -> None:
    await mismatch(checks)
    found = await compare(checks)
    layers = found["layers"]
    assert (layers["common"], layers["only_running_count"], layers["only_expected_count"]) == (1, 1, 1)
    assert layers["only_running"][0]["digest"] == RUNNING.layers[1].digest
    assert layers["only_running"][0]["size"] == len(RUNNING.layers[1].content)
    assert found["config"] == [
        {"field": "environment API_TOKEN", "running": "(hidden)", "expected": "(hidden)"},
        {"field": "environment MODE", "running": "debug", "expected": "production"},
    ]
    assert found["problem"] == ""


async def test_an_index_is_compared_by_the_image_of_the_platform(checks: Checks) -> None:
    running, expected = build_index([RUNNING]), build_index([EXPECTED])
    await checks.registry.push(running)
    await checks.deploy(running.index.digest)
    await checks.registry.push(expected)
    await checks.check()
    assert (await compare(checks))["layers"]["common"] == 1


async def test_what_the_registry_has_lost_is_known_from_its_scan(checks: Checks) -> None:
    image_tag_id = await mismatch(checks, keep=False)
    config = replace(parse_config(RUNNING.config.content, digest=RUNNING.config.digest), user="root")
    await checks.fleet.rows(
        """
        WITH made AS (
            INSERT INTO image (digest, config_digest, platform, layer_digests, config)
            VALUES (:digest, '', 'linux/amd64', :layers, CAST(:config AS jsonb)) RETURNING id)
        INSERT INTO image_tag_image (image_tag_id, image_id) SELECT :image_tag_id, id FROM made
        """,
        digest=digest("scanned"),
        layers=[layer.digest for layer in RUNNING.layers],
        config=msgspec.json.encode(config).decode(),
        image_tag_id=image_tag_id,
    )
    found = await compare(checks)
    assert found["layers"]["only_running"] == [{"digest": RUNNING.layers[1].digest, "size": None, "created_by": ""}]
    assert {"field": "user", "running": "root", "expected": ""} in found["config"]


async def test_what_nobody_knows_any_more_is_said_so(checks: Checks) -> None:
    await mismatch(checks, keep=False)
    found = await compare(checks)
    assert found["problem"].startswith("the registry does not have the running image, and it has not been scanned")
    assert found["layers"]["common"] is None


async def test_a_registry_that_is_away_is_asked_again_as_long_as_it_matters(checks: Checks) -> None:
    await mismatch(checks)
    checks.registry.trouble = answering(500)
    with pytest.raises(RetryLaterError) as later:
        await compare(checks)
    assert later.value.delay >= timedelta(seconds=30)
    assert "it failed (500 Internal Server Error)" in (await differences(checks))["problem"]
    await checks.fleet.rows("UPDATE violation SET closed_at = now()")
    await compare(checks)  # over: nothing is asked
    checks.registry.trouble = None
    await checks.fleet.rows("UPDATE violation SET closed_at = NULL")
    assert (await compare(checks))["problem"] == ""


async def test_something_else_than_an_image_under_the_tag_is_no_failure(checks: Checks) -> None:
    await checks.registry.push(WEB)
    await checks.deploy(DIGEST)
    await checks.registry.push(PUSHED)
    await checks.check()
    await checks.registry.delete(PUSHED.manifest.digest)
    assert (await compare(checks))["problem"] == "the registry does not have the expected image any more"
