"""What `docker save` writes is read, and nothing in it leads out of it."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest
from tests.support.images import debian, image, python
from tests.support.stored_images import docker_files, layout_files, tar_of

from deadlight.model.image import Platform
from deadlight.registry import DigestMismatchError, NotFoundError
from deadlight.registry.errors import UnreadableImageError
from deadlight.registry.resolve import ResolvedImage, resolve_image
from deadlight.registry.stored import files as stored_files
from deadlight.registry.stored import verified
from deadlight.registry.stored.images import StoredImages
from deadlight.registry.stored.opening import open_stored_images

WEB = image(debian({"bash": "5.2-1"}), python("flask", "3.0.0"))
OTHER = image(debian({"dash": "0.5-1"}))
NAME = "shop/web:1.0.0"


def opened(tmp_path: Path, content: bytes) -> StoredImages:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    return open_stored_images(path)


async def resolved(images: StoredImages, wanted: str = "") -> ResolvedImage:
    return await resolve_image(images, "", "", images.choose(wanted), Platform(), called=images.name)


@pytest.mark.parametrize("compressed", [False, True])
async def test_layers_go_by_the_digests_of_what_is_in_them(tmp_path: Path, compressed: bool) -> None:
    images = opened(tmp_path, tar_of(docker_files({NAME: WEB}, compressed=compressed)))
    found = await resolved(images)
    assert (images.kind, found.digest) == ("docker-archive", WEB.config.digest)
    assert [layer.digest for layer in found.layers] == list(found.config.diff_ids)
    for layer, blob in zip(found.layers, WEB.layers, strict=True):
        assert await images.read_layer("", layer, lambda stream: stream.read()) == gzip.decompress(blob.content)


async def test_of_several_images_one_is_named(tmp_path: Path) -> None:
    images = opened(tmp_path, tar_of(docker_files({NAME: WEB, "shop/other:2.0.0": OTHER})))
    assert (await resolved(images, NAME)).digest == WEB.config.digest
    assert (await resolved(images, "2.0.0")).digest == OTHER.config.digest
    with pytest.raises(UnreadableImageError, match=r"several images.*shop/other:2\.0\.0, shop/web:1\.0\.0"):
        images.choose()


async def test_the_layout_that_newer_versions_write_beside_it_is_what_is_read(tmp_path: Path) -> None:
    images = opened(tmp_path, tar_of(docker_files({NAME: WEB}) | layout_files([WEB])))
    assert (images.kind, (await resolved(images)).digest) == ("oci-layout", WEB.manifest.digest)


async def test_a_layer_that_repeats_may_be_a_link(tmp_path: Path) -> None:
    saved = docker_files({NAME: WEB})
    path = next(name for name in saved if name.startswith("0-"))
    content = saved.pop(path)
    folder = path.partition("/")[0]
    archive = tar_of(saved | {"real/layer.tar": content}, {f"{folder}/layer.tar": "../real/layer.tar"})
    images = opened(tmp_path, archive)
    found = await resolved(images)
    assert await images.read_layer("", found.layers[0], lambda stream: stream.read()) == content


async def test_a_layer_that_is_not_what_the_configuration_says_is_refused(tmp_path: Path) -> None:
    saved = docker_files({NAME: WEB})
    path = next(name for name in saved if name.startswith("1-"))
    images = opened(tmp_path, tar_of(saved | {path: saved[path] + bytes(512)}))
    found = await resolved(images)
    with pytest.raises(DigestMismatchError, match=found.layers[1].digest):
        await images.read_layer("", found.layers[1], lambda stream: stream.read(100))


@pytest.mark.parametrize("compress", [gzip.compress])
def test_a_compressed_archive_is_refused_with_what_to_do(tmp_path: Path, compress) -> None:
    with pytest.raises(UnreadableImageError, match=r"image\.tar: is compressed.*unpack it with `gunzip` first"):
        opened(tmp_path, compress(tar_of(docker_files({NAME: WEB}))))


@pytest.mark.parametrize("outside", ["/etc/hostname", "../../../../etc/hostname", "x/../../../etc/hostname"])
def test_no_name_leads_out_of_the_archive(tmp_path: Path, outside: str) -> None:
    saved = docker_files({NAME: WEB})
    (listed,) = json.loads(saved["manifest.json"])
    for changed in ({"Config": outside}, {"Layers": [outside, outside]}):
        content = tar_of(saved | {"manifest.json": json.dumps([listed | changed]).encode()})
        with pytest.raises((UnreadableImageError, NotFoundError), match="hostname"):
            opened(tmp_path, content)
    with pytest.raises((UnreadableImageError, NotFoundError)):
        opened(tmp_path, tar_of({"manifest.json": json.dumps([listed]).encode()}, {listed["Config"]: outside}))


def test_links_that_loop_lead_nowhere(tmp_path: Path) -> None:
    listed = [{"Config": "a", "Layers": []}]
    with pytest.raises(UnreadableImageError, match="has no a"):
        opened(tmp_path, tar_of({"manifest.json": json.dumps(listed).encode()}, {"a": "b", "b": "a"}))


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (b"{}", "is not what it should be"),
        (b"[" * 100_000, "is not what it should be"),
        (b'[{"Config": "c.json", "Layers": ["x"]}]', "has no c.json"),
        (b'[{"Config": "manifest.json", "Layers": []}]', "cannot be read"),
        (b"[" + b" " * (5 << 20) + b"]", "more than the 4194304 bytes"),
    ],
)
def test_a_list_that_is_none_is_called_so(tmp_path: Path, listed: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        opened(tmp_path, tar_of({"manifest.json": listed}))


def test_layers_and_configuration_must_fit(tmp_path: Path) -> None:
    saved = docker_files({NAME: WEB})
    (listed,) = json.loads(saved["manifest.json"])
    content = json.dumps([listed | {"Layers": listed["Layers"][:1]}]).encode()
    with pytest.raises(UnreadableImageError, match=r"lists 1 layers, .* has 2: save the image again"):
        opened(tmp_path, tar_of(saved | {"manifest.json": content}))


def test_an_archive_of_more_files_than_an_image_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_files, "MAX_MEMBERS", 3)
    with pytest.raises(UnreadableImageError, match="more than 3 files"):
        opened(tmp_path, tar_of({str(number): b"" for number in range(5)}))


def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 4 << 30
    with (tmp_path / "image.tar").open("wb") as file:
        file.write(info.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(5 << 30)
    with pytest.raises(UnreadableImageError, match="header of"):
        open_stored_images(tmp_path / "image.tar")


def test_headers_before_headers_end(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
    header = info.tobuf(tarfile.GNU_FORMAT) + b"x\0".ljust(512, b"\0")
    with pytest.raises(UnreadableImageError, match="is not a tar of an image"):
        opened(tmp_path, header * 3_000)


def test_names_that_no_path_can_have_are_passed_over(tmp_path: Path) -> None:
    images = opened(tmp_path, tar_of({"x" * 5_000: b"", **docker_files({NAME: WEB})}))
    assert images.choose() == WEB.config.digest


async def test_a_compressed_layer_that_goes_on_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "MAX_BYTES", 1_000_000)
    saved = docker_files({NAME: OTHER}, compressed=True)
    path = next(name for name in saved if name.startswith("0-"))
    images = opened(tmp_path, tar_of(saved | {path: gzip.compress(bytes(5_000_000))}))
    found = await resolved(images)
    with pytest.raises(UnreadableImageError, match="more than 1000000 bytes"):
        await images.read_layer("", found.layers[0], lambda stream: stream.read(10))


async def test_a_compressed_layer_that_is_cut_is_called_so(tmp_path: Path) -> None:
    saved = docker_files({NAME: OTHER}, compressed=True)
    path = next(name for name in saved if name.startswith("0-"))
    images = opened(tmp_path, tar_of(saved | {path: saved[path][:-20]}))
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        await images.read_layer("", (await resolved(images)).layers[0], lambda stream: stream.read())
