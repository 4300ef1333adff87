"""What every registry must do for our client, proved on Debian's docker-registry and on our demonstration registry."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from deadlight.demo.images import (
    Blob,
    BuiltImage,
    File,
    ImageSpec,
    PushedDigests,
    PushError,
    build_image,
    build_index,
    push_image,
)
from deadlight.demo.registry import DemoRegistry, serve_registry
from deadlight.model.image import Platform
from deadlight.registry import (
    Endpoint,
    Manifest,
    NotFoundError,
    NotModified,
    RegistryClient,
    UnavailableError,
    resolve_platform,
)
from deadlight.registry.documents import DOCKER_INDEX, DOCKER_MANIFEST, OCI_MANIFEST, digest_of

USERNAME, PASSWORD = "auditor", "correct horse"
HTPASSWD = f"{USERNAME}:$2b$04$f.tp0Pq0t6UyFZy94HoZTOL6pC8l0SHhXAjLZQ52GvbzcVazcHsLq\n"
"""bcrypt of PASSWORD, the only hash that docker-registry reads."""

ARM = Platform("linux", "arm64", "v8")
KINDS = ("docker-registry", "demonstration registry")


@dataclass(frozen=True)
class Running:
    """A registry to test against, an HTTP session that may push to it, and our client of it."""

    url: str
    session: aiohttp.ClientSession
    client: RegistryClient

    async def push(self, tag: str, *contents: bytes, repository: str = "shop/api") -> tuple[BuiltImage, PushedDigests]:
        image = build_image(ImageSpec([{"etc/content": content} for content in contents]))
        return image, await push_image(self.session, self.url, repository, tag, image)

    async def delete(self, path: str) -> int:
        async with self.session.delete(f"{self.url}/v2/{path}") as response:
            return response.status

    async def get_json(self, path: str) -> tuple[int, dict[str, object]]:
        async with self.session.get(f"{self.url}/v2/{path}") as response:
            return response.status, await response.json()


@pytest.fixture(params=KINDS)
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    async with serve(request.param, tmp_path) as url, aiohttp.ClientSession() as session:
        host = URL(url).authority
        yield Running(url, session, RegistryClient(Endpoint(host, url=url), session))


@pytest.fixture(params=KINDS)
async def locked_registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    login = {"Authorization": aiohttp.encode_basic_auth(USERNAME, PASSWORD)}
    async with (
        serve(request.param, tmp_path, locked=True) as url,
        aiohttp.ClientSession(headers=login) as pusher,
        aiohttp.ClientSession() as session,
    ):
        endpoint = Endpoint(URL(url).authority, url=url, username=USERNAME, password=PASSWORD)
        yield Running(url, pusher, RegistryClient(endpoint, session))


@asynccontextmanager
async def serve(kind: str, folder: Path, *, locked: bool = False) -> AsyncIterator[str]:
    if kind == "docker-registry":
        async with run_docker_registry(folder, locked=locked) as url:
            yield url
        return
    demo = DemoRegistry(username=USERNAME, password=PASSWORD) if locked else DemoRegistry()
    async with serve_registry(demo) as url:
        yield url


@asynccontextmanager
async def run_docker_registry(folder: Path, *, locked: bool) -> AsyncIterator[str]:
    if shutil.which("docker-registry") is None:
        missing = "docker-registry is not installed (Debian package docker-registry)"
        if "runc" in os.environ.get("DEADLIGHT_REQUIRE", "").split(","):
            pytest.fail(missing)
        pytest.skip(missing)
    (folder / "htpasswd").write_text(HTPASSWD)
    settings = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"inmemory": {}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "tests"},
    }
    if locked:
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))
    process = await asyncio.create_subprocess_exec(
        "docker-registry", "serve", str(folder / "config.yml"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    draining = None
    try:
        listening = None
        while listening is None:
            line = (await process.stderr.readline()).decode()
            assert line, "docker-registry ended before it listened"
            listening = re.search(r"listening on ([\d.:]+)", line)
        draining = asyncio.create_task(process.stderr.read())
        yield f"http://{listening[1]}"
    finally:
        process.kill()
        await process.wait()
        if draining is not None:
            await draining


# --- what is there ------------------------------------------------------------------------------------------


@pytest.mark.req("R2", "R14")
async def test_a_pushed_tag_is_found_by_head_with_its_digest(registry: Running):
    image, pushed = await registry.push("1.0.0", b"one")
    head = await registry.client.head_manifest("shop/api", "1.0.0")
    assert (head.digest, head.media_type, head.size) == (pushed.digest, OCI_MANIFEST, len(image.manifest.content))


async def test_a_manifest_is_fetched_by_tag_and_by_digest(registry: Running):
    image, pushed = await registry.push("1.0.0", b"one", b"two")
    by_tag = await registry.client.fetch_manifest("shop/api", "1.0.0")
    by_digest = await registry.client.fetch_manifest("shop/api", pushed.digest)
    assert isinstance(by_tag, Manifest)
    assert isinstance(by_digest, Manifest)
    assert by_tag.content == by_digest.content == image.manifest.content
    assert [layer.digest for layer in by_tag.layers] == [layer.digest for layer in image.layers]


async def test_a_manifest_is_not_sent_again_to_who_knows_its_entity_tag(registry: Running):
    await registry.push("1.0.0", b"one")
    manifest = await registry.client.fetch_manifest("shop/api", "1.0.0")
    assert isinstance(manifest, Manifest)
    assert await registry.client.fetch_manifest("shop/api", "1.0.0", etag=manifest.etag) == NotModified(manifest.etag)


async def test_the_configuration_tells_how_the_image_wants_to_run(registry: Running):
    image = build_image(
        ImageSpec(
            [{"bin/app": File(b"#!/bin/sh\n", mode=0o755)}],
            platform=ARM,
            entrypoint=["/bin/app"],
            command=["--serve"],
            env={"PATH": "/bin"},
            labels={"org.opencontainers.image.source": "https://example.com/shop"},
            user="1000",
            working_directory="/srv",
            created="2026-01-02T03:04:05.123456789Z",
        )
    )
    pushed = await push_image(registry.session, registry.url, "shop/api", "1", image)
    config = await registry.client.fetch_config("shop/api", pushed.configs[0])
    assert (config.entrypoint, config.command, config.env) == (("/bin/app",), ("--serve",), ("PATH=/bin",))
    assert (config.platform, config.user, config.working_directory) == (ARM, "1000", "/srv")
    assert config.labels == {"org.opencontainers.image.source": "https://example.com/shop"}
    assert len(config.diff_ids) == 1
    assert config.created_at is not None
    assert config.created_at.isoformat() == "2026-01-02T03:04:05.123456+00:00"


async def test_a_layer_is_streamed_as_stored(registry: Running):
    image, _ = await registry.push("1", os.urandom(1_000_000))
    layer = image.layers[0]
    async with aclosing(registry.client.iter_blob("shop/api", layer.digest, size_limit=2_000_000)) as pieces:
        assert b"".join([piece async for piece in pieces]) == layer.content


async def test_a_part_of_a_blob_can_be_asked_for(registry: Running):
    image, _ = await registry.push("1", b"one")
    layer = image.layers[0]
    url = f"{registry.url}/v2/shop/api/blobs/{layer.digest}"
    async with registry.session.get(url, headers={"Range": "bytes=10-"}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes 10-{len(layer.content) - 1}/{len(layer.content)}"
        assert await response.read() == layer.content[10:]


async def test_a_blob_can_be_pushed_in_pieces(registry: Running):
    content = b"first, second"
    digest = digest_of(content)
    location = URL(f"{registry.url}/v2/shop/api/blobs/uploads/")
    async with registry.session.post(location) as response:
        location = location.join(URL(response.headers["Location"], encoded=True))
    for first, piece in ((0, content[:5]), (5, content[5:])):
        headers = {"Content-Range": f"{first}-{first + len(piece) - 1}", "Content-Type": "application/octet-stream"}
        async with registry.session.patch(location, data=piece, headers=headers) as response:
            assert response.status == 202
            location = location.join(URL(response.headers["Location"], encoded=True))
    async with registry.session.put(location.extend_query(digest=digest)) as response:
        assert response.status == 201
    pieces = registry.client.iter_blob("shop/api", digest, size_limit=100)
    assert b"".join([piece async for piece in pieces]) == content


async def test_content_that_is_not_what_its_digest_says_is_refused(registry: Running):
    image = build_image(ImageSpec([{"a": b"a"}]))
    async with registry.session.post(f"{registry.url}/v2/shop/api/blobs/uploads/") as response:
        location = response.url.join(URL(response.headers["Location"], encoded=True))
    async with registry.session.put(
        location.extend_query(digest=image.config.digest),
        data=b"something else",
        headers={"Content-Type": "application/octet-stream"},
    ) as response:
        assert response.status == 400


async def test_a_manifest_is_refused_before_its_layers_are_there(registry: Running):
    image = build_image(ImageSpec([{"a": b"a"}]))
    missing = BuiltImage(image.platform, image.manifest, image.config, layers=())
    with pytest.raises(PushError, match="BLOB_UNKNOWN"):
        await push_image(registry.session, registry.url, "shop/api", "1", missing)


async def test_repositories_are_listed_page_by_page_and_tags_in_order(registry: Running):
    for repository, tag in (("shop/web", "1"), ("shop/api", "latest"), ("shop/api", "1.0.0")):
        await registry.push(tag, b"one", repository=repository)
    assert await registry.get_json("_catalog?n=1") == (200, {"repositories": ["shop/api"]})
    assert await registry.get_json("_catalog?n=1&last=shop/api") == (200, {"repositories": ["shop/web"]})
    assert await registry.get_json("shop/api/tags/list") == (200, {"name": "shop/api", "tags": ["1.0.0", "latest"]})


# --- what a tag is now --------------------------------------------------------------------------------------


@pytest.mark.req("R2", "R14", "R7")
async def test_a_record_holds_every_digest_a_kubelet_may_report(registry: Running):
    images = [build_image(ImageSpec([{"a": b"a"}], platform=platform)) for platform in (Platform(), ARM)]
    index = build_index(images, annotations={"org.opencontainers.image.version": "1.0.0"})
    pushed = await push_image(registry.session, registry.url, "shop/api", "1.0.0", index)
    record = await registry.client.fetch_source_record("shop/api", "1.0.0")
    assert record.is_index
    assert record.digests == {pushed.digest, *pushed.manifests, *pushed.configs}
    assert record.annotations == {"org.opencontainers.image.version": "1.0.0"}
    chosen = resolve_platform(record, Platform("linux", "arm64"))
    assert chosen is not None
    assert (chosen.digest, chosen.config_digest) == (pushed.manifests[1], pushed.configs[1])


@pytest.mark.req("R14")
async def test_a_record_of_a_single_image_takes_the_platform_from_its_configuration(registry: Running):
    image = build_image(ImageSpec([{"a": b"a"}], platform=ARM))
    pushed = await push_image(registry.session, registry.url, "shop/api", "1", image)
    record = await registry.client.fetch_source_record("shop/api", "1")
    assert not record.is_index
    assert record.digests == {pushed.digest, pushed.configs[0]}
    assert [manifest.platform for manifest in record.manifests] == [ARM]


async def test_docker_s_own_media_types_are_read_as_well(registry: Running):
    image = build_image(ImageSpec([{"a": b"a"}]))
    config = Blob("application/vnd.docker.container.image.v1+json", image.config.content)
    manifest = Blob(
        DOCKER_MANIFEST,
        json.dumps(
            {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config.descriptor(), "layers": []}
        ).encode(),
    )
    docker_image = BuiltImage(image.platform, manifest, config, ())
    platform = {"os": "linux", "architecture": "amd64"}
    entries = [{**manifest.descriptor(), "platform": platform}]
    listed = Blob(
        DOCKER_INDEX, json.dumps({"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": entries}).encode()
    )
    await push_image(registry.session, registry.url, "shop/api", "one", docker_image)
    async with registry.session.put(
        f"{registry.url}/v2/shop/api/manifests/all", data=listed.content, headers={"Content-Type": DOCKER_INDEX}
    ) as response:
        assert response.status == 201
    record = await registry.client.fetch_source_record("shop/api", "all")
    assert record.digests == {listed.digest, manifest.digest, config.digest}


@pytest.mark.req("I1")
async def test_a_tag_that_did_not_move_gives_back_the_previous_record(registry: Running):
    await registry.push("latest", b"one")
    first = await registry.client.fetch_source_record("shop/api", "latest")
    assert await registry.client.fetch_source_record("shop/api", "latest", previous=first) is first


@pytest.mark.req("I1", "R14")
async def test_a_tag_that_moved_gives_a_new_record(registry: Running):
    await registry.push("latest", b"one")
    first = await registry.client.fetch_source_record("shop/api", "latest")
    _, pushed = await registry.push("latest", b"two")
    second = await registry.client.fetch_source_record("shop/api", "latest", previous=first)
    assert second.digest == pushed.digest != first.digest


@pytest.mark.req("I29", "I1")
async def test_a_deleted_image_is_stated_as_not_found(registry: Running):
    _, pushed = await registry.push("1.0.0", b"one")
    record = await registry.client.fetch_source_record("shop/api", "1.0.0")
    assert await registry.delete(f"shop/api/manifests/{pushed.digest}") == 202
    with pytest.raises(NotFoundError, match=r"no manifest shop/api:1\.0\.0"):
        await registry.client.fetch_source_record("shop/api", "1.0.0", previous=record)
    with pytest.raises(NotFoundError):
        await registry.client.head_manifest("shop/api", "1.0.0")


@pytest.mark.req("I29")
async def test_a_repository_that_never_was_is_stated_as_not_found(registry: Running):
    with pytest.raises(NotFoundError):
        await registry.client.fetch_source_record("shop/ghost", "1.0.0")


@pytest.mark.req("I29", "R14")
async def test_a_digest_is_checked_for_existence(registry: Running):
    _, pushed = await registry.push("1.0.0", b"one")
    record = await registry.client.fetch_pinned_record("shop/api", pushed.digest)
    assert record.digest == pushed.digest
    assert await registry.client.fetch_pinned_record("shop/api", pushed.digest, previous=record) is record
    with pytest.raises(NotFoundError):
        await registry.client.fetch_pinned_record("shop/api", f"sha256:{'0' * 64}")


@pytest.mark.req("I29")
async def test_a_blob_that_is_gone_is_stated_as_not_found(registry: Running):
    await registry.push("1.0.0", b"one")
    with pytest.raises(NotFoundError, match="no blob"):
        await anext(registry.client.iter_blob("shop/api", f"sha256:{'0' * 64}", size_limit=100))


@pytest.mark.req("R14")
async def test_an_index_whose_images_were_not_all_copied_still_gives_a_record(registry: Running):
    images = [build_image(ImageSpec([{"a": b"a"}], platform=platform)) for platform in (Platform(), ARM)]
    pushed = await push_image(registry.session, registry.url, "shop/api", "1", build_index(images))
    assert await registry.delete(f"shop/api/manifests/{pushed.manifests[1]}") == 202
    record = await registry.client.fetch_source_record("shop/api", "1")
    assert [manifest.digest for manifest in record.manifests] == list(pushed.manifests)
    assert [manifest.config_digest for manifest in record.manifests] == [pushed.configs[0], ""]


# --- who we are ---------------------------------------------------------------------------------------------


async def test_credentials_open_a_locked_registry(locked_registry: Running):
    _, pushed = await locked_registry.push("1.0.0", b"one")
    record = await locked_registry.client.fetch_source_record("shop/api", "1.0.0")
    assert record.digest == pushed.digest


@pytest.mark.req("I29")
async def test_absence_is_stated_behind_a_lock_as_well(locked_registry: Running):
    with pytest.raises(NotFoundError):
        await locked_registry.client.fetch_source_record("shop/api", "1.0.0")


@pytest.mark.req("I29")
@pytest.mark.parametrize("login", [("", ""), (USERNAME, "wrong")])
async def test_a_locked_registry_that_does_not_let_us_in_is_unavailable_not_empty(
    locked_registry: Running, login: tuple[str, str]
):
    await locked_registry.push("1.0.0", b"one")
    async with aiohttp.ClientSession() as session:
        endpoint = Endpoint("registry.test", url=locked_registry.url, username=login[0], password=login[1])
        client = RegistryClient(endpoint, session)
        with pytest.raises(UnavailableError, match="401"):
            await client.fetch_source_record("shop/api", "1.0.0")
