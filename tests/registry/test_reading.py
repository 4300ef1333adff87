"""Source records: what a tag is now, read from manifests, indexes and configurations of every kind."""

import json

import pytest
from tests.registry.conftest import DIGEST, content_reply, error_reply, index, manifest, reply

from deadlight.model.image import Platform
from deadlight.registry import NotModified, SourceManifest, UnavailableError
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, UNKNOWN_PLATFORM, digest_of

TAG = "/v2/shop/api/manifests/1"
FOUND = content_reply(manifest(), OCI_MANIFEST, etag='"e"')


def path_of(digest: str, kind: str = "manifests") -> str:
    return f"/v2/shop/api/{kind}/{digest}"


@pytest.mark.req("I1")
async def test_an_unmoved_tag_costs_one_head(server, connect):
    server.answer_both(TAG, FOUND)
    server.answer(path_of(DIGEST, "blobs"), reply(404))
    client = connect(server)
    first = await client.fetch_source_record("shop/api", "1")
    server.asked.clear()
    assert await client.fetch_source_record("shop/api", "1", previous=first) is first
    assert [asked.method for asked in server.asked] == ["HEAD"]


@pytest.mark.req("I1")
async def test_an_unmoved_tag_costs_a_conditional_get_where_head_is_not_supported(server, connect):
    server.answer(TAG, FOUND, reply(304))
    server.answer(TAG, reply(405), method="HEAD")
    client = connect(server)
    first = await client.fetch_source_record("shop/api", "1")
    assert await client.fetch_source_record("shop/api", "1", previous=first) is first
    assert server.asked[-1].headers["if-none-match"] == '"e"'


async def test_not_modified_is_told_apart_from_content(server, connect):
    server.answer(TAG, reply(304))
    assert await connect(server).fetch_manifest("shop/api", "1", etag='"e"') == NotModified('"e"')


def entry(content: bytes, media_type: str = OCI_MANIFEST, **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def serve_content(server, *contents: bytes, media_type: str = OCI_MANIFEST) -> None:
    for content in contents:
        server.answer(path_of(digest_of(content)), content_reply(content, media_type))


AMD = manifest(f"sha256:{'1' * 64}")
ARM = manifest(f"sha256:{'2' * 64}")
AMD_PLATFORM = {"os": "linux", "architecture": "amd64"}
ARM_PLATFORM = {"os": "linux", "architecture": "arm64"}
AMD_IMAGE = SourceManifest(Platform(), digest_of(AMD), f"sha256:{'1' * 64}")
ARM_IMAGE = SourceManifest(Platform("linux", "arm64"), digest_of(ARM), f"sha256:{'2' * 64}")


@pytest.mark.req("R14")
async def test_only_the_images_of_an_index_are_recorded(server, connect):
    artifact = manifest(config_type="application/vnd.example.chart+json")
    listing = index(
        entry(AMD, platform=AMD_PLATFORM),
        entry(b"attestation", platform={"os": "unknown", "architecture": "unknown"}),
        entry(b"signature", platform=AMD_PLATFORM, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        entry(b"chart", media_type="application/vnd.example.chart+tar"),
        entry(artifact, platform=AMD_PLATFORM),
        entry(ARM, platform=ARM_PLATFORM),
    )
    server.answer_both(TAG, content_reply(listing, OCI_INDEX))
    serve_content(server, AMD, ARM, artifact)
    record = await connect(server).fetch_source_record("shop/api", "1")
    assert record.manifests == (AMD_IMAGE, ARM_IMAGE)
    assert (record.digest, record.is_index) == (digest_of(listing), True)


async def test_an_index_in_an_index_is_followed_once(server, connect):
    inner = index(entry(ARM, platform=ARM_PLATFORM))
    outer = index(entry(AMD, platform=AMD_PLATFORM), entry(inner, OCI_INDEX))
    server.answer_both(TAG, content_reply(outer, OCI_INDEX))
    serve_content(server, AMD, ARM)
    serve_content(server, inner, media_type=OCI_INDEX)
    record = await connect(server).fetch_source_record("shop/api", "1")
    assert record.manifests == (AMD_IMAGE, ARM_IMAGE)
    deeper = index(entry(outer, OCI_INDEX))
    server.answer_both(TAG, content_reply(deeper, OCI_INDEX))
    serve_content(server, outer, media_type=OCI_INDEX)
    with pytest.raises(UnavailableError, match="nested deeper"):
        await connect(server).fetch_source_record("shop/api", "1")


async def test_nested_indexes_cannot_multiply(server, connect):
    inner = index(*[entry(AMD)] * 600)
    server.answer_both(TAG, content_reply(index(entry(inner, OCI_INDEX), entry(inner, OCI_INDEX)), OCI_INDEX))
    serve_content(server, inner, media_type=OCI_INDEX)
    with pytest.raises(UnavailableError, match="more than 1000 manifests"):
        await connect(server).fetch_source_record("shop/api", "1")


async def test_of_a_long_index_only_so_many_manifests_are_read(server, connect):
    listing = index(*[entry(AMD, platform=AMD_PLATFORM)] * 100)
    server.answer_both(TAG, content_reply(listing, OCI_INDEX))
    serve_content(server, AMD)
    record = await connect(server).fetch_source_record("shop/api", "1")
    assert len(record.manifests) == 100
    assert [bool(image.config_digest) for image in record.manifests] == [True] * 64 + [False] * 36


@pytest.mark.req("I29")
async def test_an_index_entry_that_cannot_be_asked_for_leaves_the_record_unknown(server, connect):
    """A record without its digests would be kept, and compared with, for as long as the tag does not move."""
    server.answer_both(TAG, content_reply(index(entry(AMD), entry(ARM)), OCI_INDEX))
    serve_content(server, AMD)
    server.answer(path_of(digest_of(ARM)), reply(500))
    with pytest.raises(UnavailableError, match="500"):
        await connect(server).fetch_source_record("shop/api", "1")


@pytest.mark.req("I29")
@pytest.mark.parametrize(
    "config", [error_reply(404, "BLOB_UNKNOWN"), reply(200, b"{}"), reply(200, b"other"), reply(307)]
)
async def test_that_a_tag_exists_does_not_depend_on_its_configuration(server, connect, config):
    server.answer_both(TAG, content_reply(manifest(digest_of(b"{}")), OCI_MANIFEST))
    server.answer(path_of(digest_of(b"{}"), "blobs"), config)
    record = await connect(server).fetch_source_record("shop/api", "1")
    assert [image.platform for image in record.manifests] == [UNKNOWN_PLATFORM]


async def test_an_artifact_that_is_no_image_has_a_record_all_the_same(server, connect):
    server.answer_both(
        TAG, content_reply(manifest(config_type="application/vnd.cncf.helm.config.v1+json"), OCI_MANIFEST)
    )
    record = await connect(server).fetch_source_record("shop/api", "1")
    assert [image.platform for image in record.manifests] == [UNKNOWN_PLATFORM]
    assert server.count("GET", "/v2/shop/api/blobs") == 0


async def test_a_configuration_that_is_none_is_unavailable(server, connect):
    server.answer(path_of(digest_of(b"[]"), "blobs"), reply(200, b"[]"))
    with pytest.raises(UnavailableError, match="the image's configuration is a document that cannot be read"):
        await connect(server).fetch_config("shop/api", digest_of(b"[]"))


async def test_a_configuration_too_large_is_not_read(server, connect):
    content = json.dumps({"os": "x" * 9_000_000}).encode()
    server.answer(path_of(digest_of(content), "blobs"), reply(200, content))
    with pytest.raises(UnavailableError, match="larger than"):
        await connect(server).fetch_config("shop/api", digest_of(content))


async def test_a_configuration_that_a_mirror_garbled_comes_from_the_origin(server, start_server, connect):
    mirror = await start_server()
    mirror.answer(path_of(digest_of(b"{}"), "blobs"), reply(200, b"garbled"))
    server.answer(path_of(digest_of(b"{}"), "blobs"), reply(200, b"{}"))
    config = await connect(server, mirrors=(mirror.url,)).fetch_config("shop/api", digest_of(b"{}"))
    assert config.digest == digest_of(b"{}")
