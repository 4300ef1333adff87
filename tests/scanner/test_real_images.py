"""Real images from the folder beside the project; skipped where it is absent."""

import json
import tarfile
from pathlib import Path

import pytest

from deadlight.scanner import FileIndex, ImageContents, scan_layer, squash

IMAGES = Path(__file__).parents[2] / "../shared/data/images"


def contents_of(name: str) -> ImageContents:
    path = IMAGES / name
    if not path.exists():
        pytest.skip(f"{path} is not there: this test needs the real image")
    with tarfile.open(path) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
        layers = [archive.extractfile(layer) or pytest.fail("no layer") for layer in manifest["Layers"]]
        return squash([scan_layer(layer, digest=f"layer-{n}") for n, layer in enumerate(layers)])  # type: ignore[arg-type]  # IO[bytes]


@pytest.mark.req("A8", "R9")
@pytest.mark.parametrize(
    ("name", "release"), [("alpine-3.10.tar.gz", "Alpine:v3.10"), ("alpine-3.11.tar.gz", "Alpine:v3.11")]
)
def test_alpine_is_catalogued_as_apk_knows_it(name, release):
    contents = contents_of(name)
    packages = {package.package.name: package for package in contents.packages}
    assert contents.distribution == release
    assert contents.problems == ()
    assert len(packages) == 14
    assert packages["libcrypto1.1"].package.source_name == "openssl"
    assert packages["musl"].files == ("/lib/ld-musl-x86_64.so.1",)
    index = FileIndex.of(contents)
    assert index.find("/bin/busybox") == (packages["busybox"].package.purl,)
    assert index.find("/lib/libcrypto.so.1.1") == (packages["libcrypto1.1"].package.purl,)


def test_the_archive_itself_is_no_layer_we_misread():
    """A docker archive is a tar: scanned as a layer by mistake, it has files but no packages."""
    path = IMAGES / "alpine-3.11.tar.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there: this test needs the real image")
    with path.open("rb") as stream:
        assert squash([scan_layer(stream, digest="archive")]).packages == ()
