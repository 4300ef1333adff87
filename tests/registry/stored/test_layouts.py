"""OCI layouts, in a folder or a tar, are asked as registries are, and believed only as far as their digests hold."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import debian, image
from tests.support.stored_images import LAYOUT, blob_path, entry, layout_files, tar_of, write_folder

from deadlight.demo.images import Blob, ImageSpec, build_image, build_index
from deadlight.model.image import Platform
from deadlight.registry import DigestMismatchError, NotFoundError, RegistryError
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, digest_of
from deadlight.registry.errors import UnreadableImageError
from deadlight.registry.resolve import NotScannableError, ResolvedImage, resolve_image
from deadlight.registry.stored.images import StoredImages
from deadlight.registry.stored.opening import open_stored_images

WEB = image(debian({"bash": "5.2-1"}))
OTHER = image(debian({"dash": "0.5-1"}))
AMD = Platform()
ARM = Platform("linux", "arm64")
ARM_WEB = build_image(ImageSpec([debian({"bash": "5.2-1"})], platform=ARM))

Write = Callable[[dict[str, bytes]], Path]


@pytest.fixture(params=["folder", "tar"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Writes a layout in one of the two ways there are."""

    def written(files: dict[str, bytes]) -> Path:
        if request.param == "folder":
            shutil.rmtree(tmp_path / "layout", ignore_errors=True)
            (tmp_path / "layout").mkdir()
            return write_folder(tmp_path / "layout", files)
        (tmp_path / "image.tar").write_bytes(tar_of(files))
        return tmp_path / "image.tar"

    return written


async def resolved(images: StoredImages, wanted: str = "", platform: Platform = AMD) -> ResolvedImage:
    return await resolve_image(images, "", "", images.choose(wanted), platform, called=images.name)


async def layer_of(images: StoredImages, found: ResolvedImage) -> bytes:
    return await images.read_layer("", found.layers[0], lambda stream: stream.read())


async def test_the_only_image_is_found_and_its_layers_are_read(write: Write) -> None:
    images = open_stored_images(write(layout_files([WEB])))
    found = await resolved(images)
    assert (images.kind, found.digest, found.config.platform) == ("oci-layout", WEB.manifest.digest, AMD)
    assert await layer_of(images, found) == WEB.layers[0].content


async def test_of_several_images_one_is_named(write: Write) -> None:
    listed = [entry(WEB, "1.0.0"), entry(OTHER, "registry.example/shop/other:2.0.0")]
    images = open_stored_images(write(layout_files([WEB, OTHER], listed)))
    assert (await resolved(images, "1.0.0")).digest == WEB.manifest.digest
    assert (await resolved(images, "2.0.0")).digest == OTHER.manifest.digest
    with pytest.raises(UnreadableImageError, match=r"several images, say which with --ref: 1\.0\.0, registry\.example"):
        images.choose()
    with pytest.raises(NotFoundError, match=r"holds no image called 3: it has 1\.0\.0"):
        images.choose("3")


@pytest.mark.parametrize("nested", [False, True])
async def test_of_several_platforms_the_wanted_one_is_taken(write: Write, nested: bool) -> None:
    if nested:
        index = build_index([WEB, ARM_WEB]).index
        listed = [{"mediaType": OCI_INDEX, "digest": index.digest, "size": len(index.content)}]
        files = layout_files([WEB, ARM_WEB], listed, [index])
    else:
        listed = [entry(item, "latest", {"os": "linux", "architecture": name}) for item, name in PLATFORMS]
        files = layout_files([WEB, ARM_WEB], listed)
    images = open_stored_images(write(files))
    assert (await resolved(images, platform=ARM)).digest == ARM_WEB.manifest.digest
    assert (await resolved(images, platform=AMD)).digest == WEB.manifest.digest
    with pytest.raises(NotScannableError, match="but not for linux/s390x, only for linux/amd64, linux/arm64"):
        await resolved(images, platform=Platform("linux", "s390x"))


PLATFORMS = [(WEB, "amd64"), (ARM_WEB, "arm64")]


async def test_documents_need_not_say_what_they_are(write: Write) -> None:
    document = json.loads(WEB.manifest.content)
    del document["mediaType"]
    bare = Blob(OCI_MANIFEST, json.dumps(document).encode())
    images = open_stored_images(write(layout_files([WEB], [bare.descriptor()], [bare])))
    assert (await resolved(images)).digest == bare.digest


async def test_content_that_is_not_what_its_digest_says_is_refused(write: Write) -> None:
    for blob in (WEB.manifest, WEB.config):
        files = layout_files([WEB]) | {blob_path(blob.digest): b"{}"}
        with pytest.raises((DigestMismatchError, NotScannableError)):
            await resolved(open_stored_images(write(files)))
    layer = blob_path(WEB.layers[0].digest)
    images = open_stored_images(write(layout_files([WEB]) | {layer: layout_files([WEB])[layer] + b"\0"}))
    with pytest.raises(DigestMismatchError, match=rf"{WEB.layers[0].digest} is damaged"):
        await images.read_layer("", (await resolved(images)).layers[0], lambda stream: stream.read(10))


async def test_what_is_missing_is_named(write: Write) -> None:
    files = layout_files([WEB])
    del files[blob_path(WEB.layers[0].digest)]
    images = open_stored_images(write(files))
    with pytest.raises(NotFoundError, match=WEB.layers[0].digest.partition(":")[2]):
        await layer_of(images, await resolved(images))
    del files[blob_path(WEB.config.digest)]
    with pytest.raises(NotScannableError):
        await resolved(open_stored_images(write(files)))


def index_of(*entries: dict[str, Any]) -> Blob:
    return Blob(OCI_INDEX, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode())


async def test_indexes_in_indexes_end(write: Write) -> None:
    """A digest cannot be part of its own content, so a loop cannot be written; a chain can."""
    chain = [build_index([WEB]).index]
    for _ in range(4):
        chain.append(index_of(chain[-1].descriptor()))
    images = open_stored_images(write(layout_files([WEB], [chain[-1].descriptor()], chain)))
    with pytest.raises(UnreadableImageError, match="nested deeper than two levels"):
        await resolved(images)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "holds no image: expected an OCI layout"),
        ({"oci-layout": LAYOUT}, "index.json.*was it copied whole"),
        ({"oci-layout": b"[]", "index.json": b"{}"}, "oci-layout is not what it should be"),
        ({"oci-layout": b'{"imageLayoutVersion": "2.0"}', "index.json": b"{}"}, r"unknown version 2\.0"),
        ({"oci-layout": LAYOUT, "index.json": b"not json"}, "index.json is a document that cannot be read"),
        (
            {"oci-layout": LAYOUT, "index.json": b'{"manifests":[' + b" " * (5 << 20) + b"]}"},
            "more than the 4194304 bytes",
        ),
        ({"oci-layout": LAYOUT, "index.json": b"[" * 100_000}, "index.json is a document that cannot be read"),
        ({"oci-layout": b"[" * 100_000, "index.json": b""}, "oci-layout is not what it should be"),
    ],
)
def test_what_is_no_layout_is_called_so(write: Write, files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        open_stored_images(write(files))


def test_a_layout_without_images_is_called_so(write: Write) -> None:
    with pytest.raises(NotFoundError, match="holds no image"):
        open_stored_images(write(layout_files([]))).choose()


@pytest.mark.parametrize(
    "digest", ["sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "", "/etc/passwd", "sha256:"]
)
async def test_nothing_but_a_digest_leads_to_a_file(write: Write, digest: str) -> None:
    listed = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 2}]
    with pytest.raises(UnreadableImageError, match="invalid digest"):
        open_stored_images(write(layout_files([WEB], listed)))
    images = open_stored_images(write(layout_files([WEB])))
    with pytest.raises(RegistryError, match="has nothing called"):
        await images.fetch_blob("", digest, size_limit=1000)


async def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, layout_files([WEB]))
    place = folder / blob_path(WEB.manifest.digest)
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(NotScannableError):
        await resolved(open_stored_images(folder))


async def test_referrers_stand_beside_their_image(write: Write) -> None:
    config = Blob("application/vnd.oci.empty.v1+json", b"{}")
    attached = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": WEB.manifest.digest, "size": 1},
    }
    referrer = Blob(OCI_MANIFEST, json.dumps(attached).encode())
    listed = [entry(WEB, "1.0.0"), referrer.descriptor()]
    images = open_stored_images(write(layout_files([WEB], listed, [config, referrer])))
    found = await resolved(images)
    assert [item.digest for item in await images.fetch_referrers("", found.digest)] == [referrer.digest]
    assert await images.fetch_referrers("", digest_of(b"other")) == ()
