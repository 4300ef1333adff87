import gzip
import io
import json
import tarfile

import aiohttp
import pytest

from deadlight.demo.images import (
    Deleted,
    File,
    ImageSpec,
    Layer,
    PushError,
    Symlink,
    build_image,
    build_index,
    build_layer,
    push_image,
)
from deadlight.demo.registry import DemoRegistry, serve_registry
from deadlight.model.image import Platform
from deadlight.registry.documents import OCI_INDEX, digest_of

LAYER: Layer = {
    "/usr/bin/app": File(b"#!/bin/sh\n", mode=0o755),
    "etc/app.conf": b"x=1\n",
    "bin": Symlink("usr/bin"),
    "var/lib/dpkg/status": Deleted(),
}


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name: member for member in opened}


def test_a_layer_holds_files_links_and_whiteouts_under_their_directories():
    written = members(build_layer(LAYER))
    assert list(written) == [
        *["etc", "usr", "usr/bin", "var", "var/lib", "var/lib/dpkg"],
        *["bin", "etc/app.conf", "usr/bin/app", "var/lib/dpkg/.wh.status"],
    ]
    assert written["usr"].isdir()
    assert written["usr/bin/app"].mode == 0o755
    assert written["bin"].linkname == "usr/bin"
    assert written["var/lib/dpkg/.wh.status"].size == 0


def test_content_survives():
    with tarfile.open(fileobj=io.BytesIO(build_layer(LAYER))) as archive:
        content = archive.extractfile("etc/app.conf")
        assert content is not None
        assert content.read() == b"x=1\n"


def test_long_and_foreign_names_survive():
    path = "/".join(["ordner" * 10] * 6) + "/größe"
    assert path in members(build_layer({path: b""}))


def test_the_same_specification_gives_the_same_digests():
    backwards = dict(reversed(list(LAYER.items())))
    one = build_image(ImageSpec([LAYER], labels={"a": "1", "b": "2"}, env={"A": "1", "B": "2"}))
    two = build_image(ImageSpec([backwards], labels={"b": "2", "a": "1"}, env={"B": "2", "A": "1"}))
    assert one == two
    assert one.layers[0].content[4:8] == bytes(4), "gzip would write the time of day there (RFC 1952)"
    assert one.manifest.digest != build_image(ImageSpec([LAYER])).manifest.digest


def test_the_configuration_names_the_uncompressed_layers():
    image = build_image(ImageSpec([LAYER, {"b": b"b"}], platform=Platform("linux", "arm64", "v8")))
    config = json.loads(image.config.content)
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm64", "v8")
    for layer, diff_id in zip(image.layers, config["rootfs"]["diff_ids"], strict=True):
        assert digest_of(gzip.decompress(layer.content)) == diff_id


def test_an_index_names_its_images_with_their_platforms():
    images = [build_image(ImageSpec([{}], platform=platform)) for platform in (Platform(), Platform("linux", "arm64"))]
    index = build_index(images, annotations={"a": "b"})
    document = json.loads(index.index.content)
    assert document["mediaType"] == OCI_INDEX
    assert [entry["digest"] for entry in document["manifests"]] == [image.manifest.digest for image in images]
    assert [entry["platform"]["architecture"] for entry in document["manifests"]] == ["amd64", "arm64"]
    assert document["annotations"] == {"a": "b"}


async def test_a_refused_push_says_what_the_registry_said():
    async with (
        serve_registry(DemoRegistry(username="auditor", password="secret")) as url,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(PushError, match=r"401.*authentication required"):
            await push_image(session, url, "shop/api", "1", build_image(ImageSpec([LAYER])))
