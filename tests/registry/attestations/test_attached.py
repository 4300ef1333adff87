"""Attachments are found wherever clients put them, and a registry cannot be made to give more than is read."""

import json

import aiohttp
import pytest
from tests.support.attestations import push_artifact, push_manifest, statement
from tests.support.registries import ServedRegistry, answering, serve_registry

from deadlight.demo.images import Blob, ImageSpec, build_image
from deadlight.registry import Endpoint, RegistryClient, UnavailableError
from deadlight.registry.attestations.attached import MAX_ATTACHED, Kind, collect
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST

REPOSITORY = "shop/web"
IMAGE = build_image(ImageSpec([{"app": b"x"}]))
DIGEST = IMAGE.manifest.digest


def client_of(registry: ServedRegistry, http: aiohttp.ClientSession) -> RegistryClient:
    return RegistryClient(Endpoint("registry.test", registry.url), http)


def layer(kind: Kind = Kind.STATEMENT, content: bytes = b"{}", **annotations: str) -> tuple[str, bytes, dict[str, str]]:
    return (kind.value, content, annotations)


def index_of(*entries: dict[str, object]) -> Blob:
    return Blob(OCI_INDEX, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode())


async def test_an_image_that_nothing_is_attached_to_gives_nothing() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        found = await collect(client_of(registry, http), REPOSITORY, [DIGEST])
    assert (found.attached, found.problems) == ((), ())


async def test_cosign_s_tags_are_read() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        tag = DIGEST.replace(":", "-")
        await push_artifact(registry.http, registry.url, REPOSITORY, f"{tag}.sig", [layer(Kind.SIMPLE_SIGNATURE)])
        await push_artifact(registry.http, registry.url, REPOSITORY, f"{tag}.att", [layer(Kind.ENVELOPE)])
        found = await collect(client_of(registry, http), REPOSITORY, [DIGEST])
    assert [item.kind for item in found.attached] == [Kind.SIMPLE_SIGNATURE, Kind.ENVELOPE]


async def test_the_tag_that_stands_in_for_the_referrers_api_is_read() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        bundle = await push_artifact(registry.http, registry.url, REPOSITORY, "", [layer(Kind.BUNDLE)], DIGEST)
        entry = {"mediaType": OCI_MANIFEST, "digest": bundle, "size": 1}
        await push_manifest(registry.http, registry.url, REPOSITORY, DIGEST.replace(":", "-"), index_of(entry))
        found = await collect(client_of(registry, http), REPOSITORY, [DIGEST])
    assert [item.kind for item in found.attached] == [Kind.BUNDLE]


async def test_buildkit_s_entry_is_read_for_its_image_only() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        said = await push_artifact(
            registry.http, registry.url, REPOSITORY, "", [layer(content=statement(DIGEST)), layer(content=b"other")]
        )
        notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": DIGEST}
        index = index_of(
            IMAGE.manifest.descriptor(),
            {"mediaType": OCI_MANIFEST, "digest": said, "size": 1, "annotations": notes},
        )
        top = await push_manifest(registry.http, registry.url, REPOSITORY, "1.0.0", index)
        client = client_of(registry, http)
        of_image = await collect(client, REPOSITORY, [DIGEST, top])
        of_other = await collect(client, REPOSITORY, [f"sha256:{'0' * 64}", top])
    assert [item.content for item in of_image.attached] == [statement(DIGEST), b"other"]
    assert of_other.attached == ()


async def test_an_sbom_is_named_and_left_alone() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        sbom = (Kind.STATEMENT.value, b"{}", {"in-toto.io/predicate-type": "https://spdx.dev/Document"})
        await push_artifact(registry.http, registry.url, REPOSITORY, f"{DIGEST.replace(':', '-')}.att", [sbom])
        found = await collect(client_of(registry, http), REPOSITORY, [DIGEST])
    assert found.attached == ()
    assert [(item.type, item.size) for item in found.unread] == [("https://spdx.dev/Document", 2)]


async def test_no_more_than_a_bounded_number_is_read_and_that_is_said() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        pushed = [
            await push_artifact(registry.http, registry.url, REPOSITORY, "", [layer(content=b"%d" % number)])
            for number in range(MAX_ATTACHED + 3)
        ]
        entries = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in pushed]
        await push_manifest(registry.http, registry.url, REPOSITORY, DIGEST.replace(":", "-"), index_of(*entries))
        found = await collect(client_of(registry, http), REPOSITORY, [DIGEST])
    assert len(found.attached) == MAX_ATTACHED
    assert "the rest was not read" in found.problems[0]


async def test_a_registry_that_cannot_be_asked_is_no_unsigned_image() -> None:
    async with serve_registry() as registry, aiohttp.ClientSession() as http:
        await registry.push(IMAGE)
        registry.trouble = answering(503)
        with pytest.raises(UnavailableError):
            await collect(client_of(registry, http), REPOSITORY, [DIGEST])
