"""Reading a layer returns a value, whatever happens on the way."""

import asyncio
import time
from dataclasses import replace

import pytest
from tests.server.scans.conftest import Scans
from tests.server.scans.hostile import image_of
from tests.support.images import debian, image
from tests.support.registries import ServedRegistry, answering

from deadlight.demo.images import BuiltImage, build_layer
from deadlight.registry import Endpoint
from deadlight.scanner import ExposureSetup, LayerFacts, image_analyzers
from deadlight.server.scans.layer_process import LayerOutcome, LayerRequest, SquashRequest, read_layer, squash_layers

WEB = image(debian({"bash": "5.2-1"}))
ANALYZERS = frozenset(analyzer.name for analyzer in image_analyzers())
LARGE = image_of(build_layer({"zeros": bytes(32_000_000)}))
"""Larger than what may wait between the network and the scanner."""


def request_of(registry: ServedRegistry, built: BuiltImage) -> LayerRequest:
    layer = built.layers[0]
    endpoint = Endpoint(registry.host, registry.url)
    return LayerRequest(
        endpoint, "shop/web", layer.digest, layer.media_type, len(layer.content), ANALYZERS, ExposureSetup()
    )


async def test_a_layer_becomes_facts_that_can_be_squashed(registry: ServedRegistry) -> None:
    await registry.push(WEB)
    outcome = await asyncio.to_thread(read_layer, request_of(registry, WEB))
    assert not outcome.error
    assert set(outcome.parts) == {"listing", "os-release", "dpkg"}
    squashed = squash_layers(SquashRequest([(WEB.layers[0].digest, outcome.parts)]))
    assert [(item.package.name, item.files) for item in squashed.packages] == [("bash", ())]


async def test_a_layer_larger_than_what_may_wait_in_memory_is_read(registry: ServedRegistry) -> None:
    await registry.push(LARGE)
    outcome = await asyncio.to_thread(read_layer, request_of(registry, LARGE))
    facts = LayerFacts.from_parts("", outcome.parts)
    assert [entry.path for entry in facts.listing.entries] == ["zeros"]


async def test_a_registry_that_cannot_be_asked_is_told_from_a_bad_layer(registry: ServedRegistry) -> None:
    await registry.push(WEB)
    registry.trouble = answering(429, Retry_After="120")
    outcome = await asyncio.to_thread(read_layer, request_of(registry, WEB))
    reason = "it limits our requests (429 Too Many Requests)"
    assert outcome == LayerOutcome(error=reason, registry=registry.host, retry_after_seconds=120.0)


async def test_a_blob_larger_than_its_manifest_says_is_not_read_on(registry: ServedRegistry) -> None:
    await registry.push(LARGE)
    outcome = await asyncio.to_thread(read_layer, replace(request_of(registry, LARGE), size=1000))
    assert "it sends a blob larger than 1000 bytes" in outcome.error


async def test_an_encrypted_layer_is_called_so(registry: ServedRegistry) -> None:
    await registry.push(LARGE)
    encrypted = replace(request_of(registry, LARGE), media_type="application/vnd.oci.image.layer.v1.tar+encrypted")
    outcome = await asyncio.to_thread(read_layer, encrypted)
    assert outcome.error == (
        f"layer {LARGE.layers[0].digest}: is encrypted (application/vnd.oci.image.layer.v1.tar+encrypted) and cannot "
        "be scanned"
    )


class BreaksLate(str):
    """A media type that breaks the scanner, once more of the layer has come than may wait."""

    __slots__ = ()

    def endswith(self, *_: object) -> bool:
        time.sleep(0.5)
        raise MemoryError


@pytest.mark.timeout(20)
async def test_a_scanner_that_breaks_unexpectedly_leaves_no_transfer_waiting_for_it(registry: ServedRegistry) -> None:
    await registry.push(LARGE)
    broken = replace(request_of(registry, LARGE), media_type=BreaksLate())
    with pytest.raises(MemoryError):
        await asyncio.to_thread(read_layer, broken)


def test_facts_that_are_damaged_are_an_error_not_an_empty_image() -> None:
    assert squash_layers(SquashRequest([("sha256:1", {"listing": b"nonsense"})])).error


async def test_an_image_of_which_stored_facts_are_damaged_fails_by_name_and_they_are_read_again(scans: Scans) -> None:
    image_tag_id = await scans.observe(WEB)
    await scans.run(image_tag_id)
    await scans.fleet.rows("UPDATE layer_part SET facts = 'nonsense'")
    other = await scans.observe(image(debian({"bash": "5.2-1"}), {"etc/other": b""}), "shop/other")
    row = await scans.run(other)
    assert row.status == "failed"
    assert row.error.startswith(f"{scans.registry.host}/shop/other:1.0.0: ")
    await scans.fleet.rows("UPDATE scan SET status = 'queued'")
    assert (await scans.run(other)).status == "done"
