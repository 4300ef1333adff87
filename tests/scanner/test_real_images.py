"""Real images from the folder beside the project; skipped where it is absent."""

import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from deadlight.scanner import (
    ExecutableIndex,
    FileIndex,
    ImageContents,
    Presence,
    image_analyzers,
    scan_layer,
    squash,
)

IMAGES = Path(__file__).parents[2] / "../shared/data/images"


def contents_of(name: str) -> ImageContents:
    path = IMAGES / name
    if not path.exists():
        pytest.skip(f"{path} is not there: this test needs the real image")
    with tarfile.open(path) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
        layers = [archive.extractfile(layer) or pytest.fail("no layer") for layer in manifest["Layers"]]
        analyzers = image_analyzers()
        return squash([scan_layer(layer, digest=f"{n}", analyzers=analyzers) for n, layer in enumerate(layers)])  # type: ignore[arg-type]  # IO[bytes]


def programs_of(name: str) -> dict[str, bytes]:
    """What may be executed in the only layer of an image, as tarfile reads it."""
    with tarfile.open(IMAGES / name) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
        (layer,) = manifest["Layers"]
        with tarfile.open(fileobj=archive.extractfile(layer)) as files:
            members = [member for member in files if member.isreg() and member.mode & 0o111]
            return {member.name: (files.extractfile(member) or pytest.fail("no file")).read() for member in members}


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


@pytest.mark.parametrize("name", ["alpine-3.10.tar.gz", "alpine-3.11.tar.gz"])
def test_alpines_programs_have_the_digests_of_their_content(name):
    index = ExecutableIndex.of(contents_of(name))
    programs = programs_of(name)
    assert len(programs) > 10
    for path, content in programs.items():
        assert index.find(f"/{path}").sha256 == sha256(content).hexdigest()
    assert index.find("/bin/sh") == index.find("/bin/busybox")
    assert index.find("/usr/bin/wget").path == "/bin/busybox"
    assert index.find("/etc/passwd").presence is Presence.NOT_EXECUTABLE
    assert (index.find("/bin/bash").presence, index.unread) == (Presence.ABSENT, frozenset())


def test_the_archive_itself_is_no_layer_we_misread():
    """A docker archive is a tar: scanned as a layer by mistake, it has files but no packages."""
    path = IMAGES / "alpine-3.11.tar.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there: this test needs the real image")
    with path.open("rb") as stream:
        assert squash([scan_layer(stream, digest="archive")]).packages == ()
